"""Compares the reference and the hypothesis of one recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from transcribe_cli.errors import RecordingError
from transcribe_cli.scoring.document import Document
from transcribe_cli.scoring.error_counts import EditCounts, SpeakerErrors
from transcribe_cli.scoring.normalize import Normalizer, collapse_spaces, normalizer
from transcribe_cli.scoring.options import METRICS, Options
from transcribe_cli.scoring.speaker_errors import (
    MAX_PIECES,
    MAX_SPEAKERS,
    MAX_SPEAKERS_OF_TURNS,
    MAX_TURNS,
    Assignment,
    count_edits_by_speaker,
    count_pieces,
    measure_speaker_errors,
)
from transcribe_cli.scoring.word_errors import (
    MAX_RAW_CHARACTERS,
    Difference,
    NormalizedUtterance,
    check_length,
    count_character_edits,
    count_word_edits,
    find_differences,
    joined_text,
)

DEFAULT_LANGUAGE = "pt"


@dataclass(frozen=True)
class Score:
    """The error counts of one recording, or of many; None for a metric that was not measured.

    Attributes:
        language: whose conventions were used to normalize the texts.
        assignment: pairs of speakers that cpWER matched.
        not_measured: metric -> reason, for metrics that only one side allows, or that would take hours.
    """

    language: str = ""
    wer: EditCounts | None = None
    cer: EditCounts | None = None
    der: SpeakerErrors | None = None
    cpwer: EditCounts | None = None
    assignment: Assignment = ()
    differences: tuple[Difference, ...] = ()
    not_measured: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Requirement:
    """What both sides must have for a metric, and the text for a side that lacks it.

    Attributes:
        is_limit: it is not about what there is but about how much: said also when both sides lack it.
    """

    is_met: Callable[[Document], bool]
    lack: str
    is_limit: bool = False


@dataclass(frozen=True)
class _Obstacle:
    reason: str
    is_one_sided: bool = False
    is_limit: bool = False


_WORDS = _Requirement(lambda document: document.utterances is not None, "no words")
_TURNS = _Requirement(lambda document: document.turns is not None, "no speaker times")
_NAMES = _Requirement(lambda document: document.has_speakers, "no speakers")
_FEW = _Requirement(
    lambda document: len({utterance.speaker for utterance in document.utterances or ()}) <= MAX_SPEAKERS,
    f"more than {MAX_SPEAKERS} speakers",
    is_limit=True,
)
_NOT_MANY = _Requirement(
    lambda document: len({turn.speaker for turn in document.turns or ()}) <= MAX_SPEAKERS_OF_TURNS,
    f"more than {MAX_SPEAKERS_OF_TURNS} speakers",
    is_limit=True,
)
_NOT_LONG = _Requirement(lambda document: len(document.turns or ()) <= MAX_TURNS, f"more than {MAX_TURNS:,} turns", is_limit=True)
_REQUIREMENTS: Mapping[str, tuple[_Requirement, ...]] = {
    "wer": (_WORDS,),
    "cer": (_WORDS,),
    "der": (_TURNS, _NOT_MANY, _NOT_LONG),
    "cpwer": (_WORDS, _NAMES, _FEW),
}


def compare(reference: Document, hypothesis: Document, options: Options) -> Score:
    """Measure the requested metrics, or all that both sides allow.

    Raises:
        RecordingError: nothing can be compared, a side is too long, or a requested metric cannot be measured.
        MissingExtra: a required library is not installed.
    """
    obstacles = _obstacles(reference, hypothesis)
    metrics = _choose_metrics(options.metrics, obstacles)
    language = options.language or reference.language or hypothesis.language or DEFAULT_LANGUAGE
    for document in (reference, hypothesis):
        check_length(sum(len(part.text) for part in document.utterances or ()), "characters", MAX_RAW_CHARACTERS)
    normalize = normalizer(language) if options.normalize else collapse_spaces
    left, right = _normalized(reference, normalize), _normalized(hypothesis, normalize)
    texts = (joined_text(left), joined_text(right))
    cpwer, assignment = count_edits_by_speaker(left, right) if "cpwer" in metrics else (None, ())
    return Score(
        language,
        count_word_edits(*texts) if "wer" in metrics else None,
        count_character_edits(*texts) if "cer" in metrics else None,
        measure_speaker_errors(reference.turns or (), hypothesis.turns or (), options.collar) if "der" in metrics else None,
        cpwer,
        assignment,
        find_differences(left, right, options.differences) if options.differences and "wer" in metrics else (),
        {}
        if options.metrics
        else {metric: obstacle.reason for metric, obstacle in obstacles.items() if obstacle.is_one_sided or obstacle.is_limit},
    )


def _obstacles(reference: Document, hypothesis: Document) -> dict[str, _Obstacle]:
    """Why each metric cannot be measured; metrics that can be are left out."""
    obstacles: dict[str, _Obstacle] = {}
    sides = {"the reference": reference, "the hypothesis": hypothesis}
    for metric, requirements in _REQUIREMENTS.items():
        for requirement in requirements:
            lacking = [side for side, document in sides.items() if not requirement.is_met(document)]
            if lacking and metric not in obstacles:
                reason = f"{requirement.lack} in {' and '.join(lacking)}"
                obstacles[metric] = _Obstacle(reason, len(lacking) == 1, requirement.is_limit)
    left, right = reference.turns or (), hypothesis.turns or ()
    if "der" not in obstacles and max(count_pieces(left, right), count_pieces(right, left)) > MAX_PIECES:
        obstacles["der"] = _Obstacle("too many turns overlap", is_limit=True)
    return obstacles


def _choose_metrics(requested: tuple[str, ...], obstacles: Mapping[str, _Obstacle]) -> tuple[str, ...]:
    for metric in requested:
        if metric in obstacles:
            raise RecordingError(f"{metric} cannot be measured: {obstacles[metric].reason}.")
    if len(obstacles) == len(METRICS):
        if obstacles["der"].is_limit:
            raise RecordingError(f"Nothing can be compared: {obstacles['der'].reason}.")
        raise RecordingError("Nothing can be compared: one side has no words, and the other has no speaker turns.")
    return requested or tuple(metric for metric in METRICS if metric not in obstacles)


def _normalized(document: Document, normalize: Normalizer) -> list[NormalizedUtterance]:
    return [NormalizedUtterance(normalize(part.text), part.speaker, part.start) for part in document.utterances or ()]
