"""What can be scored of a file, whatever its format: who said what, and who spoke when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from transcribe_cli.transcript import Turn


@dataclass(frozen=True)
class Utterance:
    """Something said, as it is written in the file.

    Attributes:
        speaker: None where the file does not say.
        start, end: seconds from the start of the recording; None where the file does not say.
    """

    text: str
    speaker: str | None = None
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Document:
    """One recording's words and turns.

    Attributes:
        utterances: in the order of their starts; None when the file cannot hold words (RTTM).
        turns: None when the file does not say who spoke when; () when it says that nobody did.
        language: a code of `languages.py`, when the file says so.
    """

    utterances: tuple[Utterance, ...] | None = None
    turns: tuple[Turn, ...] | None = None
    language: str | None = None

    @property
    def names_speakers(self) -> bool:
        """Whether it is known who said what; of a recording in which nobody speaks it is."""
        if self.utterances is None:
            return False
        return any(utterance.speaker for utterance in self.utterances) or (not self.utterances and self.turns is not None)

    def with_turns(self, turns: tuple[Turn, ...] | None) -> Document:
        """The same words with turns from elsewhere."""
        return replace(self, turns=turns)


def spoken(utterances: Iterable[Utterance], turns: tuple[Turn, ...] | None = None, language: str | None = None) -> Document:
    """A document of these utterances; who spoke when follows from them unless `turns` says it."""
    said = tuple(in_order([utterance for utterance in utterances if utterance.text.strip()]))
    return Document(said, _turns(said) if turns is None else turns, language)


def in_order(utterances: list[Utterance]) -> list[Utterance]:
    """By their starts where all have one; else as they are."""
    if any(utterance.start is None for utterance in utterances):
        return utterances
    return sorted(utterances, key=lambda utterance: utterance.start or 0.0)


def _turns(utterances: tuple[Utterance, ...]) -> tuple[Turn, ...] | None:
    """None when nobody is named, or somebody without times."""
    named = [utterance for utterance in utterances if utterance.speaker]
    turns = [
        Turn(start=utterance.start, end=max(utterance.start, utterance.end), speaker=utterance.speaker)
        for utterance in named
        if utterance.speaker and utterance.start is not None and utterance.end is not None
    ]
    return tuple(turns) if turns and len(turns) == len(named) else None
