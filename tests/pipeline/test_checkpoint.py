"""Checkpoints: the next run finds exactly what one run saved."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake_engine import PORTUGUESE, clip, clip_result
from transcribe_cli.audio import Waveform
from transcribe_cli.pipeline.checkpoint import MIN_CLIPS, Checkpoint, Checkpoints
from transcribe_cli.plan import Job, plan
from transcribe_cli.recognition.engines import Attempt, ClipResult, Phrase, SpokenWord
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings

Recorded = Callable[[], Waveform]
State = Callable[[], Checkpoint]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job whose recording is never decoded."""
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    return plan(find_recordings([str(tmp_path / "a.wav")]), PORTUGUESE, Settings())[0]


@pytest.fixture
def state(tmp_path: Path, job: Job) -> State:
    """Opens the checkpoint of the job, as each run does."""
    return lambda: Checkpoints(tmp_path / "state").open(job, job.recording)


def files(tmp_path: Path) -> list[Path]:
    """The files in the state folder."""
    return [path for path in (tmp_path / "state").rglob("*") if path.is_file()]


def results(waveform: Waveform, count: int) -> list[ClipResult]:
    """Results of `count` clips."""
    return [clip_result(clip(waveform, 0, index)) for index in range(count)]


def test_nothing_is_written_for_a_recording_of_a_few_clips(state: State, recorded: Recorded, tmp_path: Path) -> None:
    """They are one batch, which is repeated anyway: fifty thousand voice notes cause no writes."""
    checkpoint = state()
    for result in results(recorded(), MIN_CLIPS - 1):
        checkpoint.add(result)
    checkpoint.close()
    assert not (tmp_path / "state").exists()


def test_from_the_fifth_clip_on_every_clip_is_saved_at_once(state: State, recorded: Recorded, tmp_path: Path) -> None:
    """A killed process cannot close files."""
    checkpoint, found = state(), results(recorded(), MIN_CLIPS + 2)
    for number, result in enumerate(found, 1):
        checkpoint.add(result)
        later = state()
        known = [later.find(each.clip) for each in found]
        assert known == (found[:number] + [None] * (len(found) - number) if number >= MIN_CLIPS else [None] * len(found))
    [file] = files(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    checkpoint.close()


def test_a_resumed_run_saves_every_clip_at_once(state: State, recorded: Recorded) -> None:
    """The minimum number of clips applies only to a new checkpoint."""
    found = results(recorded(), MIN_CLIPS + 2)
    for part in (found[:MIN_CLIPS], found[MIN_CLIPS : MIN_CLIPS + 1], found[MIN_CLIPS + 1 :]):
        checkpoint = state()
        for result in part:
            checkpoint.add(result)
        checkpoint.close()
    assert [state().find(result.clip) for result in found] == found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(
    words=st.lists(st.builds(SpokenWord, st.text(), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1), st.just((1, 50_000)))),
    phrases=st.lists(st.builds(Phrase, st.text(), st.floats(0, 1e6), st.floats(0, 1e6), st.just((7,)))),
    attempt=st.builds(
        Attempt,
        tokens=st.lists(st.integers(0, 60_000)).map(tuple),
        text=st.text(),
        temperature=st.floats(0, 1),
        avg_logprob=st.floats(-1e6, 0),
        compression_ratio=st.floats(0, 1e6),
        no_speech_prob=st.floats(0, 1),
        repeats=st.booleans(),
        failed_gates=st.booleans(),
        heard=st.lists(st.tuples(st.text(), st.floats(0, 1)), max_size=3).map(tuple),
    ),
    seconds=st.floats(0, 1e6),
)
def test_a_found_result_equals_the_added_one(
    recorded: Recorded, tmp_path: Path, words: list[SpokenWord], phrases: list[Phrase], attempt: Attempt, seconds: float
) -> None:
    """Every digit and every character: a resumed transcript is identical to the byte."""
    waveform = recorded()
    path = tmp_path / "clips.jsonl"
    path.unlink(missing_ok=True)
    result = ClipResult(clip(waveform, 0, 99), attempt, tuple(words), tuple(phrases), seconds)
    checkpoint = Checkpoint(path)
    for each in [*results(waveform, MIN_CLIPS), result]:
        checkpoint.add(each)
    checkpoint.close()
    assert Checkpoint(path).find(result.clip) == result


def test_a_clip_with_other_borders_is_not_found(state: State, recorded: Recorded) -> None:
    """Neither is a clip in another language, or a second attempt at a part of it."""
    waveform = recorded()
    checkpoint = state()
    for result in results(waveform, MIN_CLIPS):
        checkpoint.add(result)
    checkpoint.close()
    known = clip(waveform, 0, 0)
    later = state()
    assert later.find(known) is not None
    others = [replace(known, language="en"), replace(known, part=1), replace(known, index=9), clip(waveform, 0, 0, (0.0, 1.1))]
    assert [later.find(other) for other in others] == [None] * 4


def test_another_recording_or_spec_has_its_own_checkpoint(job: Job, recorded: Recorded, tmp_path: Path) -> None:
    """So does the same file after a change."""
    checkpoints = Checkpoints(tmp_path / "state")
    first = checkpoints.open(job, job.recording)
    found = results(recorded(), MIN_CLIPS)
    for result in found:
        first.add(result)
    first.close()
    assert checkpoints.open(job, job.recording).find(found[0].clip) == found[0]
    beam = replace(job, spec=job.spec.model_copy(update={"beam_size": 1}))
    assert checkpoints.open(beam, job.recording).find(found[0].clip) is None
    os.utime(tmp_path / "a.wav", (1, 1))
    [changed] = find_recordings([str(tmp_path / "a.wav")])
    assert checkpoints.open(job, changed).find(found[0].clip) is None


def test_a_checkpoint_can_be_removed(state: State, recorded: Recorded, tmp_path: Path) -> None:
    """Also twice, and if it was never written."""
    checkpoint = state()
    checkpoint.remove()
    for result in results(recorded(), MIN_CLIPS):
        checkpoint.add(result)
    assert len(files(tmp_path)) == 1
    checkpoint.remove()
    checkpoint.remove()
    assert files(tmp_path) == []


def test_only_expired_checkpoints_are_swept(state: State, recorded: Recorded, tmp_path: Path) -> None:
    """Recent ones may be needed by the next run."""
    checkpoint = state()
    for result in results(recorded(), MIN_CLIPS):
        checkpoint.add(result)
    checkpoint.close()
    [file] = files(tmp_path)
    Checkpoints(tmp_path / "state").sweep()
    assert file.exists()
    os.utime(file, (0, 0))
    Checkpoints(tmp_path / "state").sweep()
    assert not file.exists()
