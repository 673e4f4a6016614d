"""What everything that knows who spoke when promises: a waveform in, turns out.

Speakers are called SPEAKER_00, SPEAKER_01, … in the order in which they are first heard, unless the diarizer knows their names.

    pyannote.py         pyannote.audio's pipelines, in this process
    hub.py              whether one can be loaded, and where its files are, found out before any recognition
    recipe.py           what a pipeline is made of, as its config.yaml says
    loading.py          importing the library, and putting a pipeline on a device
    torchaudio_stub.py  torchaudio beside a PyTorch without CUDA
    quiet.py            what the library prints, kept away from standard output
    embedding_stage.py         the embedding stage with a third of the work
    blocks.py           long recordings in blocks, whose speakers are linked by their voices
    turns.py            turns in order, speakers by first speech
    demo_models.py      the two networks of the demo diarizer
    rttm.py             turns that somebody has already
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import Waveform
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Turn


@dataclass(frozen=True, eq=False)
class Diarization:
    """Who spoke when.

    Attributes:
        turns: in the order of their starts; turns of different speakers may overlap.
        embeddings: for each speaker a vector (dimensions,) that is near those of the same voice elsewhere; empty where the diarizer
            has none.
        embedded_by: which network made the embeddings; only those of one network can be compared.
    """

    turns: tuple[Turn, ...]
    embeddings: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    embedded_by: str = ""


class Diarizer(Protocol):
    """A diarizer, loaded and ready; not for several threads at a time."""

    @property
    def name(self) -> str:
        """The model, as the spec has it."""

    @property
    def device(self) -> str:
        """Where it runs: `cpu` or `cuda`."""

    def diarize(self, waveform: Waveform, spec: JobSpec, on_progress: Callable[[float], None]) -> Diarization:
        """Who speaks when in a waveform all of which is decoded.

        Args:
            waveform: at 16 kHz; read in blocks, never all at once when it is long.
            spec: says how many speakers there are, if somebody knows.
            on_progress: called with the share that is done, 0 to 1, in this thread; what it raises ends the work.

        Raises:
            DiarizationFailed: this recording cannot be diarized.
        """
