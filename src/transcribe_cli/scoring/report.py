"""What came out: the score of each recording, the totals over all of them, and what was not scored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import Any, TypeVar

from transcribe_cli.errors import TranscribeError
from transcribe_cli.scoring.compare import Score
from transcribe_cli.scoring.error_counts import EditCounts, SpeakerErrors
from transcribe_cli.scoring.options import METRICS, Options
from transcribe_cli.scoring.word_errors import Difference

REPORT_VERSION = 1
_Measure = TypeVar("_Measure", EditCounts, SpeakerErrors)


@dataclass(frozen=True)
class ScoredRecording:
    """A recording that was scored; the labels are its files."""

    name: str
    reference: str
    hypothesis: str
    score: Score


@dataclass(frozen=True)
class FailedRecording:
    """A recording that could not be scored, and why."""

    name: str
    error: TranscribeError


@dataclass(frozen=True)
class Report:
    """All of it. What has no counterpart is named by its file."""

    options: Options
    recordings: tuple[ScoredRecording, ...]
    failed: tuple[FailedRecording, ...]
    only_reference: tuple[str, ...]
    only_hypothesis: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether everything on both sides was scored."""
        return not (self.failed or self.only_reference or self.only_hypothesis)

    @cached_property
    def totals(self) -> Score:
        """Errors and lengths summed over the recordings on which each metric was measured."""
        scores = [recording.score for recording in self.recordings]
        return Score(
            wer=_sum(score.wer for score in scores),
            cer=_sum(score.cer for score in scores),
            der=_sum(score.der for score in scores),
            cpwer=_sum(score.cpwer for score in scores),
        )

    def count_measured(self, metric: str) -> int:
        """On how many recordings a metric was measured."""
        return sum(getattr(recording.score, metric) is not None for recording in self.recordings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; docs/scoring.md describes it."""
        return {
            "report_version": REPORT_VERSION,
            "normalized": self.options.normalize,
            "collar": self.options.collar,
            "totals": _measures(self.totals),
            "recordings": [_recording(recording) for recording in self.recordings],
            "failed": [
                {"name": failure.name, "code": failure.error.code, "message": failure.error.message, "hint": failure.error.hint}
                for failure in self.failed
            ],
            "only_in_reference": list(self.only_reference),
            "only_in_hypothesis": list(self.only_hypothesis),
        }


def _sum(measures: Iterable[_Measure | None]) -> _Measure | None:
    present = [measure for measure in measures if measure is not None]
    return reduce(add, present) if present else None


def _measures(score: Score) -> dict[str, Any]:
    found = {metric: getattr(score, metric) for metric in METRICS}
    return {metric: None if measure is None else measure.as_dict() for metric, measure in found.items()}


def _recording(scored: ScoredRecording) -> dict[str, Any]:
    score = scored.score
    return {
        "name": scored.name,
        "reference": scored.reference,
        "hypothesis": scored.hypothesis,
        "language": score.language,
        **_measures(score),
        "not_measured": dict(score.not_measured),
        "assignment": [{"reference": there, "hypothesis": here} for there, here in score.assignment],
        "differences": [_place(place) for place in score.differences],
    }


def _place(place: Difference) -> dict[str, Any]:
    return {
        "at": None if place.at is None else round(place.at, 3),
        "word": place.word,
        "errors": place.errors,
        "reference": place.reference,
        "hypothesis": place.hypothesis,
    }
