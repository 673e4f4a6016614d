"""Clips in, one answer for each out; when batches are taken."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from tests.cli.test_interrupt import wait_until
from tests.fake_engine import PORTUGUESE, FakeEngine, RecognitionHarness, clip, clip_ids, wait_for
from transcribe_cli.audio import Waveform
from transcribe_cli.events import ModelLoaded
from transcribe_cli.recognition.device_threads import BATCH_WAIT, HEAD_START, Device, DeviceThread, batch_wait
from transcribe_cli.recognition.engines import Clip, Task
from transcribe_cli.recognition.messages import LanguageDetected, Recognized

Recorded = Callable[[], Waveform]
LADDER = PORTUGUESE.model_copy(update={"temperature": (0.0, 0.4, 0.8)})


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("devices", [1, 2])
def test_every_clip_has_one_result(recorded: Recorded, concurrency: int, devices: int) -> None:
    """With any number of threads, and whenever the clips arrive."""
    waveforms = [recorded() for _ in range(5)]
    clips = [clip(waveforms[number], number, index) for number in range(5) for index in range(3 * number)]
    with RecognitionHarness(*(FakeEngine(batch_size=4, concurrency=concurrency) for _ in range(devices))) as run:
        run.add(*clips[:7])
        run.add(*clips[7:])
        answers = run.answers(len(clips))
    assert clip_ids(answers, Recognized) == sorted((each.recording, each.index) for each in clips)
    assert run.pending_answers() == []


def test_a_result_belongs_to_its_clip(recorded: Recorded) -> None:
    """It is delivered with the clip that was added."""
    waveform = recorded()
    clips = [clip(waveform, 0, index) for index in range(9)]
    with RecognitionHarness(FakeEngine(batch_size=4)) as run:
        run.add(*clips)
        for answer in run.answers(9):
            assert isinstance(answer, Recognized)
            assert answer.clip is answer.result.clip
            assert any(answer.clip.index == each.index and answer.clip.speech == each.speech for each in clips)
            assert answer.result.words[0].start == answer.clip.start


def test_clips_that_arrive_one_by_one_share_a_batch(recorded: Recorded) -> None:
    """They wait while another batch is recognized."""
    has_started, gate = threading.Event(), threading.Event()

    def hold(clips: Sequence[Clip]) -> None:
        has_started.set()
        wait_for(gate)

    engine = FakeEngine(batch_size=4, on_batch=hold)
    with RecognitionHarness(engine) as run:
        run.add(*(clip(recorded(), 0, index) for index in range(4)))
        wait_for(has_started)
        for number in range(1, 5):
            run.add(clip(recorded(), number))
        gate.set()
        run.answers(8)
    assert engine.batched_recordings() == [{0}, {1, 2, 3, 4}]


def test_the_last_clips_of_a_run_do_not_wait(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more clips will arrive."""
    monkeypatch.setattr("transcribe_cli.recognition.task_queue.BATCH_WAIT", 3600.0)
    with RecognitionHarness(FakeEngine(batch_size=4)) as run:
        run.recognition.finish()
        run.add(clip(recorded()))
        assert clip_ids(run.answers(1), Recognized) == [(0, 0)]


def test_a_partial_batch_goes_after_a_moment(recorded: Recorded) -> None:
    """Even if more recordings may arrive."""
    with RecognitionHarness(FakeEngine(batch_size=4)) as run:
        run.add(clip(recorded()))
        assert clip_ids(run.answers(1), Recognized) == [(0, 0)]


def test_a_clip_that_fails_the_gates_is_retried_in_a_later_batch(recorded: Recorded) -> None:
    """With its earlier attempts; each batch has one temperature, and each clip one result in the end."""
    engine = FakeEngine(batch_size=2, passes_from=0.8)
    with RecognitionHarness(engine) as run:
        run.add(*(clip(recorded(), number, spec=LADDER) for number in range(4)))
        answers = run.answers(4)
    assert clip_ids(answers, Recognized) == [(number, 0) for number in range(4)]
    tried = [
        {(task.temperature, tuple(before.temperature for before in task.attempts)) for task in batch} for batch in engine.batches
    ]
    assert all(len(keys) == 1 for keys in tried)
    assert sorted(key for keys in tried for key in keys) == sorted([(0.0, ()), (0.4, (0.0,)), (0.8, (0.0, 0.4))] * 2)


def test_retries_do_not_delay_other_clips(recorded: Recorded) -> None:
    """A clip of another recording that passes at once does not wait for one that is retried."""
    hard, easy = recorded(), recorded()
    engine = FakeEngine(batch_size=1, passes_from=0.8)
    with RecognitionHarness(engine) as run:
        run.recognition.finish()
        run.add(clip(hard, 0, spec=LADDER), clip(easy, 1, spec=PORTUGUESE.model_copy(update={"temperature": (0.8,)})))
        assert [answer.clip.recording for answer in run.answers(2) if isinstance(answer, Recognized)] == [1, 0]


