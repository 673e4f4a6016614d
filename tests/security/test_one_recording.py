"""What fails in the work of one recording is the error of that recording.

The attacker made a recording, a transcript or a sidecar that takes some step by surprise: no error that we know, but a bug of ours or of a
library. They want the run, or the worker with the jobs of everybody else, to end. Here each step is broken on purpose, for one recording.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import lecture
from tests.fake_engine import FakeEngine
from tests.pipeline.runs import jobs, outcomes
from transcribe_cli import sinks
from transcribe_cli.audio import Decoder
from transcribe_cli.batch import model_free, outcome_writer
from transcribe_cli.batch.claims import Claims
from transcribe_cli.batch.elsewhere import JobsElsewhere
from transcribe_cli.batch.run import Batch
from transcribe_cli.errors import RecordingError, UsageError, work_of_one_recording
from transcribe_cli.events import Event, RecordingDone, RecordingFailed, RecordingProgress, RunFinished
from transcribe_cli.pipeline import message_handler
from transcribe_cli.pipeline.checkpoint import Checkpoints
from transcribe_cli.pipeline.recording_state import RecordingState
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.speakers.naming import SpeakerNaming
from transcribe_cli.spec import JobSpec

BOOM = "the index is\nodd \x1b[2J" + "x" * 5000
SPEC = JobSpec(model="demo")  # the language is voted on


def breaks(monkeypatch: pytest.MonkeyPatch, owner: Any, step: str, name_of: Callable[..., str]) -> None:
    """Let a step raise for the recording bad.wav."""
    original = getattr(owner, step)

    def step_that_raises(*arguments: Any, **options: Any) -> Any:
        if name_of(*arguments) == "bad.wav":
            raise IndexError(BOOM)
        return original(*arguments, **options)

    monkeypatch.setattr(owner, step, step_that_raises)


def of_state(state: RecordingState, *_: Any) -> str:
    """The name of the recording of a state."""
    return state.started.recording.name


PIPELINE_STEPS: dict[str, tuple[Any, str, Callable[..., str]]] = {
    "clips": (RecordingState, "add_clips", of_state),
    "votes": (RecordingState, "add_language_vote", of_state),
    "results": (RecordingState, "add_result", of_state),
    "end of decoding": (RecordingState, "set_prepared", of_state),
    "checkpoint": (Checkpoints, "open", lambda _, job, __: str(job.recording.name)),
    "assembly": (message_handler, "assemble", of_state),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording that breaks something, between two that do not."""
    for name in ("a", "bad", "z"):
        lecture(tmp_path / "in" / f"{name}.wav")
    return tmp_path / "in"


