"""Failures of batches and recordings: every clip has an answer, and no recording fails because of another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake_engine import PORTUGUESE, FakeEngine, RecognitionHarness, clip, clip_ids, failing, out_of_memory_above
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines import Clip, DeviceOutOfMemory
from transcribe_cli.recognition.messages import AllDevicesFailed, ClipFailed, Recognized

Recorded = Callable[[], Waveform]


def test_a_device_out_of_memory_gets_smaller_batches(recorded: Recorded) -> None:
    """From then on, with a warning."""
    waveform = recorded()
    engine = FakeEngine(batch_size=8, on_batch=out_of_memory_above(2))
    with RecognitionHarness(engine) as run:
        run.add(*(clip(waveform, 0, index) for index in range(8)))
        answers = run.answers(8)
        tried = len(engine.batches)
        run.add(*(clip(waveform, 0, index) for index in range(8, 16)))
        answers += run.answers(8)
    assert clip_ids(answers, Recognized) == [(0, index) for index in range(16)]
    assert [len(batch) for batch in engine.batches[tried:]] == [2] * 4
    assert run.warnings() == [f"cpu/int8 is out of memory: continuing with batches of {size}." for size in (4, 2)]


def test_a_clip_that_does_not_fit_into_memory_fails_its_recording(recorded: Recorded) -> None:
    """The others continue."""
    with RecognitionHarness(FakeEngine(batch_size=4, on_batch=failing(1, error=DeviceOutOfMemory))) as run:
        run.add(*(clip(recorded(), number) for number in range(4)))
        answers = run.answers(4)
    assert clip_ids(answers, Recognized) == [(0, 0), (2, 0), (3, 0)]
    assert clip_ids(answers, ClipFailed) == [(1, 0)]


def test_a_failed_batch_fails_only_the_recording_at_fault(recorded: Recorded) -> None:
    """It is retried in batches of one recording each."""
    engine = FakeEngine(batch_size=4, on_batch=failing(2))
    with RecognitionHarness(engine) as run:
        run.add(*(clip(recorded(), number) for number in range(4)))
        answers = run.answers(4)
    assert clip_ids(answers, Recognized) == [(0, 0), (1, 0), (3, 0)]
    [failed] = [answer for answer in answers if isinstance(answer, ClipFailed)]
    assert failed.clip.recording == 2
    assert failed.error.message == "The recognizer failed (cuDNN failed)."
    assert [len(recordings) for recordings in engine.batched_recordings()] == [4, 1, 1, 1, 1]


def test_a_failed_language_detection_fails_the_recording(recorded: Recorded) -> None:
    """It uses the same device."""
    with RecognitionHarness(FakeEngine(batch_size=4, on_batch=failing(0))) as run:
        run.add(*(clip(recorded(), number, language="") for number in range(2)))
        answers = run.answers(2)
    assert clip_ids(answers, ClipFailed) == [(0, 0)]


def test_a_long_recording_that_fails_affects_no_other(recorded: Recorded) -> None:
    """Its clips are in many waiting batches with clips of others; these do not count as failures of the device."""
    waveforms = [recorded() for _ in range(4)]
    with RecognitionHarness(FakeEngine(batch_size=4, on_batch=failing(0))) as run:
        run.add(*(clip(waveform, number, index) for number, waveform in enumerate(waveforms) for index in range(12)))
        answers = run.answers(37)
    assert not [answer for answer in answers if isinstance(answer, AllDevicesFailed)]
    assert {answer.clip.recording for answer in answers if isinstance(answer, ClipFailed)} == {0}
    assert clip_ids(answers, Recognized) == [(number, index) for number in (1, 2, 3) for index in range(12)]


def test_a_recording_fails_once(recorded: Recorded) -> None:
    """Its other clips are dropped. Trying them would count as failures of the device, and end the run."""
    waveform = recorded()
    with RecognitionHarness(FakeEngine(batch_size=1, on_batch=failing(0))) as run:
        run.add(*(clip(waveform, 0, index) for index in range(40)), clip(recorded(), 1))
        answers = run.answers(2)
    assert clip_ids(answers, Recognized) == [(1, 0)]
    assert len(clip_ids(answers, ClipFailed)) == 1
    assert not [answer for answer in run.pending_answers() if isinstance(answer, AllDevicesFailed)]


def test_a_failure_with_a_discarded_recording_in_the_batch_is_retried(recorded: Recorded) -> None:
    """Its scratch file may be closed. The other clips of the batch are retried together."""
    discarded, kept = recorded(), recorded()

    def discard(clips: Sequence[Clip]) -> None:
        if any(each.recording == 0 for each in clips):
            run.recognition.discard(discarded)
            raise ValueError("this waveform is closed")

    engine = FakeEngine(batch_size=4, on_batch=discard)
    with RecognitionHarness(engine) as run:
        run.add(clip(discarded, 0, 0), clip(discarded, 0, 1), clip(kept, 1, 0), clip(kept, 1, 1))
        assert clip_ids(run.answers(2), Recognized) == [(1, 0), (1, 1)]
    assert engine.batched_recordings() == [{0, 1}, {1}]
    assert run.pending_answers() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    counts=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    failing_recording=st.integers(0, 4),
    size=st.integers(1, 5),
    room=st.integers(1, 5),
    concurrency=st.integers(1, 2),
    passes_from=st.sampled_from([0.0, 0.4, 0.8]),
)
def test_every_clip_is_answered_once(
    recorded: Recorded, counts: list[int], failing_recording: int, size: int, room: int, concurrency: int, passes_from: float
) -> None:
    """With any combination of a failing recording, little memory, and retries at higher temperatures."""
    spec = PORTUGUESE.model_copy(update={"temperature": (0.0, 0.4, 0.8)})

    def fail(clips: Sequence[Clip]) -> None:
        out_of_memory_above(room)(clips)
        failing(failing_recording)(clips)

    waveforms = [recorded() for _ in counts]
    clips = [clip(waveforms[number], number, index, spec=spec) for number, count in enumerate(counts) for index in range(count)]
    expected = sorted((each.recording, each.index) for each in clips if each.recording != failing_recording)
    with RecognitionHarness(FakeEngine(batch_size=size, concurrency=concurrency, on_batch=fail, passes_from=passes_from)) as run:
        run.recognition.finish()
        run.add(*clips)
        answers = run.answers(len(expected) + (failing_recording < len(counts)))
    assert clip_ids(answers, Recognized) == expected
    assert {answer.clip.recording for answer in answers if isinstance(answer, ClipFailed)} == {failing_recording} & set(
        range(len(counts))
    )


def test_a_bug_in_a_device_thread_ends_the_run(recorded: Recorded) -> None:
    """Otherwise the run would wait forever. Here an engine breaks its contract."""
    waveform = recorded()
    engine = FakeEngine()
    with RecognitionHarness(engine) as run:
        del engine.replicas
        run.add(clip(waveform))
        [answer] = run.answers(1)
    assert isinstance(answer, AllDevicesFailed)
    assert isinstance(answer.error, AttributeError)
