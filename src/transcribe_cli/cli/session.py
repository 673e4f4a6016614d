"""What `run` and `plan` begin with: configuration, recordings, the plan."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from transcribe_cli import plan as planning
from transcribe_cli import shards
from transcribe_cli import sources as finding
from transcribe_cli.config import Config, load
from transcribe_cli.errors import UsageError
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
    return load(flags, environ=os.environ, start=_existing(first), config=config, profile=profile)


def jobs_for(sources: Sequence[str], config: Config) -> list[planning.Job]:
    """Find the recordings, those of the shard where there is one, and decide what to do with each.

    Raises:
        SourceNotFound, UsageError: a source that is not there or cannot be meant; a shard that nobody gave a number to.
    """
    settings = config.settings.model_copy(update={"shard": shard_of(config)})
    recordings = finding.find(
        sources or ["."],
        include=settings.include,
        exclude=settings.exclude,
        stdin=sys.stdin.buffer if "-" in sources else None,
        storage=settings.storage,
    )
    return planning.plan(recordings, config.spec, settings)


def shard_of(config: Config) -> str | None:
    """The shard as `i/n`; `auto` is looked up in the environment.

    Raises:
        UsageError: the environment does not say.
    """
    shard = config.settings.shard
    return None if shard is None else shards.resolved(shard, os.environ)


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
