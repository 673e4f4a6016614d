"""The figures of a contender over a group: sums of errors, not means of rates; medians of seconds."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

from benchmarks.real.contenders import Ended
from benchmarks.real.corpus import NO_SPEECH, Recording
from benchmarks.real.measures import Measure
from transcribe_cli.scoring.error_counts import EditCounts, SpeakerErrors


@dataclass
class Rounds:
    """All rounds of a contender over a group.

    Attributes:
        ended: seconds and memory of each round.
        measures: of the first round.
        changed: number of recordings whose text differed in a later round.
        problem: why it has no figures; "" if it has.
    """

    ended: list[Ended] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    changed: int = 0
    problem: str = ""

    @property
    def seconds(self) -> float:
        """Median of the whole process."""
        return statistics.median(item.seconds for item in self.ended) if self.ended else 0.0

    @property
    def peak(self) -> int:
        """Largest memory of the process and its children, in bytes."""
        return max((item.peak for item in self.ended), default=0)


def with_digits(contenders: Iterable[Rounds]) -> set[str]:
    """The recordings in which any contender wrote digits: for these, a difference in numbers is not a recognition error."""
    return {measure.uri for rounds in contenders for measure in rounds.measures if measure.has_digits}


def figures(rounds: Rounds, recordings: Sequence[Recording], digits: Collection[str]) -> dict[str, Any]:
    """Everything that was measured, as JSON; None for what this group or this contender does not allow."""
    measures = rounds.measures
    spelled = [measure for measure in measures if measure.uri not in digits]
    missing = [seconds for measure in measures for seconds in measure.missing or ()]
    wrong = [measure.wrong_language for measure in measures if measure.wrong_language is not None]
    silent = {item.uri for item in recordings if item.language == NO_SPEECH}
    return {
        "recordings": len(measures),
        "audio": round(sum(item.seconds for item in recordings), 1),
        "failed": sum(measure.failed for measure in measures),
        "wer": _edits(measures, "wer"),
        "wer_without_digits": _edits(spelled, "wer"),
        "cer": _edits(measures, "cer"),
        "cpwer": _edits(measures, "cpwer"),
        "der": _edits(measures, "der"),
        "empty": sum(measure.empty for measure in measures),
        "missing": {"stretches": len(missing), "seconds": round(sum(missing), 1)} if _has_turns(measures) else None,
        "wrong_language": {"count": sum(wrong), "of": len(wrong)} if wrong else None,
        "starts": _starts([error for measure in measures for error in measure.starts]),
        "invented": _invented([measure for measure in measures if measure.uri in silent]),
        "seconds": [round(item.seconds, 2) for item in rounds.ended],
        "peak": rounds.peak,
        "changed": rounds.changed,
    }


def _edits(measures: Sequence[Measure], metric: str) -> dict[str, Any] | None:
    """The sum of a metric of `transcribe score` over the recordings that have it."""
    found: list[EditCounts | SpeakerErrors] = [
        counts for measure in measures if measure.score and (counts := getattr(measure.score, metric)) is not None
    ]
    return {"recordings": len(found)} | reduce(add, found).as_dict() if found else None


def _has_turns(measures: Sequence[Measure]) -> bool:
    return any(measure.missing is not None for measure in measures)


def _starts(errors: Sequence[float]) -> dict[str, Any] | None:
    """Of the absolute errors in seconds, the median and the 90th percentile; `bias` is the median with its sign."""
    if not errors:
        return None
    sizes = sorted(abs(error) for error in errors)
    middle, ninety = statistics.median(sizes), sizes[min(len(sizes) - 1, int(0.9 * len(sizes)))]
    bias = statistics.median(errors)
    return {"sentences": len(sizes), "median": round(middle, 3), "p90": round(ninety, 3), "bias": round(bias, 3)}


def _invented(measures: Sequence[Measure]) -> dict[str, int] | None:
    if not measures:
        return None
    return {
        "words": sum(measure.invented for measure in measures),
        "recordings": sum(bool(measure.invented) for measure in measures),
    }
