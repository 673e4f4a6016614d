"""The documents of `transcribe remote`: what is refused, and with which message."""

from __future__ import annotations

import base64
import gzip

import pytest

from transcribe_cli.backends.protocol import COMPRESS_BYTES, PackedText, RemoteJob, RemoteResult, decompress
from transcribe_cli.errors import UsageError
from transcribe_cli.spec import JobSpec

JOB = {"name": "a.mp3", "spec": {"model": "demo"}, "audio_url": "https://example.org/a.mp3?signature=SECRET"}


def test_a_job_is_the_same_after_a_round_trip() -> None:
    job = RemoteJob(name="a.mp3", spec=JobSpec(model="demo", language="pt", temperature=(0.0, 0.4)), audio_base64="AAAA")
    received = RemoteJob.parse(job.model_dump(mode="json", exclude_none=True))
    assert received == job
    assert received.spec.fingerprint == job.spec.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spec": {"beam": 3}}, "spec.beam: unknown key"),
        ({"colour": "red"}, "colour: unknown key"),
        ({"audio_base64": "AAAA"}, "exactly one of audio_url and audio_base64"),
        ({"audio_url": None}, "exactly one of audio_url and audio_base64"),
        ({"spec": {"beam_size": 0}}, "spec.beam_size"),
        ({"version": 2}, "version"),
        ({"name": ""}, "name"),
    ],
)
def test_an_invalid_job_is_reported_with_its_key(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        RemoteJob.parse({**JOB, **change})
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(UsageError, match="The job is invalid: input:"):
        RemoteJob.parse(document)


@pytest.mark.parametrize("length", [0, 10, COMPRESS_BYTES, COMPRESS_BYTES + 1])
def test_a_packed_text_unpacks_to_itself(length: int) -> None:
    text = "é" * (length // 2)
    packed = PackedText.pack(text)
    assert packed.unpack() == text
    assert (packed.gzip is not None) == (len(text.encode()) > COMPRESS_BYTES)


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transcribe_cli.backends.protocol.MAX_UNPACKED_BYTES", 1000)
    bomb = gzip.compress(bytes(100_000))
    with pytest.raises(ValueError, match="too long"):
        decompress(bomb)
    with pytest.raises(ValueError, match="too long"):
        PackedText(gzip=base64.b64encode(bomb).decode()).unpack()


@pytest.mark.parametrize("data", [b"", b"no gzip", gzip.compress(b"whole", mtime=0)[:-4]])
def test_a_damaged_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="gzip"):
        decompress(data)


def test_a_damaged_transcript_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        RemoteResult(transcript=PackedText(text="{")).parse_transcript()
