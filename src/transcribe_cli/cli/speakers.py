"""`transcribe speakers`: enroll voices, so that runs with --diarize can name speakers."""

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
    str | None,
    typer.Option("--state-dir", metavar="PATH", help="Folder where voices are stored. Default: the user's state folder."),
]
COLUMNS = ("name", "diarizer", "samples", "speech", "enrolled", "from")

app = typer.Typer(help="Enroll voices, so that runs with --diarize can name speakers.", no_args_is_help=True)


@app.command()
def enroll(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the person.", show_default=False)],
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE[@START-END]",
            help="Recording, or a part of it, where only this person speaks: 12.5-40, 1:02-1:34, 1:02:03-.",
            show_default=False,
        ),
    ],
    diarize_model: Annotated[
        str | None, typer.Option("--diarize-model", metavar="TEXT", help="The diarizer used in runs.")
    ] = None,
    one_voice: Annotated[
        bool, typer.Option("--one-voice", help="Treat all speech as one person, even if the diarizer finds several.")
    ] = False,
    device: Annotated[str | None, typer.Option("--device", metavar="TEXT", help="auto, cpu or cuda.")] = None,
    model_dir: Annotated[
        str | None,
        typer.Option("--model-dir", metavar="PATH", help="Folder of the model cache. Default: the Hugging Face cache."),
    ] = None,
    state_dir: StateDir = None,
    config: ConfigFile = None,
    profile: Profile = None,
) -> None:
    """Enroll a voice from a recording where only this person speaks.

    Running it again with the same name adds a sample.

    transcribe speakers enroll "Ana Souza" aula.mp3@1:02-1:34

    Other settings come from transcribe.toml and TRANSCRIBE_… variables, as in `run`.
    """
    from transcribe_cli.batch.enrollment import enroll as enroll_voice  # imports NumPy, which `--help` does not need
    from transcribe_cli.reporting import open_reporter

    flags = {"diarize_model": diarize_model, "device": device, "model_dir": model_dir, "state_dir": state_dir}
    configured = configure([source.rpartition("@")[0] or source], flags, config, profile)
    settings, model = configured.settings, configured.spec.diarize_model
    with open_reporter(settings, sys.stderr) as emit:
        enrolled = enroll_voice(name, source, model, settings, emit, one_voice=one_voice)
    voice = enrolled.voice
    _print_enrolled(voice, model)
    if enrolled.similar_voice is not None:
        like, similarity = enrolled.similar_voice.name, enrolled.similar_voice.similarity
        warning = f"Warning: {voice.name} sounds like {like} ({similarity:.2f}). Runs may not be able to distinguish them."
        typer.echo(printable(warning), err=True)


def _print_enrolled(voice: Voice, model: str) -> None:
    sample = f"{format_duration(voice.samples[-1].seconds)} of speech in {voice.samples[-1].source}, diarizer {model}"
    if len(voice.samples) == 1:
        typer.echo(printable(f"enrolled  {voice.name}  {sample}"), err=True)
    else:
        total = f"now {len(voice.samples)} samples, {format_duration(voice.seconds)} of speech"
        typer.echo(printable(f"added     {voice.name}  {sample}; {total}"), err=True)


@app.command("list")
def list_voices(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    state_dir: StateDir = None,
    config: ConfigFile = None,
    profile: Profile = None,
) -> None:
    """List the enrolled voices.

    Prints a table in a terminal, otherwise one line each with tabs between the columns.
    """
    from transcribe_cli.speakers.voices.library import Library

    library = Library(_settings(state_dir, config, profile).state_dir)
    voices = library.voices()
    if as_json:
        document = {"folder": str(library.folder), "voices": [voice.model_dump(mode="json") for voice in voices]}
        typer.echo(json.dumps(document, indent=1))
    elif not voices:
        typer.echo("No voices are enrolled. Enroll one with `transcribe speakers enroll NAME FILE@START-END`.", err=True)
    elif sys.stdout.isatty():
        _print_table([_cells(voice) for voice in voices])
    else:
        for voice in voices:
            typer.echo("\t".join(_cells(voice)))


@app.command()
def forget(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the person.", show_default=False)],
    state_dir: StateDir = None,
    config: ConfigFile = None,
    profile: Profile = None,
) -> None:
    """Remove a voice and its embeddings.

    Names in existing transcripts stay.
    """
    from transcribe_cli.speakers.voices.library import Library

    removed = Library(_settings(state_dir, config, profile).state_dir).forget(name)
    samples = pluralize(sum(len(voice.samples) for voice in removed), "sample")
    typer.echo(printable(f"removed   {removed[0].name}  {samples}"), err=True)


def _settings(state_dir: str | None, config: Path | None, profile: str | None) -> Settings:
    return configure([], {"state_dir": state_dir}, config, profile).settings


def _cells(voice: Voice) -> list[str]:
    """The cells of a voice, in the order of `COLUMNS`."""
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


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
