"""Which clips share a batch, and which batch is next."""

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
    """Tasks for `count` clips of one recording."""
    return [Task(clip(waveform, recording, index, language=language, spec=spec)) for index in range(count)]


def clip_ids(batch: Sequence[Task]) -> list[tuple[int, int]]:
    """Recording and clip index of each task."""
    return [(task.clip.recording, task.clip.index) for task in batch]


def test_a_batch_takes_one_clip_of_each_recording_in_turn(recorded: Recorded) -> None:
    """So neither a lecture nor a voice note waits for the other. Within a recording, clips are in order of time."""
    queue = ClipQueue()
    queue.add([*tasks(recorded(), 0, 5), *tasks(recorded(), 1, 1), *tasks(recorded(), 2, 2)])
    assert clip_ids(queue.take(4)) == [(0, 0), (1, 0), (2, 0), (0, 1)]
    assert clip_ids(queue.take(4)) == [(2, 1), (0, 2), (0, 3), (0, 4)]
    assert queue.take(4) == []
    assert not queue


def test_turns_continue_in_the_next_batch(recorded: Recorded) -> None:
    """The recording that supplied the last clip is not the first of the next batch."""
    queue = ClipQueue()
    queue.add([*tasks(recorded(), 0, 9), *tasks(recorded(), 1, 9), *tasks(recorded(), 2, 9)])
    assert [recording for _ in range(3) for recording, _ in clip_ids(queue.take(4))] == [0, 1, 2] * 4


def test_only_clips_of_one_spec_language_and_temperature_share_a_batch(recorded: Recorded) -> None:
    """A batch has one prompt and one search."""
    waveform = recorded()
    wide = PORTUGUESE.model_copy(update={"beam_size": 9})
    climbing = [task.with_attempt(attempt()) for task in tasks(waveform, 0, 1)]
    queue = ClipQueue()
    queue.add([*tasks(waveform, 0, 1), *tasks(waveform, 0, 1, "en"), *tasks(waveform, 0, 1, spec=wide), *climbing])
    queue.add(tasks(waveform, 0, 1, ""))
    batches = [queue.take(8) for _ in range(5)]
    assert [len(batch) for batch in batches] == [1] * 5
    assert not queue


def test_only_clips_with_the_same_window_share_a_batch(recorded: Recorded) -> None:
    """All clips of an encoder batch have the same length."""
    waveform = recorded()
    cut = PORTUGUESE.model_copy(update={"full_window": False})
    lengths = [3.0, 4.0, 5.0, 7.0, 29.0]
    for spec, sizes in ((cut, [3, 1, 1]), (PORTUGUESE, [5])):
        queue = ClipQueue()
        queue.add(Task(clip(waveform, 0, number, (0.0, length), spec=spec)) for number, length in enumerate(lengths))
        assert [len(queue.take(8)) for _ in sizes] == sizes
        assert not queue


def test_a_sequential_clip_has_its_own_batch(recorded: Recorded) -> None:
    """Batching gains nothing; but languages are detected together."""
    spec = PORTUGUESE.model_copy(update={"sequential": True})
    queue = ClipQueue()
    for number in range(3):
        queue.add([*tasks(recorded(), number, 1, spec=spec), *tasks(recorded(), number, 1, "", spec=spec)])
    taken = [queue.take(8, batch_wait=LONG_AGO) for _ in range(3)] + [queue.take(8)]
    assert [len(batch) for batch in taken] == [1, 1, 1, 3]


def test_an_equal_spec_is_the_same_spec(recorded: Recorded) -> None:
    """Each job of a manifest has its own copy."""
    queue = ClipQueue()
    queue.add(tasks(recorded(), 0, 1))
    queue.add(tasks(recorded(), 1, 1, spec=PORTUGUESE.model_copy()))
    assert len(queue.take(8)) == 2


