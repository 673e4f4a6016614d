"""From a waveform to the clips of its speech: mixed while it is still being decoded, channel by channel once all of it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import (
    FRAME_WINDOWS,
    WINDOW_SAMPLES,
    Packer,
    Region,
    Regions,
    SpeechDetector,
    cancels_in_mix,
    channel_levels,
    crosstalk,
    distinct_channels,
)

# What the speech detector reads at once: 32 s, or what is left at a recording's end.
BLOCK_SAMPLES = 1000 * WINDOW_SAMPLES
# A sequential reader goes through stretches of this length, 5 minutes being 300 MB of features, and hears their pauses.
SEQUENTIAL_SAMPLES = 300 * SAMPLE_RATE
# What makes the clips of a recording with this spec out of its speech.
PackerFactory: TypeAlias = Callable[[JobSpec], Packer]
# Of the padding around speech so much is kept where somebody else is overheard: 0.1 s.
EDGE_WINDOWS = 3
# Less than any probability of speech, also of a detector that is switched off.
_NONE = -1.0


def default_packer(spec: JobSpec) -> Packer:
    """Clips as the recognizers of this machine want them."""
    return Packer(SEQUENTIAL_SAMPLES, keep_silence=True) if spec.sequential else Packer()


class ClipFinder:
    """The speech detector at work on a waveform that grows, or on one channel of one that is is_complete.

    Attributes:
        channel: which one; None when all are mixed.
        speech: the regions found so far.
        seconds: wall time spent.
        done: whether all of it was heard.
    """

    def __init__(
        self,
        pattern: Clip,
        make_packer: PackerFactory = default_packer,
        numbers: Iterator[int] | None = None,
        overheard: NDArray[np.bool_] | None = None,
    ) -> None:
        """Make clips like `pattern`, numbered by `numbers`, from 0 unless told otherwise.

        Args:
            pattern: its waveform, channel and spec count.
            make_packer: how long they may be.
            numbers: shared by all that listen to a recording.
            overheard: (frames,), where somebody else is heard who has a channel of his own.
        """
        self.channel = pattern.channel
        self.speech: list[Region] = []
        self.seconds = 0.0
        self.is_done = False
        self._pattern = pattern
        self._waveform = pattern.waveform
        self._numbers = numbers or count()
        self._overheard = None if overheard is None else np.repeat(overheard, FRAME_WINDOWS)
        self._detector = SpeechDetector()
        self._regions = Regions(pattern.spec)
        self._packer = make_packer(pattern.spec)
        self._heard = 0

    def next_clips(self, *, is_complete: bool) -> list[Clip]:
        """The clips of the next block, as far as they are certain; `is_complete` says that the waveform does not grow any more."""
        began = time.perf_counter()
        groups: list[tuple[Region, ...]] = []
        left = self._waveform.samples - self._heard
        if left >= BLOCK_SAMPLES or is_complete:
            block = self._waveform.read(self._heard, self._heard + min(left, BLOCK_SAMPLES), self.channel)
            probabilities = self._by_itself(self._detector.probabilities(block))
            self._heard += len(block)
            groups += self._packer.feed(self._seen(list(self._regions.feed(probabilities))))
        if is_complete and self._heard == self._waveform.samples:
            groups += self._packer.feed(self._seen(list(self._regions.finish(self._waveform.samples))))
            groups += self._packer.finish()
            self.is_done = True
        clips = [replace(self._pattern, index=next(self._numbers), speech=group) for group in groups]
        self.seconds += time.perf_counter() - began
        return clips

    @property
    def speech_seconds(self) -> float:
        """How much speech was found so far."""
        return sum(region.seconds for region in self.speech)

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """The regions found so far, in seconds."""
        return tuple((region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in self.speech)

    def _by_itself(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities of speech in this channel that is nobody else's."""
        if self._overheard is None:
            return probabilities
        first = self._heard // WINDOW_SAMPLES
        return np.where(self._overheard[first : first + len(probabilities)], np.float32(_NONE), probabilities)

    def _seen(self, regions: list[Region]) -> list[Region]:
        regions = [self._trimmed(region) for region in regions]
        self.speech += regions
        return regions

    def _trimmed(self, region: Region) -> Region:
        """The region without what is overheard at its padded edges, split_channels from `EDGE_WINDOWS`: soft beginnings are not lost."""
        if self._overheard is None:
            return region
        first, last = region.start // WINDOW_SAMPLES, -(-region.end // WINDOW_SAMPLES)
        own = np.flatnonzero(~self._overheard[first:last])
        if not len(own):
            return region
        start = (first + int(own[0]) - EDGE_WINDOWS) * WINDOW_SAMPLES
        end = (first + int(own[-1]) + 1 + EDGE_WINDOWS) * WINDOW_SAMPLES
        return region.since(max(region.start, start)).until(min(region.end, end))


@dataclass(frozen=True)
class ChannelSplit:
    """The channels of a recording, each to be listened to by itself.

    Attributes:
        finders: one for each channel that is neither silent nor a copy.
        speakers: whether each is a speaker: not where there is only one, or copies of one.
        alike: whether copies of others are left out.
        comparing_seconds: wall time spent on finding that out.
    """

    finders: list[ClipFinder]
    speakers: bool = False
    alike: bool = False
    comparing_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """Wall time spent, with listening."""
        return self.comparing_seconds + sum(row.seconds for row in self.finders)


def split_channels(waveform: Waveform, pattern: Clip, make_packer: PackerFactory = default_packer) -> ChannelSplit:
    """The channels of a waveform all of which is decoded; its clips are numbered one channel after the other."""
    began = time.perf_counter()
    if waveform.channels == 1:
        return ChannelSplit([ClipFinder(pattern, make_packer)])
    loud = channel_levels(waveform)
    channels, alike = distinct_channels(loud)
    if len(channels) == 1 and alike:
        copied = replace(pattern, channel=channels[0]) if cancels_in_mix(waveform, channels[0]) else pattern
        return ChannelSplit([ClipFinder(copied, make_packer)], alike=True, comparing_seconds=time.perf_counter() - began)
    overheard = crosstalk(loud[:, channels])
    numbers = count()
    patterns = [replace(pattern, channel=channel, mute_gaps=True) for channel in channels]
    rows = [ClipFinder(made, make_packer, numbers, overheard[:, place]) for place, made in enumerate(patterns)]
    return ChannelSplit(rows, speakers=True, alike=alike, comparing_seconds=time.perf_counter() - began)
