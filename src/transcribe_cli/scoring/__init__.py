"""How good a transcript is, measured against a reference: WER, CER, DER and cpWER, by the libraries that others measure with.

Reading order: `document` (what is compared), `readers/` (files to it), `pairs` (which with which), `normalize` with `conventions` and
`numbers` (what counts as the same), `words` and `speakers` (the metrics), `compare` (one recording), `report` (all of them).
"""

from __future__ import annotations

from pathlib import Path

from transcribe_cli.errors import RecordingError
from transcribe_cli.scoring.compare import compare
from transcribe_cli.scoring.libraries import check
from transcribe_cli.scoring.options import METRICS, Options
from transcribe_cli.scoring.pairs import Pair, match
from transcribe_cli.scoring.report import FailedRecording, Report, ScoredRecording

__all__ = ["METRICS", "Options", "Report", "score"]


def score(reference: Path, hypothesis: Path, options: Options = Options()) -> Report:  # noqa: B008 - frozen
    """Score two files, or two trees matched by relative stem. What fails on one recording is in the report, the others go on.

    Raises:
        SourceNotFound, UsageError: a path that is not there or no transcript, or nothing on both sides.
        Unreadable: a file that was named itself cannot be read.
        MissingExtra: a library that measures it is not installed.
    """
    check(options.metrics or ("wer", "cer"))
    matched = match(reference, hypothesis)
    outcomes = [_outcome(pair, options) for pair in matched.pairs]
    return Report(
        options,
        tuple(outcome for outcome in outcomes if isinstance(outcome, ScoredRecording)),
        tuple(outcome for outcome in outcomes if isinstance(outcome, FailedRecording)),
        matched.only_reference,
        matched.only_hypothesis,
    )


def _outcome(pair: Pair, options: Options) -> ScoredRecording | FailedRecording:
    try:
        found = compare(pair.reference.read(), pair.hypothesis.read(), options)
    except RecordingError as error:
        return FailedRecording(pair.name, error)
    return ScoredRecording(pair.name, pair.reference.label, pair.hypothesis.label, found)
