"""Names of speakers where no command writes them: from Python, and for a recording whose file of names broke during a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.recordings import SHORT
from tests.conftest import spoken
from tests.transcripts import transcript_of
from transcribe_cli import JobSpec, Settings, transcribe
from transcribe_cli.errors import ConfigError
from transcribe_cli.events import Event, Notice
from transcribe_cli.plan import plan
from transcribe_cli.sources import find_recordings
from transcribe_cli.speakers.naming import SpeakerNaming

GIVEN_TURNS = JobSpec(model="demo", language="pt", diarize=True, diarize_model="rttm")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """With its turns, by somebody who is called A."""
    path = tmp_path / "aula.wav"
    path.write_bytes(spoken(SHORT))
    path.with_suffix(".rttm").write_text("SPEAKER aula 1 0 60 <NA> <NA> A <NA> <NA>\n")
    return path


@pytest.mark.parametrize(("said", "name"), [((), "Ana"), (("A=Eva",), "Eva")])
def test_transcripts_from_python_have_the_names_that_a_run_would_write(recording: Path, said: tuple[str, ...], name: str) -> None:
    """Of the file next to it, or of the settings, which count more."""
    recording.with_name("speakers.toml").write_text('A = "Ana"\n')
    [outcome] = transcribe(recording, GIVEN_TURNS, Settings(speaker_names=said))
    assert outcome.transcript is not None
    assert outcome.transcript.speaker_names == {"A": name}


def test_a_damaged_file_of_names_is_said_before_the_work(recording: Path) -> None:
    """Recognition would be lost on it."""
    recording.with_name("speakers.toml").write_text("A = 1\n")
    with pytest.raises(ConfigError, match="the name of 'A' is not a string"):
        next(transcribe(recording, GIVEN_TURNS))


def test_a_file_of_names_that_broke_during_the_run_costs_its_names_only(recording: Path) -> None:
    """Of a recording that another run gave up, so that it was not read in the beginning."""
    told: list[Event] = []
    [job] = plan(find_recordings([str(recording)]), GIVEN_TURNS, Settings())
    naming = SpeakerNaming(Settings(), told.append)
    naming.load_names([])
    recording.with_name("speakers.toml").write_text("A = 1\n")
    assert naming.apply_names(job, transcript_of(job.recording, job.spec), None).speaker_names == {}
    assert [event.message for event in told if isinstance(event, Notice)] == [
        "aula.wav has no names: speakers.toml: the name of 'A' is not a string."
    ]
