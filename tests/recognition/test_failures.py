"""What a batch, a recording or a device that fails costs: no clip is without an answer, and nobody pays for another's fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake_engine import PORTUGUESE, FakeEngine, RecognitionHarness, clip, clip_ids, failing, out_of_memory_above
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines import Clip, DeviceOutOfMemory
from transcribe_cli.recognition.messages import AllDevicesFailed, ClipFailed, Recognized

Recorded = Callable[[], Waveform]


def test_a_device_that_is_full_gets_half_and_says_so(recorded: Recorded) -> None:
    """And keeps to it from then on."""
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


def test_a_clip_that_does_not_fit_at_all_is_its_recordings_failure(recorded: Recorded) -> None:
    """The others go on."""
    with RecognitionHarness(FakeEngine(batch_size=4, on_batch=failing(1, error=DeviceOutOfMemory))) as run:
        run.add(*(clip(recorded(), number) for number in range(4)))
        answers = run.answers(4)
    assert clip_ids(answers, Recognized) == [(0, 0), (2, 0), (3, 0)]
    assert clip_ids(answers, ClipFailed) == [(1, 0)]


def test_a_batch_that_fails_costs_the_recording_that_is_to_blame(recorded: Recorded) -> None:
    """It is tried once more, in batches of one recording each."""
    engine = FakeEngine(batch_size=4, on_batch=failing(2))
    with RecognitionHarness(engine) as run:
        run.add(*(clip(recorded(), number) for number in range(4)))
        answers = run.answers(4)
    assert clip_ids(answers, Recognized) == [(0, 0), (1, 0), (3, 0)]
    [lost] = [answer for answer in answers if isinstance(answer, ClipFailed)]
    assert lost.clip.recording == 2
    assert lost.error.message == "The recognizer failed (cuDNN failed)."
    assert [len(recordings) for recordings in engine.batched_recordings()] == [4, 1, 1, 1, 1]


def test_languages_that_cannot_be_found_are_a_recordings_failure_too(recorded: Recorded) -> None:
    """The vote goes through the same device."""
    with RecognitionHarness(FakeEngine(batch_size=4, on_batch=failing(0))) as run:
        run.add(*(clip(recorded(), number, language="") for number in range(2)))
        answers = run.answers(2)
    assert clip_ids(answers, ClipFailed) == [(0, 0)]


def test_a_long_recording_that_cannot_be_recognized_costs_nobody_else(recorded: Recorded) -> None:
    """Its clips are in many batches that wait, together with those of others: they are not so many failures of the device."""
    waveforms = [recorded() for _ in range(4)]
    with RecognitionHarness(FakeEngine(batch_size=4, on_batch=failing(0))) as run:
        run.add(*(clip(waveform, number, index) for number, waveform in enumerate(waveforms) for index in range(12)))
        answers = run.answers(37)
    assert not [answer for answer in answers if isinstance(answer, AllDevicesFailed)]
    assert {answer.clip.recording for answer in answers if isinstance(answer, ClipFailed)} == {0}
    assert clip_ids(answers, Recognized) == [(number, index) for number in (1, 2, 3) for index in range(12)]


def test_a_recording_that_cannot_be_recognized_is_lost_once(recorded: Recorded) -> None:
    """What else waits of it is not tried: it would count as failures of the device, and end the run."""
    waveform = recorded()
    with RecognitionHarness(FakeEngine(batch_size=1, on_batch=failing(0))) as run:
        run.add(*(clip(waveform, 0, index) for index in range(40)), clip(recorded(), 1))
        answers = run.answers(2)
    assert clip_ids(answers, Recognized) == [(1, 0)]
    assert len(clip_ids(answers, ClipFailed)) == 1
    assert not [answer for answer in run.pending_answers() if isinstance(answer, AllDevicesFailed)]


def test_a_failure_that_a_forgotten_recording_may_have_caused_is_nobodys(recorded: Recorded) -> None:
    """Its scratch file is gone: what shared its batch is tried again, in company."""
    gone, kept = recorded(), recorded()

    def forget(clips: Sequence[Clip]) -> None:
        if any(made.recording == 0 for made in clips):
            run.recognition.discard(gone)
            raise ValueError("this waveform is closed")

    engine = FakeEngine(batch_size=4, on_batch=forget)
    with RecognitionHarness(engine) as run:
        run.add(clip(gone, 0, 0), clip(gone, 0, 1), clip(kept, 1, 0), clip(kept, 1, 1))
        assert clip_ids(run.answers(2), Recognized) == [(1, 0), (1, 1)]
    assert engine.batched_recordings() == [{0, 1}, {1}]
    assert run.pending_answers() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    counts=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    guilty=st.integers(0, 4),
    size=st.integers(1, 5),
    room=st.integers(1, 5),
    concurrency=st.integers(1, 2),
    passes_from=st.sampled_from([0.0, 0.4, 0.8]),
)
def test_no_clip_is_forgotten_and_none_is_answered_twice(
    recorded: Recorded, counts: list[int], guilty: int, size: int, room: int, concurrency: int, rung: float
) -> None:
    """A recording that fails, memory that is small, texts that climb: whatever comes together."""
    spec = PORTUGUESE.model_copy(update={"temperature": (0.0, 0.4, 0.8)})

    def before(clips: Sequence[Clip]) -> None:
        out_of_memory_above(room)(clips)
        failing(guilty)(clips)

    waveforms = [recorded() for _ in counts]
    clips = [clip(waveforms[number], number, index, spec=spec) for number, count in enumerate(counts) for index in range(count)]
    innocent = sorted((made.recording, made.index) for made in clips if made.recording != guilty)
    with RecognitionHarness(FakeEngine(batch_size=size, concurrency=concurrency, on_batch=before, passes_from=rung)) as run:
        run.recognition.finish()
        run.add(*clips)
        answers = run.answers(len(innocent) + (guilty < len(counts)))
    assert clip_ids(answers, Recognized) == innocent
    assert {answer.clip.recording for answer in answers if isinstance(answer, ClipFailed)} == {guilty} & set(range(len(counts)))


def test_a_mistake_in_a_lane_ends_the_run_instead_of_leaving_it_waiting(recorded: Recorded) -> None:
    """Here an engine that breaks its contract."""
    waveform = recorded()
    engine = FakeEngine()
    with RecognitionHarness(engine) as run:
        del engine.replicas
        run.add(clip(waveform))
        [answer] = run.answers(1)
    assert isinstance(answer, AllDevicesFailed)
    assert isinstance(answer.error, AttributeError)
