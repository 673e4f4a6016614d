"""What every recognizer promises: clips in, results out, in any order, one for each clip.

A clip is at most 30 s of one recording's waveform with its spec and language. Clips of different recordings may share a batch; the
text of a clip must not depend on what else was in it. A clip that fails is a result with an error, never an exception, unless the
engine itself cannot go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.errors import RecordingError
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import Region

if TYPE_CHECKING:
    from transcribe_cli.audio import Waveform


@dataclass(frozen=True, eq=False)
class Clip:
    """At most 30 s of one recording.

    Attributes:
        recording: which recording of the run, as the pipeline numbers them.
        index: which clip of it, from 0, in the order of time.
        speech: the speech regions inside, in samples of the recording; the clip spans from the first to the last.
        language: a code; "" where the language is still to be found.
    """

    recording: int
    index: int
    waveform: Waveform
    speech: tuple[Region, ...]
    spec: JobSpec
    language: str = ""

    @property
    def start(self) -> float:
        """Seconds from the start of the recording."""
        return self.speech[0].start / SAMPLE_RATE

    @property
    def end(self) -> float:
        """Seconds from the start of the recording."""
        return self.speech[-1].end / SAMPLE_RATE

    def samples(self) -> NDArray[np.float32]:
        """(samples,) in [-1, 1) at 16 kHz, read from scratch now."""
        return self.waveform.read(self.speech[0].start, self.speech[-1].end)


@dataclass(frozen=True)
class SpokenWord:
    """A word with its times in seconds of the recording, its probability and its tokens."""

    text: str
    start: float
    end: float
    probability: float
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Phrase:
    """Text between two of the model's own timestamps, in seconds of the recording: what there is without word times."""

    text: str
    start: float
    end: float
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class ClipResult:
    """What was recognized in one clip: words when the spec asks for their times, otherwise phrases.

    Attributes:
        temperature: the rung of the ladder that gave it.
        avg_logprob: mean log-probability of its tokens.
        compression_ratio: of its text, zlib; high when it repeats itself.
        no_speech_prob: the model's doubt that there is speech.
        failed_gates: True when no rung of the ladder passed the gates.
        seconds: its share of the wall time of its batches.
        error: why there is no text; the recording fails.
    """

    clip: Clip
    words: tuple[SpokenWord, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    temperature: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    no_speech_prob: float = 0.0
    failed_gates: bool = False
    seconds: float = 0.0
    error: RecordingError | None = None


class Engine(Protocol):
    """A recognizer, loaded and ready."""

    @property
    def model(self) -> str:
        """The model's name, as the spec has it."""

    @property
    def device(self) -> str:
        """Where it runs and how, such as `cpu/int8` or `cuda/float16`."""

    def check(self, spec: JobSpec) -> None:
        """Raise UsageError when the model cannot do what the spec asks."""

    def languages(self, clips: Sequence[Clip]) -> list[Mapping[str, float]]:
        """For each clip, the probability of each language code."""

    def transcribe(self, clips: Iterable[Clip]) -> Iterator[ClipResult]:
        """Recognize clips as they come; one result for each, in any order."""
