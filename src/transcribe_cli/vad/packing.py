"""Speech regions in groups of at most 30 s of speech; each group becomes a clip.

A full clip costs the recognizer no more than one with a single word in it, so clips are filled: silence between regions is removed, and a
region that does not fit is split at one of its pauses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.vad.regions import CLIP_SAMPLES, Region

# After a longer silence a new clip begins, with its own quality gates and, if requested, its own language.
MAX_GAP_SAMPLES = 10 * SAMPLE_RATE
# A region is split at its longest pause within this share of the remaining room, counted from the end.
SPLIT_SHARE = 1 / 3
# No part of a split region is shorter than this.
MIN_PART_SAMPLES = SAMPLE_RATE


class Packer:
    """Groups the regions of one waveform as they arrive.

    Args:
        max_samples: maximum length of a group. Default: Whisper's window of 30 s.
        keep_silence: whether the clip includes the silence between regions, which then counts.
        max_gap: samples of silence after which a new group begins.
    """

    def __init__(self, max_samples: int = CLIP_SAMPLES, *, keep_silence: bool = False, max_gap: int = MAX_GAP_SAMPLES) -> None:
        self._max_samples = max_samples
        self._keep_silence = keep_silence
        self._max_gap = max_gap
        self._group: list[Region] = []
        self._room = max_samples

    def feed(self, regions: Iterable[Region]) -> Iterator[tuple[Region, ...]]:
        """Add regions; yields the groups that are full. Consume the iterator completely."""
        for region in regions:
            rest = region
            while self._group and not self._fits(rest):
                if (cut := self._find_split(rest)) is not None:
                    self._group.append(rest.until(cut))
                    rest = rest.since(cut)
                yield from self.finish()
            self._room -= rest.end - rest.start + self._silence_before(rest)
            self._group.append(rest)

    def finish(self) -> Iterator[tuple[Region, ...]]:
        """Yield the last group."""
        if self._group:
            yield tuple(self._group)
            self._group, self._room = [], self._max_samples

    def _silence_before(self, region: Region) -> int:
        """Samples of silence between the group and a region that count."""
        return region.start - self._group[-1].end if self._group and self._keep_silence else 0

    def _fits(self, region: Region) -> bool:
        return self._is_close(region) and self._silence_before(region) + region.end - region.start <= self._room

    def _is_close(self, region: Region) -> bool:
        return region.start - self._group[-1].end <= self._max_gap

    def _find_split(self, region: Region) -> int | None:
        """Where to split a region so that its beginning fits: the sample in the middle of a pause."""
        if self._keep_silence or not self._is_close(region):
            return None
        last = min(region.start + self._room, region.end - MIN_PART_SAMPLES)
        first = max(last - int(self._room * SPLIT_SHARE), region.start + MIN_PART_SAMPLES)
        candidates = [pause for pause in region.pauses if first <= pause.middle <= last]
        return max(candidates, key=lambda pause: pause.samples).middle if candidates else None
