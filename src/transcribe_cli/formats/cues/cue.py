"""What subtitles are made of: cues, of lines, of timed words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CueWord:
    """A word, or what else stands between two places where a line may end. Whole milliseconds.

    Attributes:
        text: with a space before it where the text has one.
    """

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Cue:
    """One subtitle. Whole milliseconds; the end is after the start.

    Attributes:
        rows: its lines, each of one or more words.
        speaker: the name or label of who speaks, on one line.
        label: what is written before the text because the speaker changes, such as `Ana: `; it took room in the first line.
    """

    start_ms: int
    end_ms: int
    rows: tuple[tuple[CueWord, ...], ...]
    speaker: str | None = None
    label: str = ""

    @property
    def words(self) -> tuple[CueWord, ...]:
        """All words, in order."""
        return tuple(word for row in self.rows for word in row)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as they are shown, the label before the first."""
        first, *others = ("".join(word.text for word in row).strip(" ") for row in self.rows)
        return (self.label + first, *others)

    @property
    def text(self) -> str:
        """The same in one line."""
        return self.label + "".join(word.text for word in self.words).strip(" ")
