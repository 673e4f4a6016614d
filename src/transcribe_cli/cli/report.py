"""`transcribe report`: show past runs from the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transcribe_cli.cli.session import ConfigFile, Profile, configure
from transcribe_cli.errors import UsageError
from transcribe_cli.ledger import ledger_exists, ledger_url

if TYPE_CHECKING:
    from transcribe_cli.reporting.report import Report

DEFAULT_LAST = 20


def report(
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Only runs since a date (2026-11-01), or in the last days (7d).")
    ] = None,
    last: Annotated[
        int | None,
        typer.Option("--last", metavar="N", min=1, help=f"Only the last N runs. Default: {DEFAULT_LAST}, or all with --since."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="One HTML page on standard output, without scripts or images.")] = False,
    config: ConfigFile = None,
    profile: Profile = None,
    state_dir: Annotated[Path | None, typer.Option("--state-dir", metavar="PATH", help="Folder of ledger.db.")] = None,
    url: Annotated[
        str | None, typer.Option("--ledger-url", metavar="SECRET", help="Another ledger, as an SQLAlchemy URL.")
    ] = None,
) -> None:
    """Show past runs with their audio, speed, cost, failures, and doubtful transcripts.

    Reads the ledger on this machine, or a shared one.

    transcribe report --since 7d

    transcribe report --html > report.html
    """
    from transcribe_cli.reporting.report import html, lines

    if as_json and as_html:
        raise UsageError("--json and --html cannot be combined.", "Run the command twice.")
    begin = None if since is None else _parse_since(since)
    past_runs = _read(_url(config, profile, state_dir, url), begin, last or (None if since else DEFAULT_LAST))
    if as_json:
        typer.echo(json.dumps(past_runs.record(), indent=1))
    elif as_html:
        typer.echo(html(past_runs))
    else:
        for line in lines(past_runs):
            typer.echo(line)


def _url(config: Path | None, profile: str | None, state_dir: Path | None, url: str | None) -> str:
    settings = configure([], {"state_dir": state_dir, "ledger_url": url}, config, profile).settings
    return ledger_url(settings.ledger_url.get_secret_value() if settings.ledger_url else None, settings.state_dir)


def _read(url: str, since: datetime | None, last: int | None) -> Report:
    from transcribe_cli.reporting.report import Report

    if not ledger_exists(url):
        return Report((), ())
    from transcribe_cli.ledger.database import Database  # imports SQLAlchemy
    from transcribe_cli.ledger.history import backend_usage, doubtful_jobs, failed_jobs, runs
    from transcribe_cli.ledger.rows import describe

    with Database(url).read_connection() as connection:
        if connection is None:
            return Report((), ())
        damaged: list[str] = []
        past_runs = runs(connection, since, last, damaged)
        failed, paid = failed_jobs(connection, past_runs, damaged), backend_usage(connection, past_runs, damaged)
        return Report(past_runs, failed, paid, doubtful_jobs(connection, past_runs, damaged), describe(damaged))


def _parse_since(text: str) -> datetime:
    """A local date, or a number of days ago.

    Raises:
        UsageError: the text is neither.
    """
    try:
        if text.endswith("d"):
            return datetime.now(UTC) - timedelta(days=float(text[:-1]))
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since {text!r} is not valid.", "Use a date such as 2026-11-01, or a number of days such as 7d."
        ) from None
