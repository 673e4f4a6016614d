"""From probabilities of speech to speech regions, as early as possible: recognition begins while the rest is decoded.

Regions follow Silero's own hysteresis (https://github.com/snakers4/silero-vad); only padding and cutting are ours. The result does not
depend on the blocks in which the probabilities arrive.
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

# Whisper's input window.
CLIP_SECONDS = 30.0
CLIP_SAMPLES = int(CLIP_SECONDS * SAMPLE_RATE)
# A region continues until the probability falls this far below the threshold: Silero's own margin.
HYSTERESIS = 0.15
# A region may be split at a pause of this length, in milliseconds: faster-whisper's batched pipeline ends a region there.
PAUSE_MILLISECONDS = 160


@dataclass(frozen=True)
class Pause:
    """`samples` without speech inside a region, around `middle`."""

    middle: int
    samples: int


@dataclass(frozen=True)
class Region:
    """Samples [start, end) of a waveform; `pauses` are those inside, in order, which are too short to end the region."""

    start: int
    end: int
    pauses: tuple[Pause, ...] = field(default=(), compare=False, repr=False)

    @property
    def seconds(self) -> float:
        """The length of the region."""
        return (self.end - self.start) / SAMPLE_RATE

    def until(self, sample: int) -> Region:
        """The part before this sample."""
        return Region(self.start, sample, tuple(pause for pause in self.pauses if pause.middle < sample))

    def since(self, sample: int) -> Region:
        """The part from this sample on."""
        return Region(sample, self.end, tuple(pause for pause in self.pauses if pause.middle > sample))


class RegionFinder:
    """Finds the speech regions of one waveform: in order, without overlaps, padded with some silence on both sides.

    A region longer than 30 s is cut into pieces, where speech is least probable in the second half of the window. With VAD off, the
    entire waveform is speech.
    """

    def __init__(self, spec: JobSpec) -> None:
        self._threshold = spec.vad_threshold if spec.vad_filter else 0.0
        self._low = max(self._threshold - HYSTERESIS, 0.01) if spec.vad_filter else 0.0
        self._min_windows = _windows(spec.vad_min_speech_duration_ms) if spec.vad_filter else 0
        self._min_silence = _windows(spec.vad_min_silence_duration_ms)
        self._min_pause = _windows(PAUSE_MILLISECONDS)
        self._pad = spec.vad_speech_pad_ms * SAMPLE_RATE // 1000
        self._probabilities = array("f")
        self._open: int | None = None  # window at which the current speech began; None in silence
        self._quiet_since: int | None = None  # first window of the silence that may end it
        self._start: int | None = None  # sample at which the pending region begins, padding included
        self._end: int | None = None  # sample at which the speech of the pending region ended; None while it goes on
        self._previous_end: int | None = None  # sample at which the previous speech ended

    def feed(self, probabilities: NDArray[np.float32]) -> Iterator[Region]:
        """Add windows; yields the pieces that no later window can change. Consume the iterator completely."""
        first = len(self._probabilities)
        self._probabilities.extend(probabilities.tolist())
        for window, probability in enumerate(probabilities.tolist(), first):
            if probability >= self._threshold:
                self._open = window if self._open is None else self._open
                self._quiet_since = None
            elif self._open is not None and probability < self._low:
                self._quiet_since = window if self._quiet_since is None else self._quiet_since
                if window - self._quiet_since >= self._min_silence:
                    yield from self._end_speech(self._quiet_since)
            yield from self._yield_final(window + 1)

    def finish(self, samples: int) -> Iterator[Region]:
        """Yield the remaining pieces at the end of a waveform of `samples`."""
        if self._open is not None:
            last = len(self._probabilities) if self._quiet_since is None else self._quiet_since
            yield from self._end_speech(last)
        if self._end is not None:
            yield from self._finish_region(min(samples, self._end + self._pad))

    def _end_speech(self, window: int) -> Iterator[Region]:
        """End the current speech before this window; drop it if it is too short."""
        opened, self._open, self._quiet_since = self._open, None, None
        if opened is None or window - opened < self._min_windows:
            return
        if self._end is not None or self._start is None:
            yield from self._begin_region(opened * WINDOW_SAMPLES)
        self._end = self._previous_end = window * WINDOW_SAMPLES

    def _begin_region(self, start: int) -> Iterator[Region]:
        """Begin a region at this sample. The padding of the previous region ends at the latest halfway to it."""
        if self._end is not None:
            yield from self._finish_region(min(self._end + self._pad, (self._end + start) // 2))
        self._start = (
            max(0, start - self._pad) if self._previous_end is None else max(start - self._pad, (self._previous_end + start) // 2)
        )

    def _yield_final(self, windows: int) -> Iterator[Region]:
        """Yield what no window after the first `windows` can change."""
        position = (windows if self._open is None else self._open) * WINDOW_SAMPLES
        if self._end is not None and position >= self._end + 2 * self._pad:
            yield from self._finish_region(self._end + self._pad)
        if self._open is None:
            return
        spoken = (windows if self._quiet_since is None else self._quiet_since) * WINDOW_SAMPLES
        if spoken - self._open * WINDOW_SAMPLES > CLIP_SAMPLES and (self._end is not None or self._start is None):
            yield from self._begin_region(self._open * WINDOW_SAMPLES)
        if self._start is not None and self._end is None:
            yield from self._cut(spoken)

    def _finish_region(self, end: int) -> Iterator[Region]:
        yield from self._cut(end)
        assert self._start is not None  # noqa: S101 - for the type checker: `_end` is set after `_start`
        yield self._region(self._start, end)
        self._start = self._end = None

    def _cut(self, end: int) -> Iterator[Region]:
        """Yield pieces of a region that extends to `end` or beyond, while more than a clip is left of it."""
        while self._start is not None and end - self._start > CLIP_SAMPLES:
            first = (self._start + CLIP_SAMPLES // 2) // WINDOW_SAMPLES
            last = (self._start + CLIP_SAMPLES) // WINDOW_SAMPLES
            middle = (first + int(np.argmin(self._probabilities[first:last]))) * WINDOW_SAMPLES + WINDOW_SAMPLES // 2
            yield self._region(self._start, middle)
            self._start = middle

    def _region(self, start: int, end: int) -> Region:
        """A region with its pauses."""
        first = start // WINDOW_SAMPLES
        quiet = np.asarray(self._probabilities[first : end // WINDOW_SAMPLES]) < self._low
        edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)).reshape(-1, 2)
        pauses = (
            Pause((2 * first + first_quiet + next_loud) * WINDOW_SAMPLES // 2, (next_loud - first_quiet) * WINDOW_SAMPLES)
            for first_quiet, next_loud in edges.tolist()
            if next_loud - first_quiet >= self._min_pause
        )
        return Region(start, end, tuple(pause for pause in pauses if start < pause.middle < end))


def find_regions(probabilities: Iterable[NDArray[np.float32]], samples: int, spec: JobSpec) -> Iterator[Region]:
    """The regions of a complete waveform, from its probabilities in blocks of any size."""
    finder = RegionFinder(spec)
    for block in probabilities:
        yield from finder.feed(block)
    yield from finder.finish(samples)


def _windows(milliseconds: int) -> int:
    return round(milliseconds * SAMPLE_RATE / 1000 / WINDOW_SAMPLES)
