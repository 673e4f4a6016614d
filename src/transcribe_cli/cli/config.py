"""`transcribe config`: show every value and its origin; write a configuration file; trust one that was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from transcribe_cli.cli.options import with_all_options
from transcribe_cli.cli.session import ConfigFile, Profile, Sources, configure, trust_records
from transcribe_cli.config import Value
from transcribe_cli.errors import UsageError
from transcribe_cli.text.printable import printable

TrustedFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A transcribe.toml, or a profile in the folder profiles next to one.")
]

app = typer.Typer(help="Show the configuration, create a configuration file, or trust one.", no_args_is_help=True)


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
    configured = configure(sources or [], flags, config, profile)
    values = dict(configured.values)
    reasons = {name: f"{entry.file} {entry.reason}" for entry in configured.ignored for name in entry.names}
    for name in reasons:
        values.setdefault(name, Value({}, "default"))  # a table that is not set otherwise
    if as_json:
        typer.echo(json.dumps({name: _record(value, reasons.get(name)) for name, value in values.items()}, indent=1, default=str))
        return
    width = max(map(len, values))
    texts = {key: json.dumps(value.value, ensure_ascii=False, default=str) for key, value in values.items()}
    column = min(40, max(map(len, texts.values())))
    for key, value in values.items():
        ignored = f" (ignored: {reasons[key]})" if key in reasons else ""
        typer.echo(f"{key:<{width}}  {texts[key]:<{column}}  {printable(value.origin + ignored)}")


def _record(value: Value, reason: str | None) -> dict[str, Any]:
    return {"value": value.value, "origin": value.origin, **({"ignored": reason} if reason else {})}


@app.command()
def trust(file: TrustedFile) -> None:
    """Let a configuration file that is found among recordings decide everything, until its content changes.

    Without trust, it sets preferences only: not places, models, keys, backends, overwriting, or higher limits.

    transcribe config trust ./aulas/transcribe.toml
    """
    from transcribe_cli.config.file import absolute, options_with_authority, parse_document
    from transcribe_cli.config.reading import read_content
    from transcribe_cli.sinks.atomic import publish, stage, storage_errors

    path, records = absolute(file), trust_records()
    content = read_content(path)
    names = ", ".join(options_with_authority(parse_document(path, content))) or "nothing that needs trust"
    record = records.path(path)
    with storage_errors(record):
        record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        publish(stage(record.parent, records.record(path, content.data), mode=0o600), record)
    typer.echo(printable(f"Trusted until it changes: {path} ({names})."))


@app.command()
def untrust(file: TrustedFile) -> None:
    """Take back the trust in a configuration file. The file need not exist any more."""
    from transcribe_cli.config.file import absolute

    path = absolute(file)
    record = trust_records().path(path)
    known = record.exists()
    try:
        record.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot remove {record}: {error.strerror}.") from error
    typer.echo(printable(f"{path} is no longer trusted." if known else f"{path} was not trusted."))


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
