"""What `run` and `plan` begin with: configuration, recordings, the plan."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from transcribe_cli import __version__, shards
from transcribe_cli import plan as planning
from transcribe_cli import sources as finding
from transcribe_cli.config import Config, load_config
from transcribe_cli.costs.prices import Price, load_prices
from transcribe_cli.errors import UsageError
from transcribe_cli.events import Emit
from transcribe_cli.ledger import RunFacts, ledger_url
from transcribe_cli.reporting.ledger_writer import write_to_ledger
from transcribe_cli.sinks import Listings
from transcribe_cli.storage import is_url

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
    typer.Option("--config", metavar="FILE", help="Instead of the transcribe.toml found upwards from the first source."),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="A profile: the table profiles.NAME of the configuration file, or profiles/NAME.toml beside it.",
    ),
]


def configure(sources: Sequence[str], flags: Mapping[str, Any], config: Path | None, profile: str | None) -> Config:
    """The configuration for these sources: defaults < file < profile < environment < flags.

    Raises:
        ConfigError, UsageError: one line that names the file, variable or flag.
    """
    first = next((Path(source) for source in sources if not source.startswith(("-", "@")) and not is_url(source)), Path())
    return load_config(flags, environ=os.environ, start=_existing(first), config=config, profile=profile)


def jobs_for(sources: Sequence[str], config: Config) -> list[planning.Job]:
    """Find the recordings, those of the shard where there is one, and decide what to do with each.

    Raises:
        SourceNotFound, UsageError: a source that is not there or cannot be meant; a shard that nobody gave a number to.
    """
    settings = config.settings.model_copy(update={"shard": shard_of(config)})
    listings = Listings()
    recordings = finding.find_recordings(
        sources or ["."],
        include=settings.include,
        exclude=settings.exclude,
        stdin=sys.stdin.buffer if "-" in sources else None,
        storage=settings.storage,
        listings=listings,
    )
    return planning.plan(recordings, config.spec, settings, listings)


def shard_of(config: Config) -> str | None:
    """The shard as `i/n`; `auto` is looked up in the environment.

    Raises:
        UsageError: the environment does not say.
    """
    shard = config.settings.shard
    return None if shard is None else shards.resolve_shard(shard, os.environ)


def price_here(config: Config) -> Price | None:
    """What an hour of this machine costs; None when nobody said.

    Raises:
        ConfigError: the user's file of prices cannot be meant.
    """
    return load_prices(config.settings.prices).local_price(config.settings.price_per_hour)


@contextmanager
def write_run_to_ledger(
    sources: Sequence[str], jobs: Sequence[planning.Job], config: Config, emit: Emit, backend: str = "local"
) -> Iterator[Emit]:
    """What tells `emit` and writes into the ledger, unless the settings want none."""
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
    with write_to_ledger(ledger_url(url, settings.state_dir), facts, emit) as both:
        yield both


def _existing(path: Path) -> Path:
    """The nearest folder or file above a source that exists: globs and mistyped names have none of their own."""
    try:
        path = path.absolute()
    except FileNotFoundError as error:
        raise UsageError("The current folder is not there any more.", "Change to one that is.") from error
    for candidate in (path, *path.parents):
        try:
            if candidate.exists():
                return candidate
        except OSError as error:
            raise UsageError(f"{path} cannot be a path ({error.strerror}).") from error
    return Path()
