"""Word and character error rates by jiwer, and the places where most words are wrong.

jiwer counts the spaces between words as characters, as most papers do. https://jitsi.github.io/jiwer/
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from transcribe_cli.errors import RecordingError
from transcribe_cli.scoring.error_counts import EditCounts
from transcribe_cli.scoring.libraries import library
from transcribe_cli.text.printable import printable

# Alignment takes time with the square of the length: about a minute for this, which is a day of speech.
MOST_CHARACTERS = 1_200_000
# How a difference is shown: correct words around it, correct words that do not end it, and words before it is cut off.
CONTEXT = 2
JOINED = 2
COLUMNS = 14


@dataclass(frozen=True)
class Said:
    """An utterance after normalisation."""

    text: str
    speaker: str | None
    start: float | None


@dataclass(frozen=True)
class Difference:
    """A place where the texts differ.

    Attributes:
        at: seconds from the start of the recording, when a file says so.
        word: which word of the reference it begins at, from 1.
        errors: how many words are wrong there.
        lines: reference, hypothesis and the kinds of error below each other; safe for a terminal.
    """

    at: float | None
    word: int
    errors: int
    reference: str
    hypothesis: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    """A word of the reference, of the hypothesis, or both; and the places of the next of each."""

    wrong: bool
    reference: str | None
    hypothesis: str | None
    reference_at: int
    hypothesis_at: int


def text_of(said: Sequence[Said]) -> str:
    """All of it, in order.

    Raises:
        RecordingError: it is too long to be aligned.
    """
    text = " ".join(part.text for part in said if part.text)
    if len(text) > MOST_CHARACTERS:
        raise RecordingError(
            f"The text has {len(text):,} characters; {MOST_CHARACTERS:,} can be scored at a time.",
            "Cut it into several recordings.",
        )
    return text


def word_edits(reference: str, hypothesis: str) -> EditCounts:
    """What a word error rate is made of."""
    return _edits(_process_words(reference, hypothesis))


def character_edits(reference: str, hypothesis: str) -> EditCounts:
    """What a character error rate is made of."""
    return _edits(library("jiwer").process_characters(reference, hypothesis))


def differences(reference: Sequence[Said], hypothesis: Sequence[Said], most: int) -> tuple[Difference, ...]:
    """The places with most errors, in the order of the text."""
    columns = list(_columns(text_of(reference), text_of(hypothesis)))
    worst = sorted(_groups(columns), key=lambda group: -sum(columns[index].wrong for index in range(*group)))[:most]
    reference_times, hypothesis_times = _Times(reference), _Times(hypothesis)
    found = []
    for first, last in sorted(worst):
        column = columns[first]
        at = reference_times.at(column.reference_at)
        found.append(
            _difference(columns, first, last, hypothesis_times.at(column.hypothesis_at) if at is None else at),
        )
    return tuple(found)


def _process_words(reference: str, hypothesis: str) -> Any:  # noqa: ANN401 - jiwer.WordOutput, of a library that may be missing
    return library("jiwer").process_words(reference, hypothesis)


def _edits(output: Any) -> EditCounts:  # noqa: ANN401
    length = output.hits + output.substitutions + output.deletions
    return EditCounts(output.substitutions, output.deletions, output.insertions, length)


def _columns(reference: str, hypothesis: str) -> Iterator[_Column]:
    """The alignment word by word."""
    output = _process_words(reference, hypothesis)
    there, here = output.references[0], output.hypotheses[0]
    for chunk in output.alignments[0]:
        left = range(chunk.ref_start_idx, chunk.ref_end_idx)
        right = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        for step in range(max(len(left), len(right))):
            yield _Column(
                chunk.type != "equal",
                there[left[step]] if step < len(left) else None,
                here[right[step]] if step < len(right) else None,
                left.start + min(step, len(left)),
                right.start + min(step, len(right)),
            )


def _groups(columns: Sequence[_Column]) -> Iterator[tuple[int, int]]:
    """First and past-the-last column of runs of errors with at most a few correct words in between."""
    first = last = -1
    for index, column in enumerate(columns):
        if not column.wrong:
            continue
        if first >= 0 and index - last - 1 > JOINED:
            yield first, last + 1
            first = -1
        first = index if first < 0 else first
        last = index
    if first >= 0:
        yield first, last + 1


def _difference(columns: Sequence[_Column], first: int, last: int, at: float | None) -> Difference:
    shown = columns[max(0, first - CONTEXT) : min(last + CONTEXT, first + COLUMNS)]
    reference = " ".join(column.reference for column in shown if column.reference is not None)
    hypothesis = " ".join(column.hypothesis for column in shown if column.hypothesis is not None)
    errors = sum(column.wrong for column in columns[first:last])
    return Difference(at, columns[first].reference_at + 1, errors, reference, hypothesis, _lines(reference, hypothesis))


def _lines(reference: str, hypothesis: str) -> tuple[str, ...]:
    """As jiwer shows an alignment, without its headings."""
    output = _process_words(printable(reference), printable(hypothesis))
    drawn: str = library("jiwer").visualize_alignment(output, show_measures=False)
    return tuple(line.rstrip() for line in drawn.splitlines() if line.strip() and not line.startswith("==="))


class _Times:
    """When a word of the text is said, as near as its utterance tells."""

    def __init__(self, said: Sequence[Said]) -> None:
        spoken = [part for part in said if part.text]
        self._starts = [part.start for part in spoken]
        self._firsts = list(accumulate((len(part.text.split(" ")) for part in spoken), initial=0))[:-1]

    def at(self, word: int) -> float | None:
        """Seconds; None when the file does not say."""
        index = bisect_right(self._firsts, word) - 1
        return self._starts[index] if 0 <= index < len(self._starts) else None
