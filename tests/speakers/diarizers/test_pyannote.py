"""The demo diarizer detects who speaks when, through pyannote.audio as users install it; no recording makes it raise."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.speakers.diarizers.conftest import Score, held_out, speakers
from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.errors import DeviceUnavailable, DiarizationFailed, ModelUnavailable
from transcribe_cli.events import Event, Notice
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer
from transcribe_cli.spec import JobSpec

if TYPE_CHECKING:
    from demo_diarizer.conversations import Conversation

SPEC = JobSpec(diarize=True)


def ignore(share: float) -> None:
    """Ignore progress."""


@pytest.mark.parametrize("voices", [2, 3, 4])
def test_conversations_of_unknown_voices_are_diarized(demo: PyannoteDiarizer, score: Callable[..., Score], voices: int) -> None:
    found = score(demo, held_out(voices, 60, 0))
    assert found.error_rate < 0.15
    assert found.speakers == voices


def test_turns_are_ordered_and_speakers_are_numbered_by_first_speech(
    demo: PyannoteDiarizer, waveform_of: Callable[..., Waveform]
) -> None:
    talk = held_out(3, 60, 0)
    found = demo.diarize(waveform_of(talk.samples), SPEC, ignore)
    starts = [turn.start for turn in found.turns]
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert max(turn.end for turn in found.turns) <= talk.seconds
    assert speakers(found) == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]


def test_an_embedding_is_nearest_to_that_of_the_same_voice(demo: PyannoteDiarizer, waveform_of: Callable[..., Waveform]) -> None:
    talk = held_out(2, 60, 0)
    middle = len(talk.samples) // 2
    spec = JobSpec(diarize=True, num_speakers=2)
    first = demo.diarize(waveform_of(talk.samples[:middle]), spec, ignore)
    second = demo.diarize(waveform_of(talk.samples[middle:]), spec, ignore)
    voices = {name: true_speaker(talk, second, name, middle / SAMPLE_RATE) for name in second.embeddings}
    assert len(set(voices.values())) == 2
    for name, vector in first.embeddings.items():
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)
        near = {float(vector @ other): voices[called] for called, other in second.embeddings.items()}
        assert near[max(near)] == true_speaker(talk, first, name, 0)


def true_speaker(talk: Conversation, found: Diarization, name: str, offset: float) -> str:
    """The true speaker of most of the turns of `name`; the diarized part starts `offset` seconds into the conversation."""
    shared = dict.fromkeys(talk.speakers, 0.0)
    for turn in (turn for turn in found.turns if turn.speaker == name):
        for true in talk.turns:
            shared[true.speaker] += max(0.0, min(turn.end + offset, true.end) - max(turn.start + offset, true.start))
    return max(shared, key=lambda speaker: shared[speaker])


@pytest.mark.parametrize(
    ("counts", "expected"),
    [({"num_speakers": 2}, 2), ({"max_speakers": 2}, 2), ({"min_speakers": 4}, 4), ({"num_speakers": 1}, 1)],
)
def test_a_given_speaker_count_is_kept(
    demo: PyannoteDiarizer, score: Callable[..., Score], counts: dict[str, int], expected: int
) -> None:
    assert score(demo, held_out(3, 60, 0), **counts).speakers == expected


@pytest.mark.parametrize("seconds", [0, 0.01, 0.3, 3, 20])
@pytest.mark.parametrize("loudness", [0.0, 1e-4])
def test_silence_and_noise_have_no_turns(
    demo: PyannoteDiarizer, waveform_of: Callable[..., Waveform], seconds: float, loudness: float
) -> None:
    noise = np.random.default_rng(0).standard_normal(int(seconds * SAMPLE_RATE)) * loudness
    progress: list[float] = []
    found = demo.diarize(waveform_of(noise), SPEC, progress.append)
    assert found.turns == ()
    assert found.embeddings == {}
    assert progress[-1] == 1


@pytest.mark.parametrize("counts", [{}, {"num_speakers": 3}, {"min_speakers": 2}, {"max_speakers": 1}])
@pytest.mark.parametrize("seconds", [0.2, 1.5, 4.0])
def test_a_short_sound_does_not_fail(
    demo: PyannoteDiarizer, waveform_of: Callable[..., Waveform], counts: dict[str, int], seconds: float
) -> None:
    talk = held_out(2, 60, 0)
    start = int(talk.turns[0].start * SAMPLE_RATE)
    found = demo.diarize(
        waveform_of(talk.samples[start : start + int(seconds * SAMPLE_RATE)]), JobSpec(diarize=True, **counts), ignore
    )
    assert all(turn.end <= seconds for turn in found.turns)
    assert len(speakers(found)) <= max(counts.values(), default=1)


def test_progress_increases_to_one(demo: PyannoteDiarizer, waveform_of: Callable[..., Waveform]) -> None:
    progress: list[float] = []
    demo.diarize(waveform_of(held_out(2, 60, 0).samples), SPEC, progress.append)
    assert progress == sorted(progress)
    assert progress[0] < 0.2
    assert progress[-1] == 1
    assert len(progress) > 10


def test_an_exception_of_the_callback_is_passed_on(demo: PyannoteDiarizer, waveform_of: Callable[..., Waveform]) -> None:
    def stop(share: float) -> None:
        raise MemoryError("batch_size of the callback")  # must not be mistaken for the pipeline's

    with pytest.raises(MemoryError, match="of the callback"):
        demo.diarize(waveform_of(held_out(2, 60, 0).samples), SPEC, stop)


class FullDevice:
    """A pipeline on a device with memory for batches of at most `holds`."""

    def __init__(self, pipeline: Any, holds: int, error: Exception) -> None:
        self.pipeline, self.holds, self.error = pipeline, holds, error
        self.segmentation_batch_size = self.embedding_batch_size = 16

    def __call__(self, file: Any, **options: Any) -> Any:
        """Diarize, if the batches fit."""
        if max(self.segmentation_batch_size, self.embedding_batch_size) > self.holds:
            raise self.error
        return self.pipeline(file, **options)


def out_of_memory() -> list[Exception]:
    """What PyTorch and pyannote.audio raise when a device is full."""
    import torch

    return [torch.OutOfMemoryError("CUDA out of memory."), MemoryError("batch_size ( 16) is probably too large.")]


@pytest.mark.parametrize("which", [0, 1])
def test_out_of_memory_halves_the_batches_with_a_warning(
    demo: PyannoteDiarizer, waveform_of: Callable[..., Waveform], which: int
) -> None:
    events: list[Event] = []
    waveform = waveform_of(held_out(2, 60, 0).samples)
    pipeline = FullDevice(demo._pipeline, 4, out_of_memory()[which])
    found = PyannoteDiarizer(pipeline, "demo", "cuda", events.append).diarize(waveform, SPEC, ignore)
    assert found.turns == demo.diarize(waveform, SPEC, ignore).turns
    assert [event.message for event in events if isinstance(event, Notice)] == [
        f"Diarization ran out of memory on cuda; continuing with batches of {size}." for size in (8, 4)
    ]


def test_a_device_without_memory_for_one_chunk_fails_the_recording_with_a_hint(
    demo: PyannoteDiarizer, waveform_of: Callable[..., Waveform]
) -> None:
    pipeline = FullDevice(demo._pipeline, 0, out_of_memory()[0])
    with pytest.raises(DiarizationFailed, match="not have enough memory to diarize a single chunk") as caught:
        PyannoteDiarizer(pipeline, "demo", "cuda").diarize(waveform_of(held_out(2, 60, 0).samples), SPEC, ignore)
    assert "--device cpu" in caught.value.hint


def test_other_errors_are_one_line(waveform_of: Callable[..., Waveform]) -> None:
    def broken(file: Any, **options: Any) -> Any:
        raise RuntimeError("first line\nsecond line")

    with pytest.raises(DiarizationFailed) as caught:
        PyannoteDiarizer(broken, "demo", "cpu").diarize(waveform_of(np.zeros(SAMPLE_RATE)), SPEC, ignore)
    assert str(caught.value) == "pyannote.audio failed to diarize the recording (first line)."


def test_the_batch_size_applies_to_both_networks(demo: PyannoteDiarizer) -> None:
    small = PyannoteDiarizer.load("demo", device="cpu", batch_size=3)
    assert (small._pipeline.segmentation_batch_size, small._pipeline.embedding_batch_size) == (3, 3)
    assert (demo.name, demo.device) == ("demo", "cpu")


def test_an_unusable_gpu_is_an_error_on_load(demo: PyannoteDiarizer) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(DeviceUnavailable, match="cannot use a GPU") as caught:
        PyannoteDiarizer.load("demo", device="cuda")
    assert "--device cpu" in caught.value.hint


def test_an_invalid_checkpoint_is_an_error_of_one_line(tmp_path: Path) -> None:
    shutil.copytree(DEMO_FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "segmentation.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelUnavailable, match="does not load") as caught:
        PyannoteDiarizer.load(str(tmp_path), device="cpu")
    assert "\n" not in str(caught.value)
