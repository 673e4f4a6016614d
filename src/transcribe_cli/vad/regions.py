"""From probabilities of speech to speech regions, as early as they are certain: recognition begins while the rest is decoded.

Regions follow Silero's own hysteresis (https://github.com/snakers4/silero-vad); only padding and cutting are ours. What comes out
does not depend on the blocks in which probabilities come in.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad.detector import WINDOW_SAMPLES

# What the recognizer sees at once: Whisper's window.
CLIP_SECONDS = 30.0
CLIP_SAMPLES = int(CLIP_SECONDS * SAMPLE_RATE)
# A region goes on until the probability falls this far below the threshold: Silero's own margin.
HYSTERESIS = 0.15


# A region may be parted at a pause of this length, in milliseconds: where faster-whisper's batched pipeline ends one.
PAUSE_MILLISECONDS = 160


@dataclass(frozen=True)
class Pause:
    """A place in a region where nobody speaks for `samples` around its middle."""

    middle: int
    samples: int


@dataclass(frozen=True)
class Region:
    """Samples [start, end) of a waveform; `pauses` are those inside, too short to end it, in order."""

    start: int
    end: int
    pauses: tuple[Pause, ...] = field(default=(), compare=False, repr=False)

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start) / SAMPLE_RATE

    def until(self, sample: int) -> Region:
        """Its beginning."""
        return Region(self.start, sample, tuple(pause for pause in self.pauses if pause.middle < sample))

    def since(self, sample: int) -> Region:
        """The rest."""
        return Region(sample, self.end, tuple(pause for pause in self.pauses if pause.middle > sample))


class Regions:
    """Finds the speech regions of one waveform: in order, not overlapping, with some silence on both sides.

    A region longer than 30 s comes out in pieces, cut where speech is least probable in the second half of the window. With VAD off,
    all of the waveform is speech.
    """

    def __init__(self, spec: JobSpec) -> None:
        self._threshold = spec.vad_threshold if spec.vad_filter else 0.0
        self._low = max(self._threshold - HYSTERESIS, 0.01) if spec.vad_filter else 0.0
        self._shortest = _windows(spec.vad_min_speech_duration_ms) if spec.vad_filter else 0
        self._silence = _windows(spec.vad_min_silence_duration_ms)
        self._pause = _windows(PAUSE_MILLISECONDS)
        self._pad = spec.vad_speech_pad_ms * SAMPLE_RATE // 1000
        self._probabilities = array("f")
        self._open: int | None = None  # window at which speech began that has not ended
        self._fell: int | None = None  # window from which it has been quiet since
        self._start: int | None = None  # sample at which what will come out next begins, padding included
        self._end: int | None = None  # sample at which its speech ended; None while it has not
        self._before: int | None = None  # sample at which the speech before the open one ended

    def feed(self, probabilities: NDArray[np.float32]) -> Iterator[Region]:
        """The pieces that are certain after the next windows; consume it whole."""
        first = len(self._probabilities)
        self._probabilities.extend(probabilities.tolist())
        for window, probability in enumerate(probabilities.tolist(), first):
            if probability >= self._threshold:
                self._open = window if self._open is None else self._open
                self._fell = None
            elif self._open is not None and probability < self._low:
                self._fell = window if self._fell is None else self._fell
                if window - self._fell >= self._silence:
                    yield from self._ended(self._fell)
            yield from self._settled(window + 1)

    def finish(self, samples: int) -> Iterator[Region]:
        """The pieces that are left at the end of a waveform of `samples`."""
        if self._open is not None:
            last = len(self._probabilities) if self._fell is None else self._fell
            yield from self._ended(last)
        if self._end is not None:
            yield from self._emitted(min(samples, self._end + self._pad))

    def _ended(self, window: int) -> Iterator[Region]:
        """The open speech ended before this window; it is forgotten when it was too short."""
        opened, self._open, self._fell = self._open, None, None
        if opened is None or window - opened < self._shortest:
            return
        if self._end is not None or self._start is None:
            yield from self._begun(opened * WINDOW_SAMPLES)
        self._end = self._before = window * WINDOW_SAMPLES

    def _begun(self, start: int) -> Iterator[Region]:
        """Speech begins at this sample: what came before it ends halfway, if its padding reaches so far."""
        if self._end is not None:
            yield from self._emitted(min(self._end + self._pad, (self._end + start) // 2))
        self._start = max(0, start - self._pad) if self._before is None else max(start - self._pad, (self._before + start) // 2)

    def _settled(self, windows: int) -> Iterator[Region]:
        """What nothing after the first `windows` can change."""
        position = (windows if self._open is None else self._open) * WINDOW_SAMPLES
        if self._end is not None and position >= self._end + 2 * self._pad:
            yield from self._emitted(self._end + self._pad)
        if self._open is None:
            return
        spoken = (windows if self._fell is None else self._fell) * WINDOW_SAMPLES
        if spoken - self._open * WINDOW_SAMPLES > CLIP_SAMPLES and (self._end is not None or self._start is None):
            yield from self._begun(self._open * WINDOW_SAMPLES)
        if self._start is not None and self._end is None:
            yield from self._cut(spoken)

    def _emitted(self, end: int) -> Iterator[Region]:
        yield from self._cut(end)
        assert self._start is not None  # noqa: S101 - for the type checker: `_end` is set after `_start`
        yield self._region(self._start, end)
        self._start = self._end = None

    def _cut(self, end: int) -> Iterator[Region]:
        """Pieces of a region that goes to `end` or beyond, while more than a clip is left of it."""
        while self._start is not None and end - self._start > CLIP_SAMPLES:
            first = (self._start + CLIP_SAMPLES // 2) // WINDOW_SAMPLES
            last = (self._start + CLIP_SAMPLES) // WINDOW_SAMPLES
            middle = (first + int(np.argmin(self._probabilities[first:last]))) * WINDOW_SAMPLES + WINDOW_SAMPLES // 2
            yield self._region(self._start, middle)
            self._start = middle

    def _region(self, start: int, end: int) -> Region:
        """This region with its pauses."""
        first = start // WINDOW_SAMPLES
        quiet = np.asarray(self._probabilities[first : end // WINDOW_SAMPLES]) < self._low
        edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)).reshape(-1, 2)
        pauses = (
            Pause((2 * first + fell + rose) * WINDOW_SAMPLES // 2, (rose - fell) * WINDOW_SAMPLES)
            for fell, rose in edges.tolist()
            if rose - fell >= self._pause
        )
        return Region(start, end, tuple(pause for pause in pauses if start < pause.middle < end))


def find(probabilities: Iterable[NDArray[np.float32]], samples: int, spec: JobSpec) -> Iterator[Region]:
    """The regions of a waveform all of whose probabilities are known, in blocks of any size."""
    regions = Regions(spec)
    for block in probabilities:
        yield from regions.feed(block)
    yield from regions.finish(samples)


def _windows(milliseconds: int) -> int:
    return round(milliseconds * SAMPLE_RATE / 1000 / WINDOW_SAMPLES)
