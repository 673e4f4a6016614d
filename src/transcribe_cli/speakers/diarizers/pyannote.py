"""Diarizes with pyannote.audio in this process: unmodified pipelines on decoded samples.

pyannote.audio and PyTorch are imported only when a pipeline is loaded, because they take seconds and half a gigabyte.
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
from transcribe_cli.speakers.diarizers.blocks import BLOCK_SECONDS, BlockSpeaker
from transcribe_cli.speakers.diarizers.library_output import library_output_to_log
from transcribe_cli.speakers.diarizers.loading import Device
from transcribe_cli.speakers.diarizers.turns import label_by_first_speech, normalize_turns
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Turn

# Approximate start and end of each step of the pipeline on a CPU, as a share of the work.
_STEPS = {"segmentation": (0.0, 0.3), "embeddings": (0.3, 0.97)}


class PyannoteDiarizer:
    """A loaded pyannote.audio pipeline on one device; not thread-safe."""

    def __init__(
        self,
        pipeline: Any,  # noqa: ANN401 - a SpeakerDiarization
        name: str,
        device: str,
        emit: Emit = ignore_event,
        block_seconds: float = BLOCK_SECONDS,
        embedded_by: str = "",
        revision: str | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._emit = emit
        self._block_seconds = block_seconds
        self._embedded_by = embedded_by
        self._revision = revision
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
        trust_code: bool = False,
        block_seconds: float = BLOCK_SECONDS,
        emit: Emit = ignore_event,
    ) -> Self:
        """Find or download a pipeline, and load it.

        Args:
            name: `demo`, a local folder, or a hub repository, also as `repository@revision`.
            device: `auto` uses a GPU if this PyTorch can.
            device_index: number of the GPU.
            batch_size: number of chunks, and of speakers in chunks, per batch. Default: the pipeline's value.
            token: of Hugging Face; see `pipeline_files.check`.
            model_dir: cache folder. Default: the Hugging Face cache.
            offline: send no requests to the hub.
            trust_code: run the code that the pipeline's checkpoints bring. Without it, such a pipeline is refused.
            block_seconds: approximate duration of the blocks of long recordings.
            emit: receives warnings, such as a smaller batch size.

        Raises:
            NotReady, UsageError: see `pipeline_files.check` and `loading.load`.
        """
        located = pipeline_files.locate(name, token=token, model_dir=model_dir, offline=offline)
        pipeline = loading.load(located, name, device, device_index, trust_code=trust_code)
        if batch_size:
            pipeline.segmentation_batch_size = pipeline.embedding_batch_size = batch_size
        network = pipeline_config.network_id(located.paths["embedding"])
        return cls(pipeline, name, pipeline.device.type, emit, block_seconds, network, located.revision)

    def diarize(self, waveform: Waveform, spec: JobSpec, on_progress: Callable[[float], None]) -> Diarization:
        """Detect who speaks when; long recordings block by block. See `Diarizer.diarize`."""
        progress = _Progress(on_progress)
        try:
            with library_output_to_log():
                diarization = self._diarize_blocks(waveform, spec, progress)
        except DiarizationFailed:
            raise
        except Exception as error:
            if error is progress.raised:
                raise
            raise DiarizationFailed(f"pyannote.audio failed to diarize the recording ({loading.first_line(error)}).") from error
        progress.report(1.0)
        return diarization

    def _diarize_blocks(self, waveform: Waveform, spec: JobSpec, progress: _Progress) -> Diarization:
        spans = blocks.split_blocks(waveform, self._block_seconds)
        block_turns: list[tuple[float, float, int]] = []
        block_speakers: list[BlockSpeaker] = []
        for number, (start, stop) in enumerate(spans):
            progress.start_block(number, len(spans))
            output = self._run_pipeline(waveform.read(start, stop), _speaker_counts(spec, len(spans)), progress)
            labels = output.speaker_diarization.labels()
            first, offset = len(block_speakers), start / SAMPLE_RATE
            for segment, _, label in output.speaker_diarization.itertracks(yield_label=True):
                block_turns.append((offset + segment.start, offset + segment.end, first + labels.index(label)))
            block_speakers += _block_speakers(output, number)
        speakers = list(range(len(block_speakers)))
        if len(spans) > 1:
            max_speakers = spec.num_speakers or spec.max_speakers
            speakers = blocks.link_speakers(block_speakers, spec.num_speakers or spec.min_speakers or 1, max_speakers)
        turns = [Turn(start=max(start, 0.0), end=end, speaker=str(speakers[index])) for start, end, index in block_turns]
        embeddings = blocks.mean_embeddings(block_speakers, speakers)
        found = Diarization(normalize_turns(turns, waveform.seconds), embeddings, self._embedded_by, self._revision)
        return label_by_first_speech(found)

    def _run_pipeline(self, samples: NDArray[np.float32], counts: dict[str, int], progress: _Progress) -> Any:  # noqa: ANN401
        """Run the pipeline on (samples,). Retries with smaller batches when memory runs out, or without a speaker count it cannot meet."""
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
                    # k-means in the pipeline's clustering raises ValueError if there are fewer embeddings than speakers to find.
                    counts = {"max_speakers": counts["num_speakers"]} if "num_speakers" in counts else {}
                else:
                    raise

    def _halve_batches(self, error: Exception) -> None:
        """Halve the batch size, and emit a warning.

        Raises:
            DiarizationFailed: the batch size is 1 already.
        """
        pipeline = self._pipeline
        size = max(pipeline.segmentation_batch_size, pipeline.embedding_batch_size) // 2
        if not size:
            raise DiarizationFailed(
                "The device does not have enough memory to diarize a single chunk.", "Use `--device cpu`."
            ) from error
        pipeline.segmentation_batch_size = min(pipeline.segmentation_batch_size, size)
        pipeline.embedding_batch_size = min(pipeline.embedding_batch_size, size)
        loading.free_device_memory()
        self._emit(Notice(f"Diarization ran out of memory on {self.device}; continuing with batches of {size}.", "warning"))


class _Progress:
    """Converts the pipeline's steps to the share of the recording that is done, which never decreases.

    Attributes:
        raised: exception of the callback, which stops the work and is passed on unchanged.
    """

    def __init__(self, on_progress: Callable[[float], None]) -> None:
        self._on_progress = on_progress
        self._block, self._blocks = 0, 1
        self._reached = 0.0
        self.raised: Exception | None = None

    def start_block(self, number: int, count: int) -> None:
        """Relate the following steps to this block."""
        self._block, self._blocks = number, count

    def hook(
        self, step: str, artifact: object, file: object = None, total: int | None = None, completed: int | None = None
    ) -> None:
        """Callback for the pipeline after each batch."""
        if step in _STEPS and total and completed is not None:
            low, high = _STEPS[step]
            share = low + (high - low) * min(1.0, completed / total)
            self.report((self._block + share) / self._blocks)

    def report(self, share: float) -> None:
        """Call the callback."""
        self._reached = max(self._reached, float(share))
        try:
            self._on_progress(self._reached)
        except Exception as error:
            self.raised = error
            raise


def _speaker_counts(spec: JobSpec, block_count: int) -> dict[str, int]:
    """Speaker counts for the pipeline. In one block of several, some speakers may be silent, so only the maximum is passed."""
    if block_count > 1:
        max_speakers = spec.num_speakers or spec.max_speakers
        return {"max_speakers": max_speakers} if max_speakers else {}
    given: Mapping[str, int | None] = {
        "num_speakers": spec.num_speakers,
        "min_speakers": spec.min_speakers,
        "max_speakers": spec.max_speakers,
    }
    return {name: count for name, count in given.items() if count}


def _block_speakers(output: Any, block: int) -> list[BlockSpeaker]:  # noqa: ANN401 - a DiarizeOutput
    """The speakers of a block in the order of their labels."""
    labels = output.speaker_diarization.labels()
    vectors = output.speaker_embeddings if output.speaker_embeddings is not None else [None] * len(labels)
    return [
        BlockSpeaker(block, output.speaker_diarization.label_duration(label), blocks.unit_vector(vector))
        for label, vector in zip(labels, vectors, strict=False)
    ]
