"""The errors of one transcript. Word, character and speaker errors are those of `transcribe score`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.real.corpus import NO_SPEECH, Recording
from benchmarks.real.hypothesis import Hypothesis
from transcribe_cli.errors import RecordingError
from transcribe_cli.scoring.compare import Score, compare
from transcribe_cli.scoring.document import Document, Utterance, document_of
from transcribe_cli.scoring.normalize import normalizer
from transcribe_cli.scoring.options import Options

Span = tuple[float, float]
# Seconds of reference speech between two recognized words that count as missing.
MISSING = 3.0
# A sentence starts after at least this many seconds in which nobody speaks.
PAUSE = 0.3
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Measure:
    """The errors in one recording.

    Attributes:
        score: of `transcribe score`; None if the recording has no reference for it.
        invented: words in a recording without speech.
        missing: seconds of reference speech in each stretch of at least `MISSING` without words; None without reference turns.
        empty: nothing was recognized although the reference has words.
        wrong_language: whether the language was detected wrongly; None if it was given or has no reference.
        starts: for each sentence, recognized minus true start, in seconds.
        has_digits: whether the text has digits, which a reference with spelled numbers has not.
    """

    uri: str
    score: Score | None = None
    invented: int = 0
    missing: tuple[float, ...] | None = None
    empty: bool = False
    wrong_language: bool | None = None
    starts: tuple[float, ...] = ()
    has_digits: bool = False
    failed: bool = False


def measure(recording: Recording, hypothesis: Hypothesis, *, detected: bool) -> Measure:
    """Compare a transcript with what is known of its recording; `detected` if the contender had to find out the language."""
    if recording.language == NO_SPEECH:
        normalize = normalizer(hypothesis.document.language or "pt")
        return Measure(recording.uri, invented=len(normalize(hypothesis.text).split()), failed=hypothesis.failed)
    regions = _regions(recording)
    wrong = detected and recording.has_one_language and not hypothesis.failed
    return Measure(
        recording.uri,
        _score(recording, hypothesis),
        missing=None if recording.turns is None else tuple(_missing(regions, hypothesis.words)),
        empty=bool(recording.text) and not hypothesis.text.strip(),
        wrong_language=hypothesis.document.language != recording.language if wrong else None,
        starts=tuple(_starts(regions, hypothesis.words)) if hypothesis.has_word_times else (),
        has_digits=bool(_DIGIT.search(hypothesis.text)),
        failed=hypothesis.failed,
    )


def _score(recording: Recording, hypothesis: Hypothesis) -> Score | None:
    language = recording.language if recording.has_one_language else None
    try:
        return compare(_reference(recording), hypothesis.document, Options(language))
    except RecordingError:  # it has neither text nor turns to compare
        return None


def _reference(recording: Recording) -> Document:
    if recording.text is None:
        return Document(None, recording.turns)
    utterances = recording.utterances or (Utterance(recording.text),)
    return document_of(utterances, recording.turns)


def _regions(recording: Recording) -> list[Span]:
    """Where anybody speaks, in order; pauses shorter than `PAUSE` belong to them."""
    found: list[Span] = []
    for turn in recording.turns or ():
        if found and turn.start - found[-1][1] < PAUSE:
            found[-1] = (found[-1][0], max(found[-1][1], turn.end))
        else:
            found.append((turn.start, turn.end))
    return found


def _missing(regions: Sequence[Span], words: Sequence[Span]) -> Iterator[float]:
    """Seconds of speech between two words, before the first and after the last, if they are at least `MISSING`."""
    end, borders = 0.0, [(0.0, 0.0)]
    for start, finish in words:
        borders.append((start, end := max(end, finish)))
    borders.append((max((region[1] for region in regions), default=0.0), 0.0))
    for (_, left), (right, _) in pairwise(borders):
        seconds = sum(
            max(0.0, min(finish, right) - max(start, left)) for start, finish in regions if start < right and finish > left
        )
        if seconds >= MISSING:
            yield round(seconds, 2)


def _starts(regions: Sequence[Span], words: Sequence[Span]) -> Iterator[float]:
    """Start of the first word in the middle of each region, minus the start of the region; a region without words has none."""
    for start, finish in regions:
        first = next((word for word in words if start <= (word[0] + word[1]) / 2 <= finish), None)
        if first:
            yield round(first[0] - start, 3)
