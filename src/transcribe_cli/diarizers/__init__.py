"""What everything that knows who spoke when promises: a waveform in, turns out.

Speakers are called SPEAKER_00, SPEAKER_01, … in the order in which they are first heard.
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
    """

    turns: tuple[Turn, ...]
    embeddings: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


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
