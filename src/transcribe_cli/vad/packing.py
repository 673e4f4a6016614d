"""Speech regions in groups that span at most 30 s: every group becomes one clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.vad.regions import CLIP_SAMPLES, Region

# Silence inside a clip up to this long is kept, because a fuller clip is cheaper; more of it tempts Whisper to invent text.
CLIP_GAP_SAMPLES = 2 * SAMPLE_RATE


class Packer:
    """Groups the regions of one waveform as they come.

    Args:
        longest: samples that a group may span; Whisper's window of 30 s unless told otherwise.
        gap: samples of silence that a group may have inside.
    """

    def __init__(self, longest: int = CLIP_SAMPLES, gap: int = CLIP_GAP_SAMPLES) -> None:
        self._longest = longest
        self._gap = gap
        self._group: list[Region] = []

    def feed(self, regions: Iterable[Region]) -> Iterator[tuple[Region, ...]]:
        """The groups that are full after these regions; consume it whole."""
        for region in regions:
            if self._group and not self._fits(region):
                yield tuple(self._group)
                self._group = []
            self._group.append(region)

    def finish(self) -> Iterator[tuple[Region, ...]]:
        """The last group."""
        if self._group:
            yield tuple(self._group)
            self._group = []

    def _fits(self, region: Region) -> bool:
        return region.end - self._group[0].start <= self._longest and region.start - self._group[-1].end <= self._gap
