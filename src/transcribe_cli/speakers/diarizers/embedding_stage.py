"""Replaces pyannote.audio's embedding stage by one that runs the network once per chunk, if the results are the same.

`SpeakerDiarization.get_embeddings` runs the whole network for each of the (usually three) local speakers of each chunk, even where
nobody speaks. The speaker only matters in the pooling at the end, and the networks accept masks of several speakers at once. So a third
of the passes gives the same embeddings. The replaced code:
https://github.com/pyannote/pyannote-audio/blob/4.0.7/src/pyannote/audio/pipelines/speaker_diarization.py
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from importlib.metadata import version
from types import MethodType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.float32]
"""(frames, speakers) of 0 and 1."""

# Versions whose code was read and compared.
_VERSION = "4.0."
_PROBE_SECONDS = 2.0


def install(pipeline: Any) -> bool:  # noqa: ANN401 - a pyannote.audio SpeakerDiarization
    """Replace the stage of a loaded pipeline. Returns False, and changes nothing, if the results might differ."""
    from pyannote.audio.pipelines import SpeakerDiarization
    from pyannote.audio.pipelines.speaker_verification import PyannoteAudioPretrainedSpeakerEmbedding

    is_known = (
        version("pyannote.audio").startswith(_VERSION)
        and type(pipeline) is SpeakerDiarization
        and type(getattr(pipeline, "_embedding", None)) is PyannoteAudioPretrainedSpeakerEmbedding
    )
    if not is_known or not _accepts_several_masks(pipeline._embedding):
        return False
    pipeline.get_embeddings = MethodType(_get_embeddings, pipeline)
    return True


def _accepts_several_masks(embed: Any) -> bool:  # noqa: ANN401
    """Whether the network gives the same embeddings for several speakers at once as for each of them alone."""
    import torch

    generator = torch.Generator().manual_seed(0)
    waveform = torch.randn(1, 1, int(_PROBE_SECONDS * embed.sample_rate), generator=generator) / 10
    masks = (torch.rand(1, 3, 100, generator=generator) > 0.5).float()
    try:
        together = embed(waveform, masks=masks)
        separate = np.stack([embed(waveform, masks=masks[:, speaker]) for speaker in range(3)], axis=1)
    except Exception:  # a network that supports one mask only may raise anything
        return False
    return together.shape == separate.shape and np.allclose(together, separate, rtol=1e-4, atol=1e-5)


def _get_embeddings(
    self: Any,  # noqa: ANN401
    file: Any,  # noqa: ANN401
    binary_segmentations: Any,  # noqa: ANN401
    exclude_overlap: bool = False,
    hook: Callable[..., None] | None = None,
) -> NDArray[np.float32]:
    """(chunks, speakers, dimension): an embedding for each local speaker of each chunk."""
    import torch

    chunks, _, speakers = binary_segmentations.data.shape
    masks = np.stack(list(_masks(self, binary_segmentations, exclude_overlap)))
    spoken = np.flatnonzero(masks.any(axis=(1, 2)))
    # The embedding of an empty mask does not depend on the audio, so one is computed for all silent chunks.
    silent = np.flatnonzero(~masks.any(axis=(1, 2)))
    to_embed = np.concatenate([spoken, silent[:1]])
    windows = binary_segmentations.sliding_window
    # The batch size counts pairs of chunk and speaker, as in the replaced stage.
    size = max(1, self.embedding_batch_size // speakers)
    total = math.ceil(len(to_embed) / size)
    embeddings = np.zeros((chunks, speakers, self._embedding.dimension), np.float32)
    if hook is not None:
        hook("embeddings", None, total=total, completed=0)
    for number in range(total):
        batch = to_embed[number * size : (number + 1) * size]
        waveforms = torch.stack([self._audio.crop(file, windows[int(chunk)], mode="pad")[0] for chunk in batch])
        weights = torch.from_numpy(np.ascontiguousarray(masks[batch].transpose(0, 2, 1)))
        embeddings[batch] = self._embedding(waveforms, masks=weights)
        if hook is not None:
            hook("embeddings", None, total=total, completed=number + 1)
    embeddings[silent[1:]] = embeddings[silent[:1]]
    return embeddings


def _masks(pipeline: Any, segmentations: Any, exclude_overlap: bool) -> Iterator[Masks]:  # noqa: ANN401
    """For each chunk, the frames to use for each speaker: those without overlap, if they are enough for an embedding."""
    chunks: Masks = np.nan_to_num(segmentations.data, nan=0.0).astype(np.float32)
    if not exclude_overlap:
        yield from chunks
        return
    _, frames, _ = chunks.shape
    samples = segmentations.sliding_window.duration * pipeline._embedding.sample_rate
    min_frames = math.ceil(frames * pipeline._embedding.min_num_samples / samples)
    for mask, active in zip(chunks, segmentations.data, strict=True):
        # NaN marks unknown frames; the comparison is False there, so they do not count as one speaker.
        clean = mask * (np.sum(active, axis=1, keepdims=True) < 2)
        yield np.where(clean.sum(axis=0) > min_frames, clean, mask)
