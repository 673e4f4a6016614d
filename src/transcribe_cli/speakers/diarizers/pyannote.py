"""Who spoke when, with pyannote.audio in this process: its pipelines as they are, on samples that are already decoded.

Neither it nor PyTorch is imported before a pipeline is loaded: they take seconds and half a gigabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.errors import DiarizationFailed
from transcribe_cli.events import Emit, Notice, ignore_event
from transcribe_cli.speakers.diarizers import Diarization, blocks, loading, pipeline_config, pipeline_files
from transcribe_cli.speakers.diarizers.blocks import BLOCK_SECONDS, Voice
from transcribe_cli.speakers.diarizers.library_output import library_output_to_log
from transcribe_cli.speakers.diarizers.loading import Device
from transcribe_cli.speakers.diarizers.turns import by_first_speech, tidy
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Turn

# From where to where each step of the pipeline goes, as a share of the work, about, on a processor.
_STEPS = {"segmentation": (0.0, 0.3), "embeddings": (0.3, 0.97)}


class PyannoteDiarizer:
    """A pyannote.audio pipeline on one device, loaded and ready; not for several threads at a time."""

    def __init__(
        self,
        pipeline: Any,  # noqa: ANN401 - a SpeakerDiarization
        name: str,
        device: str,
        emit: Emit = ignore_event,
        block_seconds: float = BLOCK_SECONDS,
        embedded_by: str = "",
    ) -> None:
        self._pipeline = pipeline
        self._emit = emit
        self._block_seconds = block_seconds
        self._embedded_by = embedded_by
        self.name = name
        self.device = device

    @classmethod
    def load(
        cls,
        name: str,
        *,
        device: Device = "auto",
        device_index: int = 0,
        batch_size: int | None = None,
        token: str | None = None,
        model_dir: Path | None = None,
        offline: bool = False,
        block_seconds: float = BLOCK_SECONDS,
        emit: Emit = ignore_event,
    ) -> Self:
        """Find or fetch a pipeline, and load it.

        Args:
            name: `demo`, a local folder, or a hub repository.
            device: `auto` takes the GPU when this PyTorch can use one.
            device_index: which GPU.
            batch_size: how many chunks, and voices in chunks, the networks see at once; none: what the pipeline says.
            token: of Hugging Face; see `pipeline_files.check`.
            model_dir: where models are cached; none: the Hugging Face cache.
            offline: never ask the hub.
            block_seconds: about how long the blocks of long recordings are.
            emit: told when something had to be done otherwise.

        Raises:
            NotReady, UsageError: see `pipeline_files.check` and `loading.load`.
        """
        config = pipeline_files.locate(name, token=token, model_dir=model_dir, offline=offline)
        pipeline = loading.load(config, name, device, device_index)
        if batch_size:
            pipeline.segmentation_batch_size = pipeline.embedding_batch_size = batch_size
        return cls(pipeline, name, pipeline.device.type, emit, block_seconds, pipeline_config.embedded_by(config))

    def diarize(self, waveform: Waveform, spec: JobSpec, on_progress: Callable[[float], None]) -> Diarization:
        """Who speaks when; long recordings block by block. See `Diarizer.diarize`."""
        progress = _Progress(on_progress)
        try:
            with library_output_to_log():
                found = self._listen(waveform, spec, progress)
        except DiarizationFailed:
            raise
        except Exception as error:
            if error is progress.raised:
                raise
            raise DiarizationFailed(f"pyannote.audio could not say who speaks ({loading.short(error)}).") from error
        progress.report(1.0)
        return found

    def _listen(self, waveform: Waveform, spec: JobSpec, progress: _Progress) -> Diarization:
        spans = blocks.cut(waveform, self._block_seconds)
        turns: list[tuple[float, float, int]] = []
        voices: list[Voice] = []
        for number, (start, stop) in enumerate(spans):
            progress.begin_block(number, len(spans))
            found = self._apply(waveform.read(start, stop), _counts(spec, len(spans)), progress)
            labels = found.speaker_diarization.labels()
            first, offset = len(voices), start / SAMPLE_RATE
            for segment, _, label in found.speaker_diarization.itertracks(yield_label=True):
                turns.append((offset + segment.start, offset + segment.end, first + labels.index(label)))
            voices += _voices(found, number)
        speakers = list(range(len(voices)))
        if len(spans) > 1:
            most = spec.num_speakers or spec.max_speakers
            speakers = blocks.link(voices, spec.num_speakers or spec.min_speakers or 1, most)
        whole = [Turn(start=max(start, 0.0), end=end, speaker=str(speakers[voice])) for start, end, voice in turns]
        centroids = blocks.centroids(voices, speakers)
        return by_first_speech(Diarization(tidy(whole, waveform.seconds), centroids, self._embedded_by))

    def _apply(self, samples: NDArray[np.float32], counts: dict[str, int], progress: _Progress) -> Any:  # noqa: ANN401
        """Run the pipeline on (samples,): again in smaller batches when memory runs out, or without a count that cannot be met."""
        import torch

        file = {"waveform": torch.from_numpy(samples)[None], "sample_rate": SAMPLE_RATE, "uri": "recording"}
        while True:
            try:
                return self._pipeline(dict(file), hook=progress.hook, **counts)
            except Exception as error:
                if error is progress.raised:
                    raise
                if loading.is_out_of_memory(error):
                    self._halve_batches(error)
                elif isinstance(error, ValueError) and counts.keys() - {"max_speakers"}:
                    # There are fewer embeddings than speakers to find: k-means in the pipeline's clustering refuses.
                    counts = {"max_speakers": counts["num_speakers"]} if "num_speakers" in counts else {}
                else:
                    raise

    def _halve_batches(self, error: Exception) -> None:
        """Make the batches smaller, and say so.

        Raises:
            DiarizationFailed: they cannot be smaller.
        """
        pipeline = self._pipeline
        size = max(pipeline.segmentation_batch_size, pipeline.embedding_batch_size) // 2
        if not size:
            raise DiarizationFailed(
                "The memory of the device does not hold a single chunk for diarization.", "Use `--device cpu`."
            ) from error
        pipeline.segmentation_batch_size = min(pipeline.segmentation_batch_size, size)
        pipeline.embedding_batch_size = min(pipeline.embedding_batch_size, size)
        loading.free_device_memory()
        self._emit(Notice(f"Diarization ran out of memory on {self.device}; it goes on in batches of {size}.", "warning"))


class _Progress:
    """From the pipeline's steps to the share of the recording that is done, which never falls.

    Attributes:
        raised: what the listener raised, which is to end the work and no failure of it.
    """

    def __init__(self, listener: Callable[[float], None]) -> None:
        self._listener = listener
        self._block, self._blocks = 0, 1
        self._reached = 0.0
        self.raised: Exception | None = None

    def begin_block(self, number: int, count: int) -> None:
        """What is told from here on belongs to this block."""
        self._block, self._blocks = number, count

    def hook(
        self, step: str, artifact: object, file: object = None, total: int | None = None, completed: int | None = None
    ) -> None:
        """What the pipeline calls after each batch."""
        if step in _STEPS and total and completed is not None:
            low, high = _STEPS[step]
            share = low + (high - low) * min(1.0, completed / total)
            self.report((self._block + share) / self._blocks)

    def report(self, share: float) -> None:
        """Tell the listener."""
        self._reached = max(self._reached, float(share))
        try:
            self._listener(self._reached)
        except Exception as error:
            self.raised = error
            raise


def _counts(spec: JobSpec, block_count: int) -> dict[str, int]:
    """How many speakers the pipeline is to find. In one block of several some may be silent, but there are not more."""
    if block_count > 1:
        most = spec.num_speakers or spec.max_speakers
        return {"max_speakers": most} if most else {}
    given: Mapping[str, int | None] = {
        "num_speakers": spec.num_speakers,
        "min_speakers": spec.min_speakers,
        "max_speakers": spec.max_speakers,
    }
    return {name: count for name, count in given.items() if count}


def _voices(found: Any, block: int) -> list[Voice]:  # noqa: ANN401 - a DiarizeOutput
    """The speakers of a block in the order of their labels."""
    labels = found.speaker_diarization.labels()
    vectors = found.speaker_embeddings if found.speaker_embeddings is not None else [None] * len(labels)
    return [
        Voice(block, found.speaker_diarization.label_duration(label), blocks.unit(vector))
        for label, vector in zip(labels, vectors, strict=False)
    ]
