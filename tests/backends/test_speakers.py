"""Diarization on a remote worker."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backends.conftest import SPEC, RemoteRunner
from tests.backends.gateway import Gateway
from tests.conftest import EXAMPLES, Ran
from transcribe_cli.errors import NotReady
from transcribe_cli.transcript import Transcript

WITH_SPEAKERS = SPEC.model_copy(update={"diarize": True, "diarize_model": "demo"})


@pytest.fixture
def hearing(remote: RemoteRunner) -> RemoteRunner:
    """A remote with one recording that has three speakers."""
    for path in remote.folder.iterdir():
        path.unlink()
    shutil.copy(EXAMPLES / "hearing.wav", remote.folder / "hearing.wav")
    return remote


def transcript(remote: RemoteRunner) -> Transcript:
    """The transcript that was written."""
    return Transcript.loads((remote.folder / "hearing.json").read_bytes())


def test_speakers_are_the_same_as_those_of_run(
    served: Gateway, hearing: RemoteRunner, transcribe: Callable[..., Ran], tmp_path: Path
) -> None:
    here = tmp_path / "here"
    shutil.copytree(hearing.folder, here)
    assert hearing.run(WITH_SPEAKERS, output_format="all").exit_code == 0, hearing.messages
    ran = transcribe("run", here, "--model", "demo", "-l", "pt", "--diarize", "--diarize-model", "demo", "-f", "all")
    assert ran.code == 0, ran.err
    for ending in ("srt", "vtt", "txt", "tsv", "rttm"):
        assert (hearing.folder / f"hearing.{ending}").read_bytes() == (here / f"hearing.{ending}").read_bytes(), ending


def test_an_existing_transcript_is_only_diarized(served: Gateway, hearing: RemoteRunner) -> None:
    assert hearing.run().exit_code == 0
    text = transcript(hearing).text
    finished = hearing.run(WITH_SPEAKERS)
    assert (finished.diarized, finished.transcribed) == (1, 0), hearing.messages
    second = served.all_jobs()[1].body["input"]
    assert "hearing" in second["name"]
    assert text.strip()[:20] in second["text"]["text"]
    assert (transcript(hearing).text, len(transcript(hearing).speakers)) == (text, 3)


def test_given_speaker_turns_are_sent(served: Gateway, hearing: RemoteRunner) -> None:
    lines = ["SPEAKER hearing 1 0.0 30.0 <NA> <NA> Ana <NA> <NA>", "SPEAKER hearing 1 30.0 30.0 <NA> <NA> Rui <NA> <NA>"]
    (hearing.folder / "hearing.wav.rttm").write_text("\n".join(lines))
    assert hearing.run(SPEC.model_copy(update={"diarize": True, "diarize_model": "rttm"})).exit_code == 0, hearing.messages
    assert transcript(hearing).speakers == ("Ana", "Rui")


def test_a_transcript_is_kept_and_flagged_if_diarization_fails(served: Gateway, hearing: RemoteRunner) -> None:
    (hearing.folder / "hearing.wav.rttm").write_text("SPEAKER hearing 1 soon 30.0 <NA> <NA> Ana <NA> <NA>")
    finished = hearing.run(SPEC.model_copy(update={"diarize": True, "diarize_model": "rttm"}))
    assert (finished.exit_code, finished.failed) == (3, 1)
    assert transcript(hearing).flags == ("no_diarization",)
    assert transcript(hearing).job.spec.get("diarize", False) is False


def test_a_diarizer_that_is_not_the_endpoints_is_refused_before_any_work(served: Gateway, hearing: RemoteRunner) -> None:
    with pytest.raises(NotReady, match=r"has the diarize model demo, not nobody/nothing\. Use --diarize-model demo"):
        hearing.run(SPEC.model_copy(update={"diarize": True, "diarize_model": "nobody/nothing"}))
    assert not (hearing.folder / "hearing.json").exists()