def test_a_full_batch_goes_before_a_partial_one(recorded: Recorded) -> None:
    """Even if it arrived later."""
    queue = ClipQueue()
    queue.add(tasks(recorded(), 0, 1, "en"))
    queue.add(tasks(recorded(), 1, 4))
    assert clip_ids(queue.take(4)) == [(1, index) for index in range(4)]
    assert clip_ids(queue.take(4)) == [(0, 0)]


def test_of_two_full_batches_the_older_one_goes_first(recorded: Recorded) -> None:
    """The rest of its group starts waiting again."""
    queue = ClipQueue()
    first, second = recorded(), recorded()
    queue.add(tasks(first, 0, 8, "en"))
    time.sleep(0.001)
    queue.add(tasks(second, 1, 4))
    assert [queue.take(4)[0].clip.recording for _ in range(3)] == [0, 1, 0]


def test_clips_that_were_passed_over_too_often_go_next(recorded: Recorded) -> None:
    """One English note among hours of Portuguese does not wait for their end."""
    queue = ClipQueue()
    queue.add(tasks(recorded(), 0, 1, "en"))
    queue.add(tasks(recorded(), 1, 100))
    turns = [queue.take(4)[0].clip.recording for _ in range(MAX_PASSED_BATCHES + 2)]
    assert turns == [1] * MAX_PASSED_BATCHES + [0, 1]


def test_a_partial_batch_waits_for_more_clips(recorded: Recorded) -> None:
    """Then it goes as it is."""
    queue = ClipQueue()
    queue.add(tasks(recorded(), 0, 1))
    assert queue.take(4, batch_wait=LONG_AGO) == []
    assert queue
    queue.add(tasks(recorded(), 1, 1))
    assert queue.take(4, batch_wait=LONG_AGO) == []
    assert len(queue.take(4, batch_wait=0.0)) == 2


def test_a_full_batch_does_not_wait(recorded: Recorded) -> None:
    """There is no room for more clips."""
    queue = ClipQueue()
    queue.add(tasks(recorded(), 0, 4))
    assert len(queue.take(4, batch_wait=LONG_AGO)) == 4


def test_a_discarded_recording_is_never_taken(recorded: Recorded) -> None:
    """In any language or attempt; the others stay."""
    discarded, kept = recorded(), recorded()
    queue = ClipQueue()
    queue.add([*tasks(discarded, 0, 3), *tasks(discarded, 0, 3, "en"), *tasks(kept, 1, 2)])
    queue.add(tasks(discarded, 0, 1), isolate=True)
    queue.discard(discarded)
    assert clip_ids(queue.take(8)) == [(1, 0), (1, 1)]
    assert not queue


def test_isolated_tasks_share_batches_with_their_own_recording_only(recorded: Recorded) -> None:
    """So that a failure can be attributed to a recording."""
    first, second = recorded(), recorded()
    queue = ClipQueue()
    queue.add([*tasks(first, 0, 2), *tasks(second, 1, 2)], isolate=True)
    queue.add(tasks(first, 0, 1))
    assert sorted(clip_ids(queue.take(8)) for _ in range(3)) == [[(0, 0)], [(0, 0), (0, 1)], [(1, 0), (1, 1)]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["pt", "en", ""]), st.booleans()), max_size=40),
    st.integers(1, 8),
)
def test_every_task_is_taken_once(recorded: Recorded, drawn: list[tuple[int, str, bool]], size: int) -> None:
    """No task is lost or duplicated, no batch is too large, and no batch mixes languages."""
    waveforms = [recorded() for _ in range(5)]
    given_tasks = [Task(clip(waveforms[number], number, index, language=code)) for index, (number, code, _) in enumerate(drawn)]
    queue = ClipQueue()
    for task, (_, _, isolate) in zip(given_tasks, drawn, strict=True):
        queue.add([task], isolate=isolate)
    taken: list[Task] = []
    while batch := queue.take(size):
        assert len(batch) <= size
        assert len({task.clip.language for task in batch}) == 1
        taken += batch
    assert not queue
    assert sorted(map(id, taken)) == sorted(map(id, given_tasks))
