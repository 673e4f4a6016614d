"""Measures the quality of transcripts against references, with established libraries: WER, CER, DER and cpWER.

Reading order: `document` (what is compared), `readers/` (parse files), `pairs` (match files), `normalize` with `conventions` and
`numbers` (text normalization), `word_errors` and `speaker_errors` (the metrics), `compare` (one recording), `report` (all of them).
"""

from __future__ import annotations

from pathlib import Path

from transcribe_cli.errors import RecordingError
from transcribe_cli.scoring.compare import compare
from transcribe_cli.scoring.libraries import check
from transcribe_cli.scoring.options import METRICS, Options
from transcribe_cli.scoring.pairs import Pair, match
from transcribe_cli.scoring.report import FailedRecording, Report, ScoredRecording
from transcribe_cli.text.links import Links

__all__ = ["METRICS", "Options", "Report", "score"]


def score(reference: Path, hypothesis: Path, options: Options = Options(), links: Links | None = None) -> Report:  # noqa: B008 - frozen
    """Score two files, or two folders matched by relative path without suffix. Recordings that fail are listed in the report.

    `links` says whether links in a folder may lead out of it, and receives those that are not followed. Default: they may not.

    Raises:
        SourceNotFound, UsageError: a path does not exist or is not a transcript, or no file has a counterpart.
        Unreadable: a file that was named directly cannot be read.
        MissingExtra: a required library is not installed.
    """
    check(options.metrics or ("wer", "cer"))
    matched = match(reference, hypothesis, links)
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
        result = compare(pair.reference.read(), pair.hypothesis.read(), options)
    except RecordingError as error:
        return FailedRecording(pair.name, error)
    return ScoredRecording(pair.name, pair.reference.label, pair.hypothesis.label, result)
