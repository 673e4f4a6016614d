"""Cues, which consist of lines of timed words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CueWord:
    """A word, or any other text between two possible line breaks. Times in whole milliseconds.

    Attributes:
        text: with its leading space, if the text has one.
    """

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Cue:
    """One subtitle. Times in whole milliseconds; the end is after the start.

    Attributes:
        words_by_line: its lines, each of one or more words.
        speaker: the name or label of the speaker, on one line.
        label: text before the first word after a change of speaker, such as `Ana: `; it counts toward the length of the first line.
    """

    start_ms: int
    end_ms: int
    words_by_line: tuple[tuple[CueWord, ...], ...]
    speaker: str | None = None
    label: str = ""

    @property
    def words(self) -> tuple[CueWord, ...]:
        """All words, in order."""
        return tuple(word for line in self.words_by_line for word in line)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as displayed, with the label before the first."""
        first, *others = ("".join(word.text for word in line).strip(" ") for line in self.words_by_line)
        return (self.label + first, *others)

    @property
    def text(self) -> str:
        """The text as displayed, on one line."""
        return self.label + "".join(word.text for word in self.words).strip(" ")
