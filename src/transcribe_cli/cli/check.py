"""What `transcribe status --check` prints: the transcripts that a person should look at, the worst first, with times to jump to."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from transcribe_cli.config import Config
from transcribe_cli.formats.doubts import detail_text, jump_clock, span_text
from transcribe_cli.reporting.messages import pluralize
from transcribe_cli.text.credentials import without_credentials
from transcribe_cli.text.printable import printable
from transcribe_cli.text.verdicts import VERDICTS, Assessment, Doubt, worst_first

if TYPE_CHECKING:
    from transcribe_cli.batch.status import RecordingStatus

# Places of a reason that are listed; a document may have thousands.
MAX_PLACES = 5
# Sources that are repeated in the command; a shell may have expanded a glob to hundreds.
MAX_SOURCES = 4


def check_command(sources: Sequence[str], config: Config) -> str:
    """The command that lists the transcripts to check of a run with these sources."""
    output_dir = config.settings.output_dir
    words = [
        "transcribe",
        "status",
        "--check",
        *(["--output-dir", str(output_dir)] if output_dir else []),
        *sources[:MAX_SOURCES],
    ]
    return " ".join([*(shlex.quote(without_credentials(word)) for word in words), *(["…"] if len(sources) > MAX_SOURCES else [])])


def check_lines(statuses: Sequence[RecordingStatus]) -> list[str]:
    """Each recording with its reasons and their times; then counts."""
    lines: list[str] = []
    for entry, assessment in worst_first((entry, entry.assessment) for entry in statuses):
        word = "BAD" if assessment.verdict == "bad" else "check"
        lines.append(f"{word:<5}  {printable(entry.job.recording.label)}")
        lines += [f"       {line}" for doubt in assessment.reasons for line in _places(doubt)]
    return [*lines, *([""] if lines else []), *_counts(statuses)]


def check_document(statuses: Sequence[RecordingStatus], shard: str | None) -> dict[str, Any]:
    """The same for programs."""
    return {
        "shard": shard,
        "recordings": [
            _record(entry, assessment) for entry, assessment in worst_first((one, one.assessment) for one in statuses)
        ],
        "totals": verdict_totals(statuses),
        "without_verdict": [entry.job.recording.label for entry in statuses if _lacks_verdict(entry)],
    }


def verdict_totals(statuses: Sequence[RecordingStatus]) -> dict[str, int]:
    """The number of transcripts with each verdict."""
    return {verdict: sum(entry.assessment.verdict == verdict for entry in statuses) for verdict in VERDICTS}


def counts_text(statuses: Sequence[RecordingStatus]) -> str:
    """`37 good, 3 to check, 1 bad`; "" if no transcript has a verdict."""
    totals = verdict_totals(statuses)
    parts = [(totals["good"], "good"), (totals["check"], "to check"), (totals["bad"], "bad")]
    return ", ".join(f"{count:,} {what}" for count, what in parts if count)


def reasons_record(assessment: Assessment) -> list[dict[str, Any]]:
    """The reasons as JSON values."""
    return [asdict(doubt) for doubt in assessment.reasons]


def _record(entry: RecordingStatus, assessment: Assessment) -> dict[str, Any]:
    recording = entry.job.recording
    return {
        "name": recording.name,
        "uri": recording.uri,
        "recording": recording.label,
        "state": entry.state.value,
        "verdict": assessment.verdict,
        "jump_to": assessment.reasons[0].start if assessment.reasons else 0.0,
        "reasons": reasons_record(assessment),
    }


def _places(doubt: Doubt) -> list[str]:
    detail = printable(detail_text(doubt))
    if not doubt.spans:
        return [f"{jump_clock(0.0)}  {detail} (the whole recording)"]
    shown = [f"{span_text(span, jump_clock)}  {detail}" for span in doubt.spans[:MAX_PLACES]]
    more = len(doubt.spans) - len(shown)
    return [*shown, f"and {pluralize(more, 'place')} more"] if more else shown


def _counts(statuses: Sequence[RecordingStatus]) -> list[str]:
    lines = [f"{counts}."] if (counts := counts_text(statuses)) else []
    if without := [entry for entry in statuses if _lacks_verdict(entry)]:
        names = ", ".join(printable(entry.job.recording.label) for entry in without[:3])
        more = f" and {len(without) - 3} more" if len(without) > 3 else ""
        lines.append(f"{len(without)} without a verdict: transcribed by an earlier version, or damaged ({names}{more}).")
    if missing := sum(entry.job.assessment is None for entry in statuses) - _damaged(statuses):
        lines.append(f"{pluralize(missing, 'recording')} without a transcript: see `transcribe status`.")
    return lines or ["No recordings found."]


def _lacks_verdict(entry: RecordingStatus) -> bool:
    """Whether there is a transcript, but no verdict: an earlier version wrote it, or it is damaged."""
    job = entry.job
    if job.assessment is None:
        return job.transcript_version is not None and entry.state.value == "failed"
    return job.assessment.verdict is None


def _damaged(statuses: Sequence[RecordingStatus]) -> int:
    return sum(entry.job.assessment is None and _lacks_verdict(entry) for entry in statuses)
