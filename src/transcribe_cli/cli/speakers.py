"""`transcribe speakers`: enroll voices, so that runs with --diarize know whose they are."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transcribe_cli.cli.session import ConfigFile, Profile, configure
from transcribe_cli.reporting.messages import format_duration, pluralize
from transcribe_cli.settings import Settings
from transcribe_cli.text.printable import printable

if TYPE_CHECKING:
    from transcribe_cli.speakers.voices.library import Voice

StateDir = Annotated[
    str | None, typer.Option("--state-dir", metavar="PATH", help="Where voices are kept, if not in the user's state folder.")
]
COLUMNS = ("name", "diarizer", "samples", "speech", "enrolled", "from")

app = typer.Typer(help="Enroll voices, so that runs with --diarize name them.", no_args_is_help=True)


@app.command()
def enroll(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose voice it is.", show_default=False)],
    where: Annotated[
        str,
        typer.Argument(
            metavar="FILE[@START-END]", help="Where that person speaks alone: 12.5-40, 1:02-1:34, 1:02:03-.", show_default=False
        ),
    ],
    diarize_model: Annotated[
        str | None, typer.Option("--diarize-model", metavar="TEXT", help="The diarizer that runs will use.")
    ] = None,
    one_voice: Annotated[
        bool, typer.Option("--one-voice", help="Only one person speaks there, whatever the diarizer hears.")
    ] = False,
    device: Annotated[str | None, typer.Option("--device", metavar="TEXT", help="auto, cpu or cuda.")] = None,
    model_dir: Annotated[
        str | None, typer.Option("--model-dir", metavar="PATH", help="Where models are cached, if not in the usual place.")
    ] = None,
    state_dir: StateDir = None,
    config: ConfigFile = None,
    profile: Profile = None,
) -> None:
    """Learn a voice from a recording in which that person speaks alone; again with the same name adds a sample.

    transcribe speakers enroll "Ana Souza" aula.mp3@1:02-1:34

    What is not said here comes from transcribe.toml and TRANSCRIBE_… variables, as for `run`.
    """
    from transcribe_cli.batch.enrollment import enroll as learned  # brings NumPy, which `--help` need not wait for
    from transcribe_cli.reporting import listening

    flags = {"diarize_model": diarize_model, "device": device, "model_dir": model_dir, "state_dir": state_dir}
    configured = configure([where.rpartition("@")[0] or where], flags, config, profile)
    settings, model = configured.settings, configured.spec.diarize_model
    with listening(settings, sys.stderr) as emit:
        done = learned(name, where, model, settings, emit, one_voice=one_voice)
    voice = done.voice
    heard = f"{format_duration(voice.samples[-1].seconds)} of speech in {voice.samples[-1].source}, heard by {model}"
    if len(voice.samples) == 1:
        typer.echo(printable(f"enrolled  {voice.name}  {heard}"), err=True)
    else:
        total = f"now {len(voice.samples)} samples, {format_duration(voice.seconds)} of speech"
        typer.echo(printable(f"added     {voice.name}  {heard}; {total}"), err=True)
    if done.similar_voice is not None:
        like, similarity = done.similar_voice.name, done.similar_voice.similarity
        warning = f"Warning: {voice.name} sounds like {like} ({similarity:.2f}): runs may be in doubt between them."
        typer.echo(printable(warning), err=True)


@app.command("list")
def list_voices(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    state_dir: StateDir = None,
    config: ConfigFile = None,
    profile: Profile = None,
) -> None:
    """The enrolled voices: a table in a terminal, otherwise a line each with tabs between the columns."""
    from transcribe_cli.speakers.voices.library import Library

    library = Library(_settings(state_dir, config, profile).state_dir)
    voices = library.voices()
    if as_json:
        document = {"folder": str(library.folder), "voices": [voice.model_dump(mode="json") for voice in voices]}
        typer.echo(json.dumps(document, indent=1))
    elif not voices:
        typer.echo("No voice is enrolled. `transcribe speakers enroll NAME FILE@START-END` learns one.", err=True)
    elif sys.stdout.isatty():
        _table([_cells(voice) for voice in voices])
    else:
        for voice in voices:
            typer.echo("\t".join(_cells(voice)))


@app.command()
def forget(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose voice.", show_default=False)],
    state_dir: StateDir = None,
    config: ConfigFile = None,
    profile: Profile = None,
) -> None:
    """Remove a voice and its embeddings. Transcripts that have the name keep it."""
    from transcribe_cli.speakers.voices.library import Library

    gone = Library(_settings(state_dir, config, profile).state_dir).forget(name)
    samples = pluralize(sum(len(voice.samples) for voice in gone), "sample")
    typer.echo(printable(f"forgotten {gone[0].name}  {samples}"), err=True)


def _settings(state_dir: str | None, config: Path | None, profile: str | None) -> Settings:
    return configure([], {"state_dir": state_dir}, config, profile).settings


def _cells(voice: Voice) -> list[str]:
    """As `COLUMNS` has them."""
    sources = ", ".join(dict.fromkeys(sample.source for sample in voice.samples))
    enrolled = max(sample.enrolled for sample in voice.samples)
    cells = (
        voice.name,
        voice.diarize_model,
        len(voice.samples),
        format_duration(voice.seconds),
        enrolled.strftime("%Y-%m-%d"),
        sources,
    )
    return [printable(str(cell)) for cell in cells]


def _table(rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
