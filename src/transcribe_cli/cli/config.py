"""`transcribe config`: show every value and its origin; write a configuration file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from transcribe_cli.cli.options import with_all_options
from transcribe_cli.cli.session import ConfigFile, Profile, Sources, configure
from transcribe_cli.errors import UsageError

app = typer.Typer(help="Show the configuration, or create a configuration file.", no_args_is_help=True)


@app.command()
@with_all_options
def show(
    sources: Sources = None,
    config: ConfigFile = None,
    profile: Profile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    **flags: Any,  # noqa: ANN401 - one for each option, see options.py
) -> None:
    """Show the value of every option and where it comes from.

    Origins are flags, environment variables, profiles, files and defaults.

    transcribe config show ./aulas --profile night
    """
    values = configure(sources or [], flags, config, profile).values
    if as_json:
        typer.echo(
            json.dumps(
                {key: {"value": value.value, "origin": value.origin} for key, value in values.items()}, indent=1, default=str
            )
        )
        return
    width = max(map(len, values))
    texts = {key: json.dumps(value.value, ensure_ascii=False, default=str) for key, value in values.items()}
    column = min(40, max(map(len, texts.values())))
    for key, value in values.items():
        typer.echo(f"{key:<{width}}  {texts[key]:<{column}}  {value.origin}")


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder for transcribe.toml.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a transcribe.toml that explains every option and sets it to its default."""
    from transcribe_cli.config import FILE_NAME, template
    from transcribe_cli.sinks import write_atomically

    target = folder / FILE_NAME
    if target.exists() and not force:
        raise UsageError(f"{target} already exists.", "Use --force to replace it.")
    if not folder.is_dir():
        raise UsageError(f"The folder {folder} does not exist.")
    write_atomically(target, template().encode())
    typer.echo(target)
