"""The result of scoring: the score of each recording, the totals, and what was not scored."""

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
_Counts = TypeVar("_Counts", EditCounts, SpeakerErrors)


@dataclass(frozen=True)
class ScoredRecording:
    """A recording that was scored; `reference` and `hypothesis` are the labels of its files."""

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
    """All recordings, and the files that exist on one side only."""

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
        """Errors and lengths, summed for each metric over the recordings on which it was measured."""
        scores = [recording.score for recording in self.recordings]
        return Score(
            wer=_sum(score.wer for score in scores),
            cer=_sum(score.cer for score in scores),
            der=_sum(score.der for score in scores),
            cpwer=_sum(score.cpwer for score in scores),
        )

    def count_measured(self, metric: str) -> int:
        """Number of recordings on which a metric was measured."""
        return sum(getattr(recording.score, metric) is not None for recording in self.recordings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; docs/scoring.md describes the keys."""
        return {
            "report_version": REPORT_VERSION,
            "normalized": self.options.normalize,
            "collar": self.options.collar,
            "totals": _metrics(self.totals),
            "recordings": [_recording(recording) for recording in self.recordings],
            "failed": [
                {"name": failure.name, "code": failure.error.code, "message": failure.error.message, "hint": failure.error.hint}
                for failure in self.failed
            ],
            "only_in_reference": list(self.only_reference),
            "only_in_hypothesis": list(self.only_hypothesis),
        }


def _sum(counts: Iterable[_Counts | None]) -> _Counts | None:
    measured = [count for count in counts if count is not None]
    return reduce(add, measured) if measured else None


def _metrics(score: Score) -> dict[str, Any]:
    counts = {metric: getattr(score, metric) for metric in METRICS}
    return {metric: None if count is None else count.as_dict() for metric, count in counts.items()}


def _recording(recording: ScoredRecording) -> dict[str, Any]:
    score = recording.score
    return {
        "name": recording.name,
        "reference": recording.reference,
        "hypothesis": recording.hypothesis,
        "language": score.language,
        **_metrics(score),
        "not_measured": dict(score.not_measured),
        "assignment": [{"reference": left, "hypothesis": right} for left, right in score.assignment],
        "differences": [_difference(difference) for difference in score.differences],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "at": None if difference.at is None else round(difference.at, 3),
        "word": difference.word,
        "errors": difference.errors,
        "reference": difference.reference,
        "hypothesis": difference.hypothesis,
    }
