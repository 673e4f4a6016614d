"""The documents of `transcribe remote`: what is refused, and how it is said."""

from __future__ import annotations

import base64
import gzip

import pytest

from transcribe_cli.backends.protocol import COMPRESS_BYTES, Packed, RemoteJob, RemoteResult, unzipped
from transcribe_cli.errors import UsageError
from transcribe_cli.spec import JobSpec

JOB = {"name": "a.mp3", "spec": {"model": "demo"}, "audio_url": "https://example.org/a.mp3?signature=SECRET"}


def test_a_job_survives_the_journey() -> None:
    job = RemoteJob(name="a.mp3", spec=JobSpec(model="demo", language="pt", temperature=(0.0, 0.4)), audio_base64="AAAA")
    again = RemoteJob.parsed(job.model_dump(mode="json", exclude_none=True))
    assert again == job
    assert again.spec.fingerprint == job.spec.fingerprint


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"spec": {"beam": 3}}, "spec.beam: there is no such key"),
        ({"colour": "red"}, "colour: there is no such key"),
        ({"audio_base64": "AAAA"}, "exactly one of audio_url and audio_base64"),
        ({"audio_url": None}, "exactly one of audio_url and audio_base64"),
        ({"spec": {"beam_size": 0}}, "spec.beam_size"),
        ({"version": 2}, "version"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_wrong_with_a_job_is_said_by_its_key(change: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        RemoteJob.parsed({**JOB, **change})
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_what_is_no_object_is_no_job(document: object) -> None:
    with pytest.raises(UsageError, match="This is not a job"):
        RemoteJob.parsed(document)


@pytest.mark.parametrize("length", [0, 10, COMPRESS_BYTES, COMPRESS_BYTES + 1])
def test_texts_come_out_as_they_went_in(length: int) -> None:
    text = "é" * (length // 2)
    packed = Packed.of(text)
    assert packed.unpacked() == text
    assert (packed.gzip is not None) == (len(text.encode()) > COMPRESS_BYTES)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transcribe_cli.backends.protocol.MOST_BYTES", 1000)
    bomb = gzip.compress(bytes(100_000))
    with pytest.raises(ValueError, match="too long"):
        unzipped(bomb)
    with pytest.raises(ValueError, match="too long"):
        Packed(gzip=base64.b64encode(bomb).decode()).unpacked()


@pytest.mark.parametrize("data", [b"", b"no gzip", gzip.compress(b"whole", mtime=0)[:-4]])
def test_a_damaged_gzip_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match="gzip"):
        unzipped(data)


def test_a_damaged_transcript_is_told() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        RemoteResult(transcript=Packed(text="{")).read()
