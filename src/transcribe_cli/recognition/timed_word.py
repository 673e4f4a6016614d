"""A word of a recording with its final times."""

from __future__ import annotations

from dataclasses import dataclass, replace

from transcribe_cli.recognition.engines import ClipResult, SpokenWord


@dataclass(frozen=True)
class TimedWord:
    """A word with its final times. `aligned` is false if they were not measured but taken from its neighbours'."""

    word: SpokenWord
    result: ClipResult
    aligned: bool = True

    @property
    def start(self) -> float:
        """Seconds of the recording."""
        return self.word.start

    @property
    def end(self) -> float:
        """Seconds of the recording."""
        return self.word.end

    def with_times(self, start: float, end: float, *, aligned: bool) -> TimedWord:
        """The same word with other times."""
        return replace(self, word=replace(self.word, start=start, end=end), aligned=self.aligned and aligned)