def test_for_a_clip_without_a_language_only_the_language_is_detected(recorded: Recorded) -> None:
    """In separate batches."""
    waveform = recorded()
    engine = FakeEngine(batch_size=4)
    with RecognitionHarness(engine) as run:
        run.add(*(clip(waveform, 0, index, language="") for index in range(4)), *(clip(waveform, 1, index) for index in range(4)))
        answers = run.answers(8)
    assert clip_ids(answers, LanguageDetected) == [(0, index) for index in range(4)]
    assert clip_ids(answers, Recognized) == [(1, index) for index in range(4)]
    assert {answer.probabilities["pt"] for answer in answers if isinstance(answer, LanguageDetected)} == {0.75}
    assert [len(batch) for batch in engine.language_batches] == [4]
    assert {each.recording for each in engine.clips} == {1}


def test_a_discarded_recording_is_not_recognized(recorded: Recorded) -> None:
    """Neither are waiting clips, clips that are added later, or retries of clips in progress."""
    has_started, gate = threading.Event(), threading.Event()

    def hold(clips: Sequence[Clip]) -> None:
        has_started.set()
        wait_for(gate)

    discarded, kept = recorded(), recorded()
    engine = FakeEngine(batch_size=2, on_batch=hold, passes_from=0.4)
    with RecognitionHarness(engine) as run:
        run.recognition.finish()
        run.add(*(clip(discarded, 0, index, spec=LADDER) for index in range(4)))
        wait_for(has_started)
        run.recognition.discard(discarded)
        run.add(clip(discarded, 0, 4, spec=LADDER), clip(kept, 1, spec=LADDER))
        gate.set()
        assert clip_ids(run.answers(1), Recognized) == [(1, 0)]
    assert [(each.recording, each.index) for each in engine.clips] == [(0, 0), (0, 1), (1, 0), (1, 0)]
    assert run.pending_answers() == []


def test_a_device_has_as_many_batches_in_flight_as_its_concurrency(recorded: Recorded) -> None:
    """While one computes, another prepares its features."""
    together = threading.Barrier(3)
    engine = FakeEngine(batch_size=1, concurrency=3, on_batch=lambda clips: together.wait(20.0) and None)
    with RecognitionHarness(engine) as run:
        run.add(*(clip(recorded(), number) for number in range(6)))
        assert len(clip_ids(run.answers(6), Recognized)) == 6
    assert not together.broken


def test_a_partial_batch_for_a_busy_device_waits_for_more_clips(recorded: Recorded) -> None:
    """It goes when it is full, or when the device is idle."""
    first, second = threading.Event(), threading.Event()
    gates = iter((first, second))
    engine = FakeEngine(batch_size=4, concurrency=2, replicas=1, on_batch=lambda clips: wait_for(next(gates, second)))
    with RecognitionHarness(engine) as run:
        run.add(clip(recorded(), 0))
        wait_until(lambda: bool(engine.batches))
        run.add(*(clip(recorded(), number) for number in (1, 2)))
        time.sleep(3 * BATCH_WAIT)
        assert len(engine.batches) == 1
        run.add(*(clip(recorded(), number) for number in (3, 4, 5)))
        wait_until(lambda: len(engine.batches) == 2)
        assert len(engine.batches[1]) == 4
        time.sleep(2 * BATCH_WAIT)
        assert len(engine.batches) == 2
        first.set()
        second.set()
        assert len(clip_ids(run.answers(6), Recognized)) == 6
    assert [len(batch) for batch in engine.batches] == [1, 4, 1]


def test_a_batch_goes_shortly_before_the_device_runs_out_of_work() -> None:
    """Estimated by the pace of the last batch; without one, when the device is idle."""
    device = Device(FakeEngine, FakeEngine(concurrency=2, replicas=1), 4)
    thread, other = DeviceThread(device), DeviceThread(device, [Task(clip(cast(Waveform, None), 0))] * 4, began=10.0)
    assert batch_wait(thread, [thread], 10.0) == BATCH_WAIT
    assert batch_wait(thread, [thread, other], 99.0) == math.inf
    device.pace, device.finished = 0.5, 11.0  # the other stood in line for a second
    assert batch_wait(thread, [thread, other], 13.0 - HEAD_START - 0.01) == math.inf
    assert batch_wait(thread, [thread, other], 13.0 - HEAD_START + 0.01) == BATCH_WAIT
    device.record_batch(other, 14.0)
    assert (device.pace, device.finished) == (0.75, 14.0)
    assert batch_wait(DeviceThread(Device(FakeEngine, FakeEngine(concurrency=2), 4)), [other], 10.0) == BATCH_WAIT


@pytest.mark.parametrize("batch_size", [1, 4])
def test_leaving_ends_the_threads(recorded: Recorded, batch_size: int) -> None:
    """Even if clips are waiting."""
    before, gate = set(threading.enumerate()), threading.Event()
    with RecognitionHarness(FakeEngine(batch_size=batch_size, concurrency=2, on_batch=lambda clips: wait_for(gate))) as run:
        run.add(*(clip(recorded(), number) for number in range(20)))
        gate.set()
    assert set(threading.enumerate()) <= before


def test_loading_the_model_is_reported_once_with_all_devices() -> None:
    """With any number of devices."""
    with RecognitionHarness(FakeEngine(device="cuda:0/float16"), FakeEngine(device="cuda:1/float16")) as run:
        assert run.recognition.device == "cuda:0/float16, cuda:1/float16"
    assert [(event.model, event.device, event.batch_size) for event in run.events if isinstance(event, ModelLoaded)] == [
        ("demo", "cuda:0/float16, cuda:1/float16", 4)
    ]
