"""Speech regions in groups of at most 30 s of speech: every group becomes one clip.

A full clip costs the recognizer no more than one with a single word in it, so clips are filled: silence between regions is left out,
and a region that does not fit is parted at one of its pauses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.vad.regions import CLIP_SAMPLES, Region

# After a longer silence something else begins, which is heard, gated and, where that is asked for, given a language on its own.
CLIP_GAP_SAMPLES = 10 * SAMPLE_RATE
# A region is parted at its longest pause within this share of the room that is left, counted from the end.
PARTED_SHARE = 1 / 3
# No part of a region is shorter than this.
SHORTEST_PART_SAMPLES = SAMPLE_RATE


class Packer:
    """Groups the regions of one waveform as they come.

    Args:
        max_samples: samples that a group may have; Whisper's window of 30 s unless told otherwise.
        keep_silence: whether the silence between regions is heard with them, and counts.
        max_gap: samples of silence after which another group begins.
    """

    def __init__(self, max_samples: int = CLIP_SAMPLES, *, keep_silence: bool = False, max_gap: int = CLIP_GAP_SAMPLES) -> None:
        self._max_samples = max_samples
        self._keep_silence = keep_silence
        self._max_gap = max_gap
        self._group: list[Region] = []
        self._room = max_samples

    def feed(self, regions: Iterable[Region]) -> Iterator[tuple[Region, ...]]:
        """The groups that are full after these regions; consume it whole."""
        for region in regions:
            rest = region
            while self._group and not self._fits(rest):
                if (cut := self._pause(rest)) is not None:
                    self._group.append(rest.until(cut))
                    rest = rest.since(cut)
                yield from self.finish()
            self._room -= rest.end - rest.start + self._silence_before(rest)
            self._group.append(rest)

    def finish(self) -> Iterator[tuple[Region, ...]]:
        """The last group."""
        if self._group:
            yield tuple(self._group)
            self._group, self._room = [], self._max_samples

    def _silence_before(self, region: Region) -> int:
        """Samples that are heard between the group and a region."""
        return region.start - self._group[-1].end if self._group and self._keep_silence else 0

    def _fits(self, region: Region) -> bool:
        return self._near(region) and self._silence_before(region) + region.end - region.start <= self._room

    def _near(self, region: Region) -> bool:
        return region.start - self._group[-1].end <= self._max_gap

    def _pause(self, region: Region) -> int | None:
        """Where to part a region so that its beginning fits: the sample in the middle of a pause."""
        if self._keep_silence or not self._near(region):
            return None
        last = min(region.start + self._room, region.end - SHORTEST_PART_SAMPLES)
        first = max(last - int(self._room * PARTED_SHARE), region.start + SHORTEST_PART_SAMPLES)
        within = [pause for pause in region.pauses if first <= pause.middle <= last]
        return max(within, key=lambda pause: pause.samples).middle if within else None
