"""Speaker names in the Python API, and errors in files with names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.recordings import SHORT
from tests.conftest import spoken
from tests.transcripts import transcript_of
from transcribe_cli import JobSpec, Settings, transcribe
from transcribe_cli.events import Event, Notice
from transcribe_cli.plan import plan
from transcribe_cli.sources import find_recordings
from transcribe_cli.speakers.naming import SpeakerNaming

GIVEN_TURNS = JobSpec(model="demo", language="pt", diarize=True, diarize_model="rttm")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording with turns of a speaker called A."""
    path = tmp_path / "aula.wav"
    path.write_bytes(spoken(SHORT))
    path.with_suffix(".rttm").write_text("SPEAKER aula 1 0 60 <NA> <NA> A <NA> <NA>\n")
    return path


@pytest.mark.parametrize(("said", "name"), [((), "Ana"), (("A=Eva",), "Eva")])
def test_transcripts_from_python_have_the_same_names_as_a_run(recording: Path, said: tuple[str, ...], name: str) -> None:
    """From the file next to the recording, or from the settings, which take precedence."""
    recording.with_name("speakers.toml").write_text('A = "Ana"\n')
    [outcome] = transcribe(recording, GIVEN_TURNS, Settings(speaker_names=said))
    assert outcome.transcript is not None
    assert outcome.transcript.speaker_names == {"A": name}


def test_a_damaged_file_with_names_is_reported_once_and_stops_nothing(recording: Path) -> None:
    """Whoever put it into the folder: names can be added to the finished transcripts."""
    recording.with_name("speakers.toml").write_text("A = 1\n")
    other = recording.with_name("b.wav")
    other.write_bytes(recording.read_bytes())
    events: list[Event] = []
    naming = SpeakerNaming(Settings(), events.append)
    naming.load_names(plan(find_recordings([str(recording), str(other)]), GIVEN_TURNS, Settings()))
    assert [event.message for event in events if isinstance(event, Notice)] == [
        "aula.wav gets no speaker names: speakers.toml: the name of 'A' is not a string."
    ]


def test_a_file_with_names_that_is_damaged_during_the_run_is_only_a_warning(recording: Path) -> None:
    """For a recording that another run released, so that its names were not loaded at the start."""
    events: list[Event] = []
    [job] = plan(find_recordings([str(recording)]), GIVEN_TURNS, Settings())
    naming = SpeakerNaming(Settings(), events.append)
    naming.load_names([])
    recording.with_name("speakers.toml").write_text("A = 1\n")
    assert naming.apply_names(job, transcript_of(job.recording, job.spec), None).speaker_names == {}
    assert [event.message for event in events if isinstance(event, Notice)] == [
        "aula.wav gets no speaker names: speakers.toml: the name of 'A' is not a string."
    ]
