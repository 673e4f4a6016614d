"""Past runs for people and programs: lines, a page of HTML, JSON. Times are shown in this machine's time zone.

What comes from file names and messages is made harmless for a terminal, and escaped for HTML.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from transcribe_cli.reporting.messages import format_cost, format_duration, pluralize
from transcribe_cli.text.printable import printable

if TYPE_CHECKING:
    from transcribe_cli.ledger.history import BackendUsage, FailedJob, Run

_COLUMNS = ("began", "where", "model", "done", "failed", "audio", "took", "RTFx", "cost", "ended")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.3em .6em;text-align:left;border-bottom:1px solid #ddd}"
    "td:nth-child(n+4):nth-child(-n+9){text-align:right;font-variant-numeric:tabular-nums}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}th,td{border-color:#444}}"
)


@dataclass(frozen=True)
class Report:
    """Runs in the order of time, what failed in them, and what they had done at places that may have to be paid."""

    runs: Sequence[Run]
    failed: Sequence[FailedJob]
    paid: Sequence[BackendUsage] = ()

    @property
    def audio_seconds(self) -> float:
        """Of all that was transcribed or diarized."""
        return sum(run.audio_seconds for run in self.runs)

    @property
    def seconds(self) -> float:
        """That these runs took, as far as they came to an end."""
        return sum(run.seconds or 0.0 for run in self.runs)

    @property
    def rtfx(self) -> float | None:
        """Seconds of audio for each second, over all runs."""
        return self.audio_seconds / self.seconds if self.seconds and self.audio_seconds else None

    @property
    def cost(self) -> float | None:
        """USD of the runs that have a price; None when none has."""
        costs = [run.cost for run in self.runs if run.cost is not None]
        return sum(costs) if costs else None

    def record(self) -> dict[str, Any]:
        """As JSON values; times are UTC."""
        return {
            "runs": [
                {**_plain(asdict(run)), "sources": json.loads(run.sources), "rtfx": _rounded(run.rtfx)} for run in self.runs
            ],
            "failed": [_plain(asdict(job)) for job in self.failed],
            "paid": [asdict(place) for place in self.paid],
            "totals": {
                "runs": len(self.runs),
                "transcribed": sum(run.transcribed for run in self.runs),
                "diarized": sum(run.diarized for run in self.runs),
                "failed": sum(run.failed for run in self.runs),
                "audio_seconds": round(self.audio_seconds, 3),
                "seconds": round(self.seconds, 3),
                "rtfx": _rounded(self.rtfx),
                "cost": None if self.cost is None else round(self.cost, 6),
            },
        }


def lines(report: Report) -> Iterator[str]:
    """The report for a terminal."""
    if not report.runs:
        yield "The ledger has no such run. A run that finds everything done is not written down."
        return
    rows = [_COLUMNS, *(_row(run) for run in report.runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield _totals(report)
    yield from _paid(report)
    if report.failed:
        yield ""
        yield f"{pluralize(len(report.failed), 'failure')}:"
        for job in report.failed:
            yield f"  {_local(job.finished_at)}  {printable(job.recording)}  {printable(job.error)}"


def html(report: Report) -> str:
    """The report as a page that needs nothing else."""
    head = "".join(f"<th>{escape(name)}</th>" for name in _COLUMNS)
    body = "".join(_html_row(_row(run)) for run in report.runs)
    failed = "".join(
        _html_row((_local(job.finished_at), printable(job.recording), printable(job.error))) for job in report.failed
    )
    told = f"<h2>Failures</h2><table><tr><th>at</th><th>recording</th><th>why</th></tr>{failed}</table>" if failed else ""
    totals = "<br>".join(map(escape, [_totals(report), *_paid(report)])) if report.runs else "The ledger has no such run."
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>transcribe report</title><style>{_STYLE}</style>'
        f"<h1>Runs</h1><p>{totals}</p><table><tr>{head}</tr>{body}</table>{told}</html>"
    )


def _html_row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _row(run: Run) -> tuple[str, ...]:
    done = run.transcribed + run.diarized + run.rendered
    return (
        _local(run.started_at),
        printable(f"{run.host} {run.device or ''}".strip() if run.backend == "local" else run.backend),
        printable(run.model),
        f"{done} of {done + run.failed + run.not_tried}" if run.finished_at else f"? of {run.recordings}",
        str(run.failed),
        format_duration(run.audio_seconds),
        "" if run.seconds is None else format_duration(run.seconds),
        "" if run.rtfx is None else f"{run.rtfx:.0f}x",
        "" if run.cost is None else format_cost(run.cost),
        _end(run),
    )


def _end(run: Run) -> str:
    if run.finished_at is None:
        return "has not ended, or was killed"
    if run.stopped_by:
        return f"stopped: {printable(run.stopped_by.replace('_', ' '))}"
    return f"exit code {run.exit_code}" if run.exit_code else ""


def _totals(report: Report) -> str:
    parts = [
        pluralize(len(report.runs), "run"),
        f"{format_duration(report.audio_seconds)} of audio in {format_duration(report.seconds)}",
    ]
    if report.rtfx is not None:
        parts[-1] += f" ({report.rtfx:.0f}x real time)"
    if report.cost is not None:
        parts.append(format_cost(report.cost))
    parts.append(f"{sum(run.failed for run in report.runs)} failed")
    return f"{', '.join(parts)}."


def _paid(report: Report) -> Iterator[str]:
    """What was done at each place that may have to be paid, over all runs; a line each."""
    for name in dict.fromkeys((place.backend, place.place or "") for place in report.paid):
        found = [place for place in report.paid if (place.backend, place.place or "") == name]
        attempts, failed = sum(place.attempts for place in found), sum(place.failed for place in found)
        known, unknown = [place.cost for place in found if place.cost is not None], sum(place.of_unknown_cost for place in found)
        parts = [f"{pluralize(attempts, 'attempt')}{f' ({failed} failed)' if failed else ''}"]
        if computing := sum(place.computing or 0.0 for place in found):
            parts.append(f"{format_duration(computing)} of computing")
        parts += [format_cost(sum(known))] if known else []
        parts += [f"{pluralize(unknown, 'attempt')} whose cost is not known"] if unknown else []
        yield f"{printable(' '.join(filter(None, name)))}: {', '.join(parts)}."


def _local(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.replace(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}"


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {key: f"{value.isoformat()}Z" if isinstance(value, datetime) else value for key, value in record.items()}


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 2)
