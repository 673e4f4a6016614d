"""The diarization error rate by pyannote.metrics, and the word error rate by speaker (cpWER) by MeetEval.

pyannote's `collar` is the whole width around a border (https://pyannote.github.io/pyannote-metrics/reference.html); ours, like NIST's, is
the width on each side of it. cpWER joins what each speaker says and uses the assignment of speakers with the fewest errors
(https://github.com/fgnt/meeteval).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from transcribe_cli.scoring.error_counts import EditCounts, SpeakerErrors
from transcribe_cli.scoring.libraries import library
from transcribe_cli.scoring.word_errors import NormalizedUtterance, joined_text
from transcribe_cli.transcript import Turn

# MeetEval's limit: https://github.com/fgnt/meeteval/blob/main/doc/num_speaker_limits.md
MAX_SPEAKERS = 20
# pyannote.metrics compares all turns of one side with those of the other, and then all that speak at once: minutes for these.
MAX_TURNS = 20_000
MAX_SPEAKERS_OF_TURNS = 100
MAX_PIECES = 1_000_000
Assignment = tuple[tuple[str | None, str | None], ...]


def measure_speaker_errors(reference: Sequence[Turn], hypothesis: Sequence[Turn], collar: float) -> SpeakerErrors:
    """The counts for a diarization error rate; overlapping speech is scored too.

    `collar` seconds on each side of the borders of reference turns are not scored.
    """
    end = max((turn.end for turn in (*reference, *hypothesis)), default=0.0)
    if end == 0.0:
        return SpeakerErrors()
    rate = library("pyannote.metrics.diarization").DiarizationErrorRate(collar=2 * collar)
    core = library("pyannote.core")
    whole = core.Timeline([core.Segment(0.0, end)])
    parts = rate(_annotation(reference), _annotation(hypothesis), uem=whole, detailed=True)
    return SpeakerErrors(parts["missed detection"], parts["false alarm"], parts["confusion"], parts["total"])


def count_edits_by_speaker(
    reference: Sequence[NormalizedUtterance], hypothesis: Sequence[NormalizedUtterance]
) -> tuple[EditCounts, Assignment]:
    """The counts for a cpWER, and the pairs of speakers. None in a pair stands for no counterpart or no name.

    There may be at most `MAX_SPEAKERS` on a side. Utterances without a speaker count as one more speaker.
    """
    cp = library("meeteval.wer.wer.cp").cp_word_error_rate
    left, right = _text_by_speaker(reference), _text_by_speaker(hypothesis)
    # By number, because MeetEval invents names for missing speakers. Without sorting, because utterances are in order already.
    result = cp(dict(enumerate(left.values())), dict(enumerate(right.values())), reference_sort=False, hypothesis_sort=False)
    edits = EditCounts(result.substitutions, result.deletions, result.insertions, result.length)
    names = (list(left), list(right))
    return edits, tuple((_name_at(names[0], one), _name_at(names[1], other)) for one, other in result.assignment)


def count_pieces(turns: Sequence[Turn], others: Sequence[Turn]) -> int:
    """The number of parts into which all borders of both sides cut these turns."""
    borders = np.unique([time for turn in (*turns, *others) for time in (turn.start, turn.end)])
    starts, ends = (np.searchsorted(borders, times) for times in ([turn.start for turn in turns], [turn.end for turn in turns]))
    return int((ends - starts).sum())


def _annotation(turns: Sequence[Turn]) -> Any:  # noqa: ANN401 - pyannote.core.Annotation, of a library that may be missing
    core = library("pyannote.core")
    annotation = core.Annotation()
    for track, turn in enumerate(turns):
        annotation[core.Segment(turn.start, turn.end), track] = turn.speaker
    return annotation.support()  # merges overlapping turns of one speaker


def _text_by_speaker(utterances: Sequence[NormalizedUtterance]) -> dict[str | None, str]:
    """The text of each speaker, in the order in which they first speak."""
    by_speaker: defaultdict[str | None, list[NormalizedUtterance]] = defaultdict(list)
    for utterance in utterances:
        by_speaker[utterance.speaker].append(utterance)
    return {speaker: joined_text(parts) for speaker, parts in by_speaker.items()}


def _name_at(names: Sequence[str | None], index: int | None) -> str | None:
    return None if index is None else names[index]
