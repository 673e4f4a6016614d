"""The content of a file that can be scored, whatever its format: who said what, and who spoke when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from transcribe_cli.transcript import Turn


@dataclass(frozen=True)
class Utterance:
    """Text by one speaker, as written in the file.

    Attributes:
        speaker: None if the file does not say.
        start, end: seconds from the start of the recording; None if the file does not say.
    """

    text: str
    speaker: str | None = None
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Document:
    """The words and turns of one recording.

    Attributes:
        utterances: ordered by start; None if the file cannot contain words (RTTM).
        turns: None if the file does not say who spoke when; () if it says that nobody did.
        language: a code of `text/languages.py`, if the file says so.
    """

    utterances: tuple[Utterance, ...] | None = None
    turns: tuple[Turn, ...] | None = None
    language: str | None = None

    @property
    def has_speakers(self) -> bool:
        """Whether it is known who said what; True for a recording in which it is known that nobody speaks."""
        if self.utterances is None:
            return False
        return any(utterance.speaker for utterance in self.utterances) or (not self.utterances and self.turns is not None)

    def with_turns(self, turns: tuple[Turn, ...] | None) -> Document:
        """The same words with other turns."""
        return replace(self, turns=turns)


def document_of(utterances: Iterable[Utterance], turns: tuple[Turn, ...] | None = None, language: str | None = None) -> Document:
    """A document of these utterances; without `turns`, the turns are derived from the utterances."""
    non_empty = tuple(_by_start([utterance for utterance in utterances if utterance.text.strip()]))
    return Document(non_empty, _derived_turns(non_empty) if turns is None else turns, language)


def _by_start(utterances: list[Utterance]) -> list[Utterance]:
    """Ordered by start if all have one, otherwise unchanged."""
    if any(utterance.start is None for utterance in utterances):
        return utterances
    return sorted(utterances, key=lambda utterance: utterance.start or 0.0)


def _derived_turns(utterances: tuple[Utterance, ...]) -> tuple[Turn, ...] | None:
    """None if no utterance has a speaker, or one with a speaker has no times."""
    with_speaker = [utterance for utterance in utterances if utterance.speaker]
    turns = [
        Turn(start=utterance.start, end=max(utterance.start, utterance.end), speaker=utterance.speaker)
        for utterance in with_speaker
        if utterance.speaker and utterance.start is not None and utterance.end is not None
    ]
    return tuple(turns) if turns and len(turns) == len(with_speaker) else None
