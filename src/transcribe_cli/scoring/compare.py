"""One recording: what its reference and its hypothesis both say, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from transcribe_cli.errors import RecordingError
from transcribe_cli.scoring.document import Document
from transcribe_cli.scoring.error_counts import EditCounts, SpeakerErrors
from transcribe_cli.scoring.normalize import Normalizer, normalizer, unchanged
from transcribe_cli.scoring.options import METRICS, Options
from transcribe_cli.scoring.speaker_errors import MOST_SPEAKERS, Assignment, speaker_edits, speaker_time
from transcribe_cli.scoring.word_errors import Difference, Said, character_edits, differences, text_of, word_edits

DEFAULT_LANGUAGE = "pt"


@dataclass(frozen=True)
class Score:
    """The error counts of a recording, or of many; None what was not measured.

    Attributes:
        language: whose conventions the texts were normalised by.
        assignment: which speaker cpWER took for which.
        not_measured: by metric, why not, where one of the sides would allow it.
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
class _Need:
    """Something that both sides must have for a metric, and how its lack is called."""

    met: Callable[[Document], bool]
    lack: str


@dataclass(frozen=True)
class _Obstacle:
    why: str
    one_sided: bool


_WORDS = _Need(lambda document: document.utterances is not None, "no words")
_TURNS = _Need(lambda document: document.turns is not None, "no times of speakers")
_NAMES = _Need(lambda document: document.names_speakers, "no speakers")
_FEW = _Need(
    lambda document: len({said.speaker for said in document.utterances or ()}) <= MOST_SPEAKERS, f"over {MOST_SPEAKERS} speakers"
)
_NEEDS: Mapping[str, tuple[_Need, ...]] = {"wer": (_WORDS,), "cer": (_WORDS,), "der": (_TURNS,), "cpwer": (_WORDS, _NAMES, _FEW)}


def compare(reference: Document, hypothesis: Document, options: Options) -> Score:
    """Measure what was asked for, or whatever both sides allow.

    Raises:
        RecordingError: nothing can be compared, or not what was asked for.
        MissingExtra: a library that measures it is not installed.
    """
    obstacles = _obstacles(reference, hypothesis)
    metrics = _chosen(options.metrics, obstacles)
    language = options.language or reference.language or hypothesis.language or DEFAULT_LANGUAGE
    normalize = normalizer(language) if options.normalize else unchanged
    there, here = _said(reference, normalize), _said(hypothesis, normalize)
    texts = (text_of(there), text_of(here))
    cpwer, assignment = speaker_edits(there, here) if "cpwer" in metrics else (None, ())
    return Score(
        language,
        word_edits(*texts) if "wer" in metrics else None,
        character_edits(*texts) if "cer" in metrics else None,
        speaker_time(reference.turns or (), hypothesis.turns or (), options.collar) if "der" in metrics else None,
        cpwer,
        assignment,
        differences(there, here, options.differences) if options.differences and "wer" in metrics else (),
        {} if options.metrics else {metric: obstacle.why for metric, obstacle in obstacles.items() if obstacle.one_sided},
    )


def _obstacles(reference: Document, hypothesis: Document) -> dict[str, _Obstacle]:
    """What keeps each metric from being measured; those without obstacle are not listed."""
    found: dict[str, _Obstacle] = {}
    sides = {"the reference": reference, "the hypothesis": hypothesis}
    for metric, needs in _NEEDS.items():
        for need in needs:
            without = [side for side, document in sides.items() if not need.met(document)]
            if without and metric not in found:
                found[metric] = _Obstacle(f"{need.lack} in {' and '.join(without)}", len(without) == 1)
    return found


def _chosen(asked: tuple[str, ...], obstacles: Mapping[str, _Obstacle]) -> tuple[str, ...]:
    for metric in asked:
        if metric in obstacles:
            raise RecordingError(f"{metric} cannot be measured: {obstacles[metric].why}.")
    if len(obstacles) == len(METRICS):
        raise RecordingError("Nothing can be compared: one side has no words, the other no turns of speakers.")
    return asked or tuple(metric for metric in METRICS if metric not in obstacles)


def _said(document: Document, normalize: Normalizer) -> list[Said]:
    return [Said(normalize(part.text), part.speaker, part.start) for part in document.utterances or ()]
