"""Devices that fail, hang or do not load: the others continue, and without any device the run ends with the reason."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.fake_engine import PATIENCE, FakeEngine, RecognitionHarness, clip, clip_ids, failing, wait_for
from transcribe_cli.audio import Waveform
from transcribe_cli.errors import DeviceUnavailable, ModelUnavailable
from transcribe_cli.events import Notice
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.recognition.failures import MAX_CONSECUTIVE_FAILURES
from transcribe_cli.recognition.messages import AllDevicesFailed, ClipFailed, Recognized

Recorded = Callable[[], Waveform]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event that is set when the test ends, so that no thread is left."""
    before = set(threading.enumerate())
    event = threading.Event()
    yield event
    event.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)


def test_a_device_that_fails_repeatedly_is_removed(recorded: Recorded) -> None:
    """The other one continues, and takes over its batch."""
    out = threading.Event()

    def broken(clips: Sequence[Clip]) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    good = FakeEngine(batch_size=1, device="cuda:1/float16", on_batch=lambda clips: wait_for(out))
    bad = FakeEngine(batch_size=1, device="cuda:0/float16", on_batch=broken)
    with RecognitionHarness(bad, good, on_event=lambda event: isinstance(event, Notice) and out.set()) as run:
        run.add(*(clip(recorded(), number) for number in range(20)))
        answers = run.answers(20)
    assert len(bad.batches) == MAX_CONSECUTIVE_FAILURES
    assert len(clip_ids(answers, ClipFailed)) == MAX_CONSECUTIVE_FAILURES - 1
    assert clip_ids(answers, Recognized) == sorted({(number, 0) for number in range(20)} - set(clip_ids(answers, ClipFailed)))
    assert run.warnings() == [
        "The recognizer failed (CUDA error: unspecified launch failure): continuing without cuda:0/float16."
    ]


def test_without_any_device_the_run_ends(recorded: Recorded) -> None:
    """The error names the reason."""
    with RecognitionHarness(FakeEngine(batch_size=1, on_batch=failing(*range(20)))) as run:
        run.add(*(clip(recorded(), number) for number in range(20)))
        *failed, broken = run.answers(MAX_CONSECUTIVE_FAILURES)
    assert len(clip_ids(failed, ClipFailed)) == MAX_CONSECUTIVE_FAILURES - 1
    assert isinstance(broken, AllDevicesFailed)
    assert isinstance(broken.error, DeviceUnavailable)
    assert broken.error.message == f"The recognizer failed (cuDNN failed), {MAX_CONSECUTIVE_FAILURES} times in a row."


def test_a_success_resets_the_failures_of_a_device(recorded: Recorded) -> None:
    """Occasional bad recordings do not make a device broken, however long the run."""
    bad = range(0, 60, 3)
    with RecognitionHarness(FakeEngine(batch_size=1, on_batch=failing(*bad))) as run:
        run.add(*(clip(recorded(), number) for number in range(60)))
        answers = run.answers(60)
    assert clip_ids(answers, ClipFailed) == [(number, 0) for number in bad]
    assert len(clip_ids(answers, Recognized)) == 40


def test_a_device_that_times_out_is_reloaded(recorded: Recorded, gate: threading.Event) -> None:
    """The recording in its batch fails, and the others finish."""
    loaded: list[FakeEngine] = []

    def load() -> FakeEngine:
        first = not loaded
        loaded.append(FakeEngine(batch_size=1, on_batch=lambda clips: wait_for(gate) if first else None))
        return loaded[-1]

    with RecognitionHarness(load, batch_timeout=lambda seconds: 0.1 if len(loaded) == 1 else PATIENCE) as run:
        run.add(*(clip(recorded(), number) for number in range(4)))
        answers = run.answers(4)
        gate.set()
    assert len(loaded) == 2
    assert clip_ids(answers, ClipFailed) == [(0, 0)]
    assert clip_ids(answers, Recognized) == [(1, 0), (2, 0), (3, 0)]
    assert run.warnings() == ["The recognizer did not respond for 0 s: reloading the model."]


def test_the_batch_of_a_hanging_device_goes_to_another(recorded: Recorded, gate: threading.Event) -> None:
    """No recording fails; a late answer is ignored."""
    hangs, answered = threading.Event(), threading.Event()

    def hang(clips: Sequence[Clip]) -> None:
        hangs.set()
        wait_for(gate)

    def batch_timeout(seconds: float) -> float:
        return 0.1 if answered.is_set() and not run.warnings() else PATIENCE

    before = set(threading.enumerate())
    stuck, other = FakeEngine(on_batch=hang), FakeEngine(on_batch=lambda clips: wait_for(hangs))
    with RecognitionHarness(stuck, other, batch_timeout=batch_timeout, on_answer=lambda answer: answered.set()) as run:
        run.add(*(clip(recorded(), number) for number in range(8)))
        answers = run.answers(8)
        gate.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
    assert clip_ids(answers, Recognized) == [(number, 0) for number in range(8)]
    assert len(stuck.batches) == 1
    assert run.pending_answers() == []


def test_a_device_does_not_time_out_while_its_answers_are_delivered(recorded: Recorded) -> None:
    """Otherwise its batch would go to another device, and be answered twice."""
    handing_over = threading.Event()

    def look(answer: object) -> None:
        handing_over.set()
        run.recognition.check_timeouts()
        handing_over.clear()

    run = RecognitionHarness(
        FakeEngine(batch_size=2), batch_timeout=lambda seconds: -1.0 if handing_over.is_set() else PATIENCE, on_answer=look
    )
    with run:
        run.add(clip(recorded(), 0), clip(recorded(), 1))
        answers = run.answers(2)
    assert clip_ids([*answers, *run.pending_answers()], Recognized) == [(0, 0), (1, 0)]
    assert run.warnings() == []


def test_a_device_that_does_not_load_is_not_used(recorded: Recorded) -> None:
    """The run continues with the other, and emits a warning."""

    def missing() -> FakeEngine:
        raise ModelUnavailable("Model demo does not load on cuda:0.", "Try another --compute-type.")

    with RecognitionHarness(missing, FakeEngine()) as run:
        run.add(clip(recorded()))
        assert clip_ids(run.answers(1), Recognized) == [(0, 0)]
    assert run.warnings() == ["A device is not used: Model demo does not load on cuda:0. Try another --compute-type."]


def test_a_model_that_loads_on_no_device_is_an_error() -> None:
    """The error of the first device is raised."""

    def missing(name: str) -> FakeEngine:
        raise ModelUnavailable(f"no model on {name}")

    with pytest.raises(ModelUnavailable, match="no model on a"), RecognitionHarness(lambda: missing("a"), lambda: missing("b")):
        pass


@pytest.mark.parametrize("error", [ModelUnavailable("no memory left"), MemoryError("no memory left")], ids=["ours", "another's"])
def test_a_model_that_cannot_be_reloaded_ends_the_run(recorded: Recorded, gate: threading.Event, error: Exception) -> None:
    """Whatever the reason."""
    loaded: list[FakeEngine] = []

    def load() -> FakeEngine:
        if loaded:
            raise error
        loaded.append(FakeEngine(batch_size=1, on_batch=lambda _: wait_for(gate)))
        return loaded[-1]

    with RecognitionHarness(load, batch_timeout=lambda seconds: 0.1) as run:
        run.add(*(clip(recorded(), number) for number in range(2)))
        failed, broken = run.answers(2)
        gate.set()
    assert isinstance(failed, ClipFailed)
    assert isinstance(broken, AllDevicesFailed)
    assert "no memory left" in broken.error.message
