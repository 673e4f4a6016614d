"""Shared by commands: common options, configuration, finding recordings, planning, and the ledger."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from platformdirs import user_config_path, user_state_path
from pydantic import SecretStr

from transcribe_cli import __version__, shards
from transcribe_cli.config import FILE_NAME, Config, TrustRecords, load_config
from transcribe_cli.costs.prices import Price, load_prices
from transcribe_cli.errors import UsageError
from transcribe_cli.events import Emit, Notice
from transcribe_cli.ledger import RunFacts, ledger_url
from transcribe_cli.plan import Job, plan
from transcribe_cli.reporting import open_reporter
from transcribe_cli.reporting.ledger_writer import write_to_ledger
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Listings
from transcribe_cli.sources import find_recordings
from transcribe_cli.storage import is_url
from transcribe_cli.text.links import Links

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SOURCE]…",
        help="Files, folders, globs, URLs (s3://, gs://, az://, https://, sftp://), @list.txt, manifests (.jsonl), or - for a list on "
        "standard input. Default: the current folder.",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Configuration file. Default: the nearest transcribe.toml in or above the first source; see `transcribe config trust`.",
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Profile to use: the table profiles.NAME of the configuration file, or profiles/NAME.toml next to it.",
    ),
]
FollowLinks = Annotated[
    bool | None,
    typer.Option(
        "--follow-links/--no-follow-links",
        help="Follow links below a source also where they lead out of it. Only where you trust who put them.",
        show_default=False,
    ),
]


def configure(sources: Sequence[str], flags: Mapping[str, Any], config: Path | None, profile: str | None) -> Config:
    """The configuration for these sources: defaults < the user's own file < the file found or given < profile < environment < flags.

    What is ignored in found files is said on standard error.

    Raises:
        ConfigError, UsageError: a value is invalid; the message names the file, variable or flag.
    """
    first = next((Path(source) for source in sources if not source.startswith(("-", "@")) and not is_url(source)), Path())
    own = user_config_path("transcribe-cli") / FILE_NAME
    configured = load_config(
        flags,
        environ=os.environ,
        start=_nearest_existing(first),
        config=config,
        profile=profile,
        own=own,
        records=trust_records(),
    )
    if configured.ignored:
        with open_reporter(configured.settings, sys.stderr) as report:
            for ignored in configured.ignored:
                report(Notice(ignored.message, "warning"))
    return configured


def trust_records() -> TrustRecords:
    """The user's records of trusted configuration files. `state_dir` does not move them, because a found file could set it."""
    return TrustRecords(user_state_path("transcribe-cli") / "trusted")


def plan_jobs(sources: Sequence[str], config: Config, *, own_formats: bool = False) -> list[Job]:
    """Find the recordings, only those of the shard if one is set, and plan what to do with each.

    With `own_formats`, formats that nobody set are not missed in a transcript that was not rendered to them.

    Links that were not followed are said on standard error.

    Raises:
        SourceNotFound, UsageError: a source does not exist or is invalid; the number of the shard is unknown.
    """
    settings = config.settings.model_copy(update={"shard": shard_of(config)})
    listings, links = Listings(), Links(follow=settings.follow_links)
    recordings = find_recordings(
        sources or ["."],
        include=settings.include,
        exclude=settings.exclude,
        stdin=sys.stdin.buffer if "-" in sources else None,
        storage=settings.storage,
        listings=listings,
        links=links,
    )
    jobs = plan(recordings, config.spec, settings, listings, own_formats=own_formats, say=lambda line: _say(line, settings))
    report_links(links, settings)
    return jobs


def _say(line: str, settings: Settings) -> None:
    with open_reporter(settings, sys.stderr) as report:
        report(Notice(line))


def report_links(links: Links, settings: Settings) -> None:
    """Say on standard error which links were not followed, if there are any."""
    if links.message:
        with open_reporter(settings, sys.stderr) as report:
            report(Notice(links.message, "warning"))


def shard_of(config: Config) -> str | None:
    """The shard as `i/n`; `auto` is read from the environment.

    Raises:
        UsageError: the environment does not define a shard.
    """
    shard = config.settings.shard
    return None if shard is None else shards.resolve_shard(shard, os.environ)


def local_price_per_hour(config: Config) -> Price | None:
    """Price of an hour of this machine; None when not configured.

    Raises:
        ConfigError: the user's price file is invalid.
    """
    return load_prices(config.settings.prices).local_price(config.settings.price_per_hour)


@contextmanager
def write_run_to_ledger(
    sources: Sequence[str], jobs: Sequence[Job], config: Config, emit: Emit, backend: str = "local"
) -> Iterator[Emit]:
    """An `Emit` that passes events on to `emit` and writes them to the ledger, unless the ledger is disabled."""
    settings = config.settings
    if not settings.ledger:
        yield emit
        return
    secrets = [secret.get_secret_value() for secret in dict(settings).values() if isinstance(secret, SecretStr)]
    facts = RunFacts(
        tool=f"transcribe-cli {__version__}",
        backend=backend,
        sources=sources or [str(Path.cwd())],
        spec=config.spec,
        uris={job.recording.label: job.recording.uri for job in jobs},
        secrets=frozenset(filter(None, secrets)),
    )
    url = settings.ledger_url.get_secret_value() if settings.ledger_url else None
    with write_to_ledger(ledger_url(url, settings.state_dir), facts, emit) as emit_and_record:
        yield emit_and_record


def _nearest_existing(path: Path) -> Path:
    """The path or its nearest existing parent: globs and mistyped names do not exist themselves."""
    try:
        path = path.absolute()
    except FileNotFoundError as error:
        raise UsageError("The current folder no longer exists.", "Change to an existing one.") from error
    for candidate in (path, *path.parents):
        try:
            if candidate.exists():
                return candidate
        except OSError as error:
            raise UsageError(f"{path} is not a valid path ({error.strerror}).") from error
    return Path()
