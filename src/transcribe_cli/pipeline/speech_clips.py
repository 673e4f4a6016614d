"""The speech clips of a waveform: of the mix while it is still being decoded, or of each channel once it is complete."""

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
    QuietSpeechDetector,
    Region,
    RegionFinder,
    cancels_in_mix,
    channel_levels,
    crosstalk,
    distinct_channels,
)

# The speech detector reads blocks of 32 s; the last block of a recording is shorter.
BLOCK_SAMPLES = 1000 * WINDOW_SAMPLES
# The maximum length of sequential clips, which include pauses: 5 minutes are 300 MB of features.
SEQUENTIAL_SAMPLES = 300 * SAMPLE_RATE
# Makes what packs the speech of a recording with this spec into clips.
PackerFactory: TypeAlias = Callable[[JobSpec], Packer]
# This much of the padding around speech is kept where it contains crosstalk: 0.1 s.
EDGE_WINDOWS = 3
# Quiet speech within this many seconds is one stretch.
_QUIET_JOIN_SECONDS = 2.0
# Less than any probability of speech and any threshold, including that of a disabled detector.
_NEVER_SPEECH = -1.0


def default_packer(spec: JobSpec) -> Packer:
    """Clips for the recognizers that run on this machine."""
    return Packer(SEQUENTIAL_SAMPLES, keep_silence=True) if spec.sequential else Packer()


class ClipFinder:
    """Finds the speech of a waveform that may still grow, or of one channel of a complete waveform.

    Attributes:
        channel: the channel; None if all are mixed.
        speech: the regions found so far.
        seconds: wall time spent.
        is_done: whether all of it was analyzed.
        quiet: stretches of speech, in seconds, that are only found because they were made louder.
    """

    def __init__(
        self,
        pattern: Clip,
        make_packer: PackerFactory = default_packer,
        numbers: Iterator[int] | None = None,
        crosstalk_frames: NDArray[np.bool_] | None = None,
    ) -> None:
        """Create a finder.

        Args:
            pattern: its waveform, channel and spec are copied to each clip.
            make_packer: determines how long clips may be.
            numbers: of the clips, shared by all finders of a recording. Default: from 0.
            crosstalk_frames: (frames,), whether a speaker is heard there who has another channel.
        """
        self.channel = pattern.channel
        self.speech: list[Region] = []
        self.seconds = 0.0
        self.is_done = False
        self.quiet: list[tuple[float, float]] = []
        self._pattern = pattern
        self._waveform = pattern.waveform
        self._numbers = numbers or count()
        self._crosstalk = None if crosstalk_frames is None else np.repeat(crosstalk_frames, FRAME_WINDOWS)
        self._detector = QuietSpeechDetector()
        self._regions = RegionFinder(pattern.spec)
        self._packer = make_packer(pattern.spec)
        self._position = 0

    def next_clips(self, *, is_complete: bool) -> list[Clip]:
        """Analyze the next block and return the clips that are final; `is_complete` says whether the waveform has stopped growing."""
        began = time.perf_counter()
        groups: list[tuple[Region, ...]] = []
        left = self._waveform.samples - self._position
        if left >= BLOCK_SAMPLES or is_complete:
            block = self._waveform.read(self._position, self._position + min(left, BLOCK_SAMPLES), self.channel)
            probabilities = self._without_crosstalk(self._detector.probabilities(block))
            self._record_quiet()
            self._position += len(block)
            groups += self._packer.feed(self._add(list(self._regions.feed(probabilities))))
        if is_complete and self._position == self._waveform.samples:
            groups += self._packer.feed(self._add(list(self._regions.finish(self._waveform.samples))))
            groups += self._packer.finish()
            self.is_done = True
        clips = [replace(self._pattern, index=next(self._numbers), speech=group) for group in groups]
        self.seconds += time.perf_counter() - began
        return clips

    @property
    def speech_seconds(self) -> float:
        """The total length of the regions found so far."""
        return sum(region.seconds for region in self.speech)

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """The regions found so far, in seconds."""
        return tuple((region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in self.speech)

    def _record_quiet(self) -> None:
        """Add what the detector rescued in the block at this position."""
        for window in np.flatnonzero(self._detector.is_rescued).tolist():
            start = self._position / SAMPLE_RATE + window * WINDOW_SAMPLES / SAMPLE_RATE
            if self.quiet and start - self.quiet[-1][1] < _QUIET_JOIN_SECONDS:
                start = self.quiet.pop()[0]
            self.quiet.append((start, self._position / SAMPLE_RATE + (window + 1) * WINDOW_SAMPLES / SAMPLE_RATE))

    def _without_crosstalk(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities of speech by the speaker of this channel."""
        if self._crosstalk is None:
            return probabilities
        first = self._position // WINDOW_SAMPLES
        return np.where(self._crosstalk[first : first + len(probabilities)], np.float32(_NEVER_SPEECH), probabilities)

    def _add(self, regions: list[Region]) -> list[Region]:
        regions = [self._trim(region) for region in regions]
        self.speech += regions
        return regions

    def _trim(self, region: Region) -> Region:
        """The region without crosstalk at its padded edges, except for `EDGE_WINDOWS`, which keep soft beginnings."""
        if self._crosstalk is None:
            return region
        first, last = region.start // WINDOW_SAMPLES, -(-region.end // WINDOW_SAMPLES)
        own = np.flatnonzero(~self._crosstalk[first:last])
        if not len(own):
            return region
        start = (first + int(own[0]) - EDGE_WINDOWS) * WINDOW_SAMPLES
        end = (first + int(own[-1]) + 1 + EDGE_WINDOWS) * WINDOW_SAMPLES
        return region.since(max(region.start, start)).until(min(region.end, end))


@dataclass(frozen=True)
class ChannelSplit:
    """The channels of a recording that are analyzed separately.

    Attributes:
        finders: one for each channel that is neither silent nor a copy.
        are_speakers: whether each channel is a speaker: false for a single channel, or copies of one.
        has_copies: whether channels were dropped because they are copies.
        comparing_seconds: wall time spent on comparing channels.
    """

    finders: list[ClipFinder]
    are_speakers: bool = False
    has_copies: bool = False
    comparing_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """Wall time spent, including speech detection."""
        return self.comparing_seconds + sum(finder.seconds for finder in self.finders)


def split_channels(waveform: Waveform, pattern: Clip, make_packer: PackerFactory = default_packer) -> ChannelSplit:
    """Compare the channels of a complete waveform. Clips are numbered one channel after the other."""
    began = time.perf_counter()
    if waveform.channels == 1:
        return ChannelSplit([ClipFinder(pattern, make_packer)])
    levels = channel_levels(waveform)
    channels, has_copies = distinct_channels(levels)
    if len(channels) == 1 and has_copies:
        single = replace(pattern, channel=channels[0]) if cancels_in_mix(waveform, channels[0]) else pattern
        return ChannelSplit([ClipFinder(single, make_packer)], has_copies=True, comparing_seconds=time.perf_counter() - began)
    crosstalk_frames = crosstalk(levels[:, channels])
    numbers = count()
    patterns = [replace(pattern, channel=channel, mute_gaps=True) for channel in channels]
    finders = [ClipFinder(each, make_packer, numbers, crosstalk_frames[:, column]) for column, each in enumerate(patterns)]
    return ChannelSplit(finders, are_speakers=True, has_copies=has_copies, comparing_seconds=time.perf_counter() - began)
