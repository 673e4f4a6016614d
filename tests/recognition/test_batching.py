"""Who shares a batch, and whose turn it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake_engine import PORTUGUESE, attempt, clip
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.batching import MAX_PASSED_BATCHES, ClipQueue
from transcribe_cli.recognition.engines import Task
from transcribe_cli.spec import JobSpec

Recorded = Callable[[], Waveform]
LONG_AGO = 3600.0


def tasks(waveform: Waveform, recording: int, count: int, language: str = "pt", spec: JobSpec = PORTUGUESE) -> list[Task]:
    """So many clips of one recording."""
    return [Task(clip(waveform, recording, index, language=language, spec=spec)) for index in range(count)]


def named(batch: Sequence[Task]) -> list[tuple[int, int]]:
    """Recording and clip of each task."""
    return [(task.clip.recording, task.clip.index) for task in batch]


def test_a_batch_takes_one_clip_of_each_recording_in_turn(recorded: Recorded) -> None:
    """Neither a lecture nor a voice note waits for the other; within a recording the order is that of time."""
    waiting = ClipQueue()
    waiting.add([*tasks(recorded(), 0, 5), *tasks(recorded(), 1, 1), *tasks(recorded(), 2, 2)])
    assert named(waiting.take(4)) == [(0, 0), (1, 0), (2, 0), (0, 1)]
    assert named(waiting.take(4)) == [(2, 1), (0, 2), (0, 3), (0, 4)]
    assert waiting.take(4) == []
    assert not waiting


def test_whoever_gave_the_last_clip_is_not_the_first_to_give_again(recorded: Recorded) -> None:
    """The turn goes on where the batch before ended."""
    waiting = ClipQueue()
    waiting.add([*tasks(recorded(), 0, 9), *tasks(recorded(), 1, 9), *tasks(recorded(), 2, 9)])
    assert [recording for _ in range(3) for recording, _ in named(waiting.take(4))] == [0, 1, 2] * 4


def test_only_clips_of_one_spec_language_and_temperature_share_a_batch(recorded: Recorded) -> None:
    """A model reads a batch with one prompt and one search."""
    waveform = recorded()
    wide = PORTUGUESE.model_copy(update={"beam_size": 9})
    climbing = [task.with_attempt(attempt()) for task in tasks(waveform, 0, 1)]
    waiting = ClipQueue()
    waiting.add([*tasks(waveform, 0, 1), *tasks(waveform, 0, 1, "en"), *tasks(waveform, 0, 1, spec=wide), *climbing])
    waiting.add(tasks(waveform, 0, 1, ""))
    batches = [waiting.take(8) for _ in range(5)]
    assert [len(batch) for batch in batches] == [1] * 5
    assert not waiting


def test_clips_that_are_shown_in_shorter_windows_share_batches_with_their_like(recorded: Recorded) -> None:
    """The encoder takes a batch of one length."""
    waveform = recorded()
    cut = PORTUGUESE.model_copy(update={"full_window": False})
    lengths = [3.0, 4.0, 5.0, 7.0, 29.0]
    for spec, sizes in ((cut, [3, 1, 1]), (PORTUGUESE, [5])):
        waiting = ClipQueue()
        waiting.add(Task(clip(waveform, 0, number, (0.0, length), spec=spec)) for number, length in enumerate(lengths))
        assert [len(waiting.take(8)) for _ in sizes] == sizes
        assert not waiting


def test_a_recording_that_is_read_in_sequence_has_batches_of_its_own(recorded: Recorded) -> None:
    """Nothing is gained by company; their languages are asked together all the same."""
    spec = PORTUGUESE.model_copy(update={"sequential": True})
    waiting = ClipQueue()
    for number in range(3):
        waiting.add([*tasks(recorded(), number, 1, spec=spec), *tasks(recorded(), number, 1, "", spec=spec)])
    taken = [waiting.take(8, batch_wait=LONG_AGO) for _ in range(3)] + [waiting.take(8)]
    assert [len(batch) for batch in taken] == [1, 1, 1, 3]


def test_an_equal_spec_is_the_same_spec(recorded: Recorded) -> None:
    """Each job of a manifest has a copy of its own."""
    waiting = ClipQueue()
    waiting.add(tasks(recorded(), 0, 1))
    waiting.add(tasks(recorded(), 1, 1, spec=PORTUGUESE.model_copy()))
    assert len(waiting.take(8)) == 2


def test_a_full_batch_goes_before_one_that_waits_for_company(recorded: Recorded) -> None:
    """Also when it came later."""
    waiting = ClipQueue()
    waiting.add(tasks(recorded(), 0, 1, "en"))
    waiting.add(tasks(recorded(), 1, 4))
    assert named(waiting.take(4)) == [(1, index) for index in range(4)]
    assert named(waiting.take(4)) == [(0, 0)]


def test_of_two_full_batches_the_older_one_goes_first(recorded: Recorded) -> None:
    """And what is left of it begins to wait anew."""
    waiting = ClipQueue()
    first, second = recorded(), recorded()
    waiting.add(tasks(first, 0, 8, "en"))
    time.sleep(0.001)
    waiting.add(tasks(second, 1, 4))
    assert [waiting.take(4)[0].clip.recording for _ in range(3)] == [0, 1, 0]


def test_clips_that_were_passed_over_too_often_go_next(recorded: Recorded) -> None:
    """One English note among hours of Portuguese does not wait for their end."""
    waiting = ClipQueue()
    waiting.add(tasks(recorded(), 0, 1, "en"))
    waiting.add(tasks(recorded(), 1, 100))
    turns = [waiting.take(4)[0].clip.recording for _ in range(MAX_PASSED_BATCHES + 2)]
    assert turns == [1] * MAX_PASSED_BATCHES + [0, 1]


def test_a_batch_that_is_not_full_waits_for_company_a_while(recorded: Recorded) -> None:
    """Then it goes as it is."""
    waiting = ClipQueue()
    waiting.add(tasks(recorded(), 0, 1))
    assert waiting.take(4, batch_wait=LONG_AGO) == []
    assert waiting
    waiting.add(tasks(recorded(), 1, 1))
    assert waiting.take(4, batch_wait=LONG_AGO) == []
    assert len(waiting.take(4, batch_wait=0.0)) == 2


def test_a_full_batch_does_not_linger(recorded: Recorded) -> None:
    """There is no room for more company."""
    waiting = ClipQueue()
    waiting.add(tasks(recorded(), 0, 4))
    assert len(waiting.take(4, batch_wait=LONG_AGO)) == 4


def test_a_forgotten_recording_is_never_taken(recorded: Recorded) -> None:
    """In none of its languages and rungs; the others stay."""
    gone, kept = recorded(), recorded()
    waiting = ClipQueue()
    waiting.add([*tasks(gone, 0, 3), *tasks(gone, 0, 3, "en"), *tasks(kept, 1, 2)])
    waiting.add(tasks(gone, 0, 1), isolate=True)
    waiting.discard(gone)
    assert named(waiting.take(8)) == [(1, 0), (1, 1)]
    assert not waiting


def test_tasks_that_are_to_be_alone_meet_only_their_own_recording(recorded: Recorded) -> None:
    """So that it shows whose fault a failure was."""
    first, second = recorded(), recorded()
    waiting = ClipQueue()
    waiting.add([*tasks(first, 0, 2), *tasks(second, 1, 2)], isolate=True)
    waiting.add(tasks(first, 0, 1))
    assert sorted(named(waiting.take(8)) for _ in range(3)) == [[(0, 0)], [(0, 0), (0, 1)], [(1, 0), (1, 1)]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["pt", "en", ""]), st.booleans()), max_size=40),
    st.integers(1, 8),
)
def test_every_task_is_taken_once(recorded: Recorded, wanted: list[tuple[int, str, bool]], size: int) -> None:
    """Whatever comes: nothing is lost or doubled, no batch is too large, and none mixes what must not be mixed."""
    waveforms = [recorded() for _ in range(5)]
    given_tasks = [Task(clip(waveforms[number], number, index, language=code)) for index, (number, code, _) in enumerate(wanted)]
    waiting = ClipQueue()
    for task, (_, _, alone) in zip(given_tasks, wanted, strict=True):
        waiting.add([task], isolate=alone)
    taken: list[Task] = []
    while batch := waiting.take(size):
        assert len(batch) <= size
        assert len({task.clip.language for task in batch}) == 1
        taken += batch
    assert not waiting
    assert sorted(map(id, taken)) == sorted(map(id, given_tasks))
