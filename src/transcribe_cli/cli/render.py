"""`transcribe render`: write other formats from existing transcripts, without a model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from transcribe_cli.batch.rendering import TranscriptFile, check_labels, find_transcripts
from transcribe_cli.cli.options import with_options
from transcribe_cli.cli.session import ConfigFile, FollowLinks, Profile, Sources, configure, report_links
from transcribe_cli.errors import RecordingError, TranscribeError, UsageError
from transcribe_cli.formats import BINARY_FORMATS, check_formats, render_bytes
from transcribe_cli.formats.speaker_names import OPTION, parse_names
from transcribe_cli.registry import FORMATS
from transcribe_cli.spec import as_tuple
from transcribe_cli.storage import is_url, parse_path
from transcribe_cli.text.links import Links
from transcribe_cli.text.printable import printable

OutputFormats = Annotated[
    list[str] | None,
    typer.Option(
        "-f", "--output-format", metavar="TEXT,…", help=f"Any of {', '.join(FORMATS.names())}, or all. Default: srt,vtt."
    ),
]
OutputDir = Annotated[
    str | None,
    typer.Option(
        "-o", "--output-dir", metavar="PATH", help="Folder or URL to write to, with the same subfolders; - is standard output."
    ),
]
SpeakerNames = Annotated[
    list[str] | None,
    typer.Option(
        OPTION,
        metavar="LABEL=NAME,…",
        help="Names of speakers, stored in the transcript; an empty name restores the label. "
        'The same as SPEAKER_00 = "Ana" in speakers.toml or aula.speakers.toml next to the recording.',
    ),
]


@with_options("Subtitles")
def render(
    sources: Sources = None,
    output_format: OutputFormats = None,
    output_dir: OutputDir = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also replace files that this tool did not write.")] = False,
    replace_corrected: Annotated[
        bool, typer.Option("--replace-corrected", help="Also replace files that people corrected: their corrections are lost.")
    ] = False,
    follow_links: FollowLinks = None,
    config: ConfigFile = None,
    profile: Profile = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only errors.")] = False,
    speaker_names: SpeakerNames = None,
    **flags: Any,  # noqa: ANN401 - one for each option of subtitles, see options.py
) -> int:
    """Write other formats from existing transcripts.

    Sources are JSON files, or folders of them. Needs no model and no recording.

    transcribe render ./aulas -f txt,tsv

    transcribe render ./aulas -f srt --subtitles bbc

    transcribe render aula.json --speaker-names SPEAKER_00=Ana,SPEAKER_01=Rui

    transcribe render aula.json -f srt -o - | less
    """
    formats = _formats(output_format or ["srt", "vtt"], output_dir)
    settings = configure(
        sources or [], {**flags, "follow_links": follow_links, "replace_corrected": replace_corrected or None}, config, profile
    ).settings
    links = Links(follow=settings.follow_links)
    names_by_label = parse_names(speaker_names or [])
    target = parse_path(_folder(output_dir), settings.storage)
    transcripts = list(find_transcripts(sources or ["."], settings.storage, links))
    report_links(links, settings)
    if not transcripts:
        raise UsageError(
            "No transcripts of this tool found.", "Give a JSON file written by `transcribe run`, or a folder of them."
        )
    check_labels(names_by_label, transcripts)

    def render_one(transcript: TranscriptFile) -> None:
        if output_dir == "-":
            document = transcript.with_speaker_names(names_by_label)
            data = b"".join(render_bytes(name, document, settings.subtitle_style) for name in formats)
            typer.echo(data, nl=False)  # the bytes of the file, independent of the locale
            return
        written = transcript.write(
            formats,
            target,
            names_by_label,
            overwrite=overwrite,
            replace_corrected=settings.replace_corrected,
            subtitles=settings.subtitle_style,
        )
        if not quiet:
            typer.echo(f"rendered  {', '.join(printable(name) for name in written)}", err=True)

    return _for_each(transcripts, render_one)


def _for_each(transcripts: Sequence[TranscriptFile], render_one: Callable[[TranscriptFile], None]) -> int:
    """Render each transcript; failures are printed and counted. The exit code."""
    failed = 0
    for transcript in transcripts:
        try:
            render_one(transcript)
        except TranscribeError as error:
            failed += 1
            typer.echo(f"FAILED    {printable(transcript.path.name)}  {printable(str(error))}", err=True)
    return RecordingError.exit_code if failed else 0


def _folder(output_dir: str | None) -> Path | str | None:
    """A path or URL; None for the folders of the transcripts and for standard output."""
    return output_dir if output_dir is None or is_url(output_dir) else None if output_dir == "-" else Path(output_dir)


def _formats(requested: list[str], output_dir: str | None) -> tuple[str, ...]:
    """The requested formats.

    Raises:
        UsageError: a name is unknown, or a binary format would be printed to a terminal.
        MissingExtra: a format needs an optional dependency.
    """
    names = as_tuple(",".join(requested))
    if not isinstance(names, tuple):
        raise UsageError("No output format was given.")
    formats = FORMATS.installed() if "all" in names else tuple(FORMATS.check(name) for name in names)
    check_formats(formats)
    if output_dir == "-" and sys.stdout.isatty() and (binary := BINARY_FORMATS.intersection(formats)):
        raise UsageError(
            f"{', '.join(binary)} cannot be printed to a terminal.", "Redirect the output, as in `-o - > aula.docx`."
        )
    return formats