@pytest.mark.parametrize("step", PIPELINE_STEPS)
def test_every_step_of_the_pipeline(step: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the type and the text; nothing is left in the scratch folder."""
    breaks(monkeypatch, *PIPELINE_STEPS[step])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    decoder = Decoder(scratch=scratch)
    checkpoints = Checkpoints(tmp_path / "state")
    pipeline = Pipeline(lambda: [FakeEngine], [decoder], checkpoints=checkpoints)
    try:
        found = {outcome.job.recording.name: outcome for outcome in pipeline.run(jobs(folder, SPEC))}
    finally:
        decoder.close()
    assert sorted(found) == ["a.wav", "bad.wav", "z.wav"]
    assert found["a.wav"].transcript
    assert found["z.wav"].transcript
    check_line(found["bad.wav"].error)
    assert isinstance(found["bad.wav"].error.__cause__, IndexError)  # for --debug
    assert list(scratch.iterdir()) == []


def check_line(error: BaseException | None) -> None:
    """An error of one recording, on one line."""
    assert isinstance(error, RecordingError)
    assert error.message.startswith("Unexpected IndexError (the index is odd")
    assert "\n" not in str(error)
    assert len(str(error)) < 500


def test_errors_of_the_pipeline_itself_surface(folder: Path, tmp_path: Path) -> None:
    """Who listens to events, and the loading of devices: no recording is at fault."""

    def listener(event: Event) -> None:
        if isinstance(event, RecordingProgress):
            raise BrokenPipeError("nobody listens")

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(BrokenPipeError):
        outcomes(jobs(folder), FakeEngine(), Decoder(scratch=scratch), on_event=listener)

    def load() -> FakeEngine:
        raise ZeroDivisionError

    with Decoder(scratch=scratch) as decoder, pytest.raises(Exception, match=r"."):
        list(Pipeline(lambda: [load], [decoder]).run(jobs(folder)))


BATCH_STEPS: dict[str, tuple[Any, str, Callable[..., str]]] = {
    "names of speakers": (SpeakerNaming, "apply_names", lambda _, job, *__: str(job.recording.name)),
    "formats": (outcome_writer, "render_job", lambda job, *_: str(job.recording.name)),
    "the done test before writing": (Claims, "begin_writing", lambda _, job: str(job.recording.name)),
    "writing and digests": (sinks, "commit", lambda output, *_: f"{output.stem}.wav"),
    "the lease": (JobsElsewhere, "claim", lambda _, job: str(job.recording.name)),
}


def run_batch(folder: Path, state: Path, **changes: Any) -> tuple[int, dict[str, Event]]:
    """The exit code, and the last event of each recording, by stem."""
    events: list[Event] = []
    settings = Settings(state_dir=state, ledger=False, output_format=("json", "srt"), **changes)
    found = plan(find_recordings([str(folder)]), JobSpec(model="demo", language="pt"), settings)
    finished = Batch(found, JobSpec(model="demo", language="pt"), settings, events.append).run()
    assert isinstance(finished, RunFinished)
    ends = [event for event in events if isinstance(event, RecordingDone | RecordingFailed)]
    assert len(ends) == 3
    return finished.exit_code, {Path(event.recording).stem: event for event in ends}


@pytest.mark.parametrize("step", BATCH_STEPS)
def test_every_step_after_the_pipeline(step: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are written; the next run does the broken one."""
    with monkeypatch.context() as patch:
        breaks(patch, *BATCH_STEPS[step])
        code, ends = run_batch(folder, tmp_path / "state")
    assert code == 3
    assert isinstance(ends["a"], RecordingDone)
    assert isinstance(ends["z"], RecordingDone)
    bad = ends["bad"]
    assert isinstance(bad, RecordingFailed)
    assert bad.message.startswith("Unexpected IndexError (the index is odd")
    assert "\n" not in bad.message
    assert not list(folder.glob("*.transcribe-lease"))
    assert not list(folder.glob(".*.tmp"))


@pytest.mark.parametrize("step", [(model_free, "render_job"), (sinks, "add_renderings")])
def test_every_step_of_a_rendering(step: tuple[Any, str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a recording that has its transcript already."""
    run_batch(folder, tmp_path / "state")
    for path in folder.glob("*.srt"):
        path.unlink()
    breaks(monkeypatch, *step, lambda first, *_: f"{getattr(first, 'output', first).stem}.wav")
    code, ends = run_batch(folder, tmp_path / "state")
    assert code == 3
    assert {stem: type(end) for stem, end in ends.items()} == {"a": RecordingDone, "z": RecordingDone, "bad": RecordingFailed}


@pytest.mark.parametrize(
    "error", [MemoryError(), KeyError("a"), RecursionError("deep"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x")]
)
def test_any_exception(error: Exception) -> None:
    """Also those without a text. Ours pass as they are, and so do interrupts."""
    with pytest.raises(RecordingError, match=f"Unexpected {type(error).__name__}"), work_of_one_recording():
        raise error
    for ours in (UsageError("x"), KeyboardInterrupt()):
        with pytest.raises(type(ours)) as caught, work_of_one_recording():
            raise ours
        assert caught.value is ours
