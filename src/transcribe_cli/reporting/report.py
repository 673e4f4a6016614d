"""The report of past runs as text, HTML and JSON. Text and HTML show times in the local time zone.

File names and messages are escaped for terminals and HTML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import FailFast, TypeAdapter, ValidationError

from transcribe_cli.reporting.messages import doubt_text, format_cost, format_duration, pluralize
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.printable import printable
from transcribe_cli.text.verdicts import Assessment, Doubt, Verdict

if TYPE_CHECKING:
    from transcribe_cli.ledger.history import BackendUsage, DoubtfulJob, FailedJob, Run

_COLUMNS = ("started", "where", "model", "done", "to check", "failed", "audio", "time", "RTFx", "cost", "ended")
_DOUBTS = TypeAdapter(Annotated[tuple[Doubt, ...], FailFast()])
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.3em .6em;text-align:left;border-bottom:1px solid #ddd}"
    "td:nth-child(n+4):nth-child(-n+10){text-align:right;font-variant-numeric:tabular-nums}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}th,td{border-color:#444}}"
)


@dataclass(frozen=True)
class Report:
    """Runs in chronological order, their failed recordings, their use of backends that may be billed, and the doubtful transcripts.

    `damaged` is a line about rows of the ledger that were left out, or "".
    """

    runs: Sequence[Run]
    failed: Sequence[FailedJob]
    paid: Sequence[BackendUsage] = ()
    doubtful: Sequence[DoubtfulJob] = ()
    damaged: str = ""

    @property
    def to_check(self) -> list[DoubtfulJob]:
        """The latest verdict on each recording, if it is doubtful."""
        return [job for job in self.doubtful if not job.superseded]

    def verdicts(self, run_id: str | None = None) -> dict[str, int]:
        """The number of doubtful transcripts by verdict: those that one run found, or those that are doubtful after all runs."""
        if run_id is None:
            found = Counter(job.verdict for job in self.to_check)
            return {"check": found["check"], "bad": found["bad"]}
        return {verdict: self._by_run[run_id, verdict] for verdict in ("check", "bad")}

    @cached_property
    def _by_run(self) -> Counter[tuple[str, str]]:
        return Counter((job.run_id, job.verdict) for job in self.doubtful)

    @property
    def audio_seconds(self) -> float:
        """Seconds of audio that were transcribed or diarized."""
        return sum(run.audio_seconds for run in self.runs)

    @property
    def seconds(self) -> float:
        """Duration of all runs that have ended."""
        return sum(run.seconds or 0.0 for run in self.runs)

    @property
    def rtfx(self) -> float | None:
        """Seconds of audio for each second of run time."""
        return self.audio_seconds / self.seconds if self.seconds >= 0.001 and self.audio_seconds else None

    @property
    def cost(self) -> float | None:
        """Cost in USD of the runs with a price; None when there are none."""
        costs = [run.cost for run in self.runs if run.cost is not None]
        return sum(costs) if costs else None

    def record(self) -> dict[str, Any]:
        """The report as JSON values; times in UTC."""
        return {
            "runs": [
                {
                    **_json_values(asdict(run)),
                    "sources": _sources(run.sources),
                    "rtfx": _rounded(run.rtfx),
                    "verdicts": self.verdicts(run.id),
                }
                for run in self.runs
            ],
            "failed": [_json_values(asdict(job)) for job in self.failed],
            "doubtful": [
                {**_json_values(asdict(job)), "reasons": [asdict(doubt) for doubt in _reasons(job)]} for job in self.doubtful
            ],
            "paid": [asdict(usage) for usage in self.paid],
            "damaged": self.damaged or None,
            "totals": {
                "runs": len(self.runs),
                "transcribed": sum(run.transcribed for run in self.runs),
                "diarized": sum(run.diarized for run in self.runs),
                "failed": sum(run.failed for run in self.runs),
                "verdicts": self.verdicts(),
                "audio_seconds": round(self.audio_seconds, 3),
                "seconds": round(self.seconds, 3),
                "rtfx": _rounded(self.rtfx),
                "cost": None if self.cost is None else round(self.cost, 6),
            },
        }


def lines(report: Report) -> Iterator[str]:
    """The report as text for a terminal."""
    if not report.runs:
        yield "The ledger has no matching runs. Runs with nothing to do are not recorded."
        yield from filter(None, [report.damaged])
        return
    rows = [_COLUMNS, *(_row(run, report.verdicts(run.id)) for run in report.runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield _totals(report)
    yield from _paid(report)
    yield from filter(None, [report.damaged])
    if report.failed:
        yield ""
        yield f"{pluralize(len(report.failed), 'failure')}:"
        for job in report.failed:
            yield f"  {_local(job.finished_at)}  {printable(job.recording)}  {printable(job.error)}"
    if report.to_check:
        yield ""
        yield f"{_to_check(report.verdicts())}:"
        for doubtful in report.to_check:
            yield f"  {_local(doubtful.finished_at)}  {printable(doubtful.recording)}  {_doubt(doubtful)}"


def html(report: Report) -> str:
    """The report as a self-contained page."""
    head = "".join(f"<th>{escape(name)}</th>" for name in _COLUMNS)
    body = "".join(_html_row(_row(run, report.verdicts(run.id))) for run in report.runs)
    failed = "".join(
        _html_row((_local(job.finished_at), printable(job.recording), printable(job.error))) for job in report.failed
    )
    failures = f"<h2>Failures</h2><table><tr><th>time</th><th>recording</th><th>error</th></tr>{failed}</table>" if failed else ""
    checked = "".join(_html_row((_local(job.finished_at), printable(job.recording), _doubt(job))) for job in report.to_check)
    doubts = (
        f"<h2>To check</h2><table><tr><th>time</th><th>recording</th><th>reasons</th></tr>{checked}</table>" if checked else ""
    )
    summary = [_totals(report), *_paid(report)] if report.runs else ["The ledger has no matching runs."]
    totals = "<br>".join(map(escape, filter(None, [*summary, report.damaged])))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>transcribe report</title><style>{_STYLE}</style>'
        f"<h1>Runs</h1><p>{totals}</p><table><tr>{head}</tr>{body}</table>{doubts}{failures}</html>"
    )


def _html_row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _row(run: Run, verdicts: Mapping[str, int]) -> tuple[str, ...]:
    done = run.transcribed + run.diarized + run.rendered
    return (
        _local(run.started_at),
        printable(f"{run.host} {run.device or ''}".strip() if run.backend == "local" else run.backend),
        printable(run.model),
        f"{done} of {done + run.failed + run.not_tried}" if run.finished_at else f"? of {run.recordings}",
        _counts(verdicts),
        str(run.failed),
        format_duration(run.audio_seconds),
        "" if run.seconds is None else format_duration(run.seconds),
        "" if run.rtfx is None else f"{run.rtfx:.0f}x",
        "" if run.cost is None else format_cost(run.cost),
        _end(run),
    )


def _end(run: Run) -> str:
    if run.finished_at is None:
        return "still running, or killed"
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
    if report.to_check:
        parts.append(_to_check(report.verdicts()))
    return f"{', '.join(parts)}."


def _counts(verdicts: Mapping[str, int]) -> str:
    """`0`, `3`, `1 bad`, or `3, 1 bad`."""
    counts = ((verdicts["check"], ""), (verdicts["bad"], " bad"))
    return ", ".join(f"{count}{what}" for count, what in counts if count) or "0"


def _to_check(verdicts: Mapping[str, int]) -> str:
    counts = ((verdicts["check"], "to check"), (verdicts["bad"], "bad"))
    return ", ".join(f"{count} {what}" for count, what in counts if count)


def _doubt(job: DoubtfulJob) -> str:
    verdict: Verdict = "bad" if job.verdict == "bad" else "check"
    return printable(doubt_text(Assessment(verdict, _reasons(job))))


def _reasons(job: DoubtfulJob) -> tuple[Doubt, ...]:
    """The reasons in the ledger; () if somebody changed them."""
    try:
        return _DOUBTS.validate_json(job.reasons or "[]")
    except ValidationError:
        return ()


def _paid(report: Report) -> Iterator[str]:
    """A line for each backend that may be billed, over all runs."""
    for name in dict.fromkeys((usage.backend, usage.place or "") for usage in report.paid):
        usages = [usage for usage in report.paid if (usage.backend, usage.place or "") == name]
        attempts, failed = sum(usage.attempts for usage in usages), sum(usage.failed for usage in usages)
        known = [usage.cost for usage in usages if usage.cost is not None]
        unknown = sum(usage.of_unknown_cost for usage in usages)
        parts = [f"{pluralize(attempts, 'attempt')}{f' ({failed} failed)' if failed else ''}"]
        if computing := sum(usage.computing or 0.0 for usage in usages):
            parts.append(f"{format_duration(computing)} of compute time")
        parts += [format_cost(sum(known))] if known else []
        parts += [f"{pluralize(unknown, 'attempt')} of unknown cost"] if unknown else []
        yield f"{printable(' '.join(filter(None, name)))}: {', '.join(parts)}."


def _local(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.replace(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}"


def _json_values(record: dict[str, Any]) -> dict[str, Any]:
    return {key: f"{value.isoformat()}Z" if isinstance(value, datetime) else value for key, value in record.items()}


def _sources(text: str) -> list[str]:
    """The sources of a run; the text itself if it is not what a run wrote."""
    try:
        sources = parse_json(text)
    except ValueError:
        return [text]
    return sources if isinstance(sources, list) and all(isinstance(source, str) for source in sources) else [text]


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 2)
