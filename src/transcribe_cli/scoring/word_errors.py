"""Word and character error rates by jiwer, and the places with the most word errors.

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

# The time for alignment grows with the square of the length: minutes for these, which are a day of speech.
MAX_CHARACTERS = 1_200_000
MAX_WORDS = 300_000
# Before normalization, which shortens texts (notes, punctuation) and takes a second for this.
MAX_RAW_CHARACTERS = 4 * MAX_CHARACTERS
# Correct words to show on each side of a difference.
CONTEXT = 2
# Errors with at most this many correct words between them are one difference.
MAX_GAP = 2
# A longer difference is cut after this many words.
MAX_COLUMNS = 14


@dataclass(frozen=True)
class NormalizedUtterance:
    """An utterance after text normalization."""

    text: str
    speaker: str | None
    start: float | None


@dataclass(frozen=True)
class Difference:
    """A place where the texts differ.

    Attributes:
        at: seconds from the start of the recording, if a file says so.
        word: number of the word in the reference at which it starts, from 1.
        errors: number of wrong words.
        lines: reference, hypothesis and kinds of error, aligned below each other; safe for a terminal.
    """

    at: float | None
    word: int
    errors: int
    reference: str
    hypothesis: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    """A word of the reference, of the hypothesis, or both; and the index of the next word of each."""

    is_wrong: bool
    reference: str | None
    hypothesis: str | None
    reference_index: int
    hypothesis_index: int


def check_length(count: int, unit: str, limit: int) -> None:
    """Refuse a text that is too long.

    Raises:
        RecordingError: `count` is more than `limit`.
    """
    if count > limit:
        hint = "Split it into several recordings."
        raise RecordingError(f"The text has {count:,} {unit}; the maximum for scoring is {limit:,}.", hint)


def joined_text(utterances: Sequence[NormalizedUtterance]) -> str:
    """The text of all utterances, in order.

    Raises:
        RecordingError: it is too long to be aligned.
    """
    text = " ".join(utterance.text for utterance in utterances if utterance.text)
    check_length(len(text), "characters", MAX_CHARACTERS)
    check_length(text.count(" ") + 1, "words", MAX_WORDS)
    return text


def count_word_edits(reference: str, hypothesis: str) -> EditCounts:
    """The counts for a word error rate."""
    return _edits(_process_words(reference, hypothesis))


def count_character_edits(reference: str, hypothesis: str) -> EditCounts:
    """The counts for a character error rate."""
    return _edits(library("jiwer").process_characters(reference, hypothesis))


def find_differences(
    reference: Sequence[NormalizedUtterance], hypothesis: Sequence[NormalizedUtterance], limit: int
) -> tuple[Difference, ...]:
    """Up to `limit` places with the most errors, in the order of the text."""
    columns = list(_align(joined_text(reference), joined_text(hypothesis)))
    worst = sorted(_groups(columns), key=lambda group: -sum(columns[index].is_wrong for index in range(*group)))[:limit]
    reference_times, hypothesis_times = _WordTimes(reference), _WordTimes(hypothesis)
    differences = []
    for first, last in sorted(worst):
        at = reference_times.at(columns[first].reference_index)
        if at is None:
            at = hypothesis_times.at(columns[first].hypothesis_index)
        differences.append(_difference(columns, first, last, at))
    return tuple(differences)


def _process_words(reference: str, hypothesis: str) -> Any:  # noqa: ANN401 - jiwer.WordOutput, of a library that may be missing
    return library("jiwer").process_words(reference, hypothesis)


def _edits(output: Any) -> EditCounts:  # noqa: ANN401
    length = output.hits + output.substitutions + output.deletions
    return EditCounts(output.substitutions, output.deletions, output.insertions, length)


def _align(reference: str, hypothesis: str) -> Iterator[_Column]:
    """The alignment word by word."""
    output = _process_words(reference, hypothesis)
    reference_words, hypothesis_words = output.references[0], output.hypotheses[0]
    for chunk in output.alignments[0]:
        left = range(chunk.ref_start_idx, chunk.ref_end_idx)
        right = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        for step in range(max(len(left), len(right))):
            yield _Column(
                chunk.type != "equal",
                reference_words[left[step]] if step < len(left) else None,
                hypothesis_words[right[step]] if step < len(right) else None,
                left.start + min(step, len(left)),
                right.start + min(step, len(right)),
            )


def _groups(columns: Sequence[_Column]) -> Iterator[tuple[int, int]]:
    """First and past-the-last column of runs of errors with at most `MAX_GAP` correct words between them."""
    first = last = -1
    for index, column in enumerate(columns):
        if not column.is_wrong:
            continue
        if first >= 0 and index - last - 1 > MAX_GAP:
            yield first, last + 1
            first = -1
        first = index if first < 0 else first
        last = index
    if first >= 0:
        yield first, last + 1


def _difference(columns: Sequence[_Column], first: int, last: int, at: float | None) -> Difference:
    shown = columns[max(0, first - CONTEXT) : min(last + CONTEXT, first + MAX_COLUMNS)]
    reference = " ".join(column.reference for column in shown if column.reference is not None)
    hypothesis = " ".join(column.hypothesis for column in shown if column.hypothesis is not None)
    errors = sum(column.is_wrong for column in columns[first:last])
    return Difference(at, columns[first].reference_index + 1, errors, reference, hypothesis, _lines(reference, hypothesis))


def _lines(reference: str, hypothesis: str) -> tuple[str, ...]:
    """The alignment as jiwer displays it, without headings."""
    output = _process_words(printable(reference), printable(hypothesis))
    drawn: str = library("jiwer").visualize_alignment(output, show_measures=False)
    return tuple(line.rstrip() for line in drawn.splitlines() if line.strip() and not line.startswith("==="))


class _WordTimes:
    """The time of each word: the start of its utterance."""

    def __init__(self, utterances: Sequence[NormalizedUtterance]) -> None:
        non_empty = [utterance for utterance in utterances if utterance.text]
        self._starts = [utterance.start for utterance in non_empty]
        self._first_words = list(accumulate((len(utterance.text.split(" ")) for utterance in non_empty), initial=0))[:-1]

    def at(self, word: int) -> float | None:
        """Seconds; None if the file does not say."""
        index = bisect_right(self._first_words, word) - 1
        return self._starts[index] if 0 <= index < len(self._starts) else None
