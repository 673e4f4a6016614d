"""`transcribe render`: other formats from transcripts that exist, without a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from transcribe_cli.batch.rendering import check_labels, find_transcripts
from transcribe_cli.cli.options import with_options
from transcribe_cli.cli.session import ConfigFile, Profile, Sources, configure
from transcribe_cli.errors import RecordingError, TranscribeError, UsageError
from transcribe_cli.formats import BINARY_FORMATS, check_formats, render_bytes
from transcribe_cli.formats.speaker_names import OPTION, parse_names
from transcribe_cli.registry import FORMATS
from transcribe_cli.spec import as_tuple
from transcribe_cli.storage import is_url, parse_path
from transcribe_cli.text.printable import printable

SpeakerNames = Annotated[
    list[str] | None,
    typer.Option(
        OPTION,
        metavar="LABEL=NAME,…",
        help="What speakers are called, from now on; an empty name brings the label back. "
        'The same as SPEAKER_00 = "Ana" in speakers.toml or aula.speakers.toml next to the recording.',
    ),
]


@with_options("Subtitles")
def render(
    sources: Sources = None,
    output_format: Annotated[
        list[str] | None, typer.Option("-f", "--output-format", metavar="TEXT,…", help=f"Of {', '.join(FORMATS.names())}, all.")
    ] = None,
    output_dir: Annotated[
        str | None,
        typer.Option(
            "-o", "--output-dir", metavar="PATH", help="Write here, a folder or a URL, mirroring the tree; - is standard output."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that were edited or that this tool did not write.")
    ] = False,
    config: ConfigFile = None,
    profile: Profile = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only errors.")] = False,
    speaker_names: SpeakerNames = None,
    **flags: Any,  # noqa: ANN401 - one for each option of subtitles, see options.py
) -> int:
    """Write other formats from transcripts that exist: JSON files, or whole trees of them. Needs no model and no recording.

    transcribe render ./aulas -f txt,tsv

    transcribe render ./aulas -f srt --subtitles bbc

    transcribe render aula.json --speaker-names SPEAKER_00=Ana,SPEAKER_01=Rui

    transcribe render aula.json -f srt -o - | less
    """
    formats = _formats(output_format or ["srt", "vtt"])
    check_formats(formats)
    if output_dir == "-" and sys.stdout.isatty() and (binary := BINARY_FORMATS.intersection(formats)):
        raise UsageError(f"{', '.join(binary)} is no text for a terminal.", "Redirect it, as in `-o - > aula.docx`.")
    settings = configure(sources or [], flags, config, profile).settings
    called = parse_names(speaker_names or [])
    target = parse_path(_folder(output_dir), settings.storage)
    found = list(find_transcripts(sources or ["."], settings.storage))
    if not found:
        raise UsageError(
            "No transcripts of this tool there.", "Name a JSON file that `transcribe run` wrote, or a folder of them."
        )
    check_labels(called, found)
    failed = 0
    for transcript in found:
        try:
            if output_dir == "-":
                document = transcript.with_speaker_names(called)
                data = b"".join(render_bytes(name, document, settings.subtitle_style) for name in formats)
                typer.echo(data, nl=False)  # the bytes of the file, whatever the locale
                continue
            names = transcript.write(formats, target, called, overwrite=overwrite, subtitles=settings.subtitle_style)
        except TranscribeError as error:
            failed += 1
            typer.echo(f"FAILED    {printable(transcript.path.name)}  {printable(str(error))}", err=True)
            continue
        if not quiet:
            typer.echo(f"rendered  {', '.join(printable(name) for name in names)}", err=True)
    return RecordingError.exit_code if failed else 0


def _folder(named: str | None) -> Path | str | None:
    """A path or URL; None for the folders of the transcripts, and for standard output."""
    return named if named is None or is_url(named) else None if named == "-" else Path(named)


def _formats(asked: list[str]) -> tuple[str, ...]:
    names = as_tuple(",".join(asked))
    if not isinstance(names, tuple):
        raise UsageError("No output format was named.")
    return FORMATS.installed() if "all" in names else tuple(FORMATS.check(name) for name in names)
