"""Who spoke: the diarization error rate by pyannote.metrics, and the word error rate by speaker (cpWER) by MeetEval.

pyannote's `collar` is the whole width around a border (https://pyannote.github.io/pyannote-metrics/reference.html); ours, like NIST's, is
what is left out on each side of it. cpWER joins what each speaker says and takes the assignment of speakers with the fewest errors
(https://github.com/fgnt/meeteval).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from transcribe_cli.scoring.error_counts import EditCounts, SpeakerErrors
from transcribe_cli.scoring.libraries import library
from transcribe_cli.scoring.word_errors import Said, text_of
from transcribe_cli.transcript import Turn

# MeetEval refuses more: https://github.com/fgnt/meeteval/blob/main/doc/num_speaker_limits.md
MOST_SPEAKERS = 20
Assignment = tuple[tuple[str | None, str | None], ...]


def speaker_time(reference: Sequence[Turn], hypothesis: Sequence[Turn], collar: float) -> SpeakerErrors:
    """What a diarization error rate is made of; overlapping speech is scored too.

    `collar` seconds on each side of the borders of turns of the reference are not scored.
    """
    end = max((turn.end for turn in (*reference, *hypothesis)), default=0.0)
    if end == 0.0:
        return SpeakerErrors()
    rate = library("pyannote.metrics.diarization").DiarizationErrorRate(collar=2 * collar)
    core = library("pyannote.core")
    all_of_it = core.Timeline([core.Segment(0.0, end)])
    parts = rate(_annotation(reference), _annotation(hypothesis), uem=all_of_it, detailed=True)
    return SpeakerErrors(parts["missed detection"], parts["false alarm"], parts["confusion"], parts["total"])


def speaker_edits(reference: Sequence[Said], hypothesis: Sequence[Said]) -> tuple[EditCounts, Assignment]:
    """What a cpWER is made of, and which speaker was taken for which; None stands for one too many, too few, or not named.

    At most `MOST_SPEAKERS` on a side; utterances without a speaker count as those of one more.
    """
    cp = library("meeteval.wer.wer.cp").cp_word_error_rate
    there, here = _streams(reference), _streams(hypothesis)
    # By number, since it names missing speakers itself; and without times to sort by, as utterances are in their order already.
    found = cp(dict(enumerate(there.values())), dict(enumerate(here.values())), reference_sort=False, hypothesis_sort=False)
    edits = EditCounts(found.substitutions, found.deletions, found.insertions, found.length)
    names = (list(there), list(here))
    return edits, tuple((_nth(names[0], left), _nth(names[1], right)) for left, right in found.assignment)


def _annotation(turns: Sequence[Turn]) -> Any:  # noqa: ANN401 - pyannote.core.Annotation, of a library that may be missing
    core = library("pyannote.core")
    annotation = core.Annotation()
    for track, turn in enumerate(turns):
        annotation[core.Segment(turn.start, turn.end), track] = turn.speaker
    return annotation.support()  # where turns of one speaker overlap, that speaker counts once


def _streams(said: Sequence[Said]) -> dict[str | None, str]:
    """What each speaker says, in the order in which they first speak."""
    by_speaker: defaultdict[str | None, list[Said]] = defaultdict(list)
    for part in said:
        by_speaker[part.speaker].append(part)
    return {speaker: text_of(parts) for speaker, parts in by_speaker.items()}


def _nth(names: Sequence[str | None], index: int | None) -> str | None:
    return None if index is None else names[index]
