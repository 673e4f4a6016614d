"""`transcribe correct`: take corrections made in subtitles or text back into the transcript."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from transcribe_cli.batch.correcting import Correcting, Result
from transcribe_cli.batch.rendering import TranscriptFile, find_transcripts
from transcribe_cli.cli.options import with_options
from transcribe_cli.cli.session import ConfigFile, FollowLinks, Profile, Sources, configure, report_links
from transcribe_cli.errors import RecordingError, TranscribeError, UsageError
from transcribe_cli.formats.timestamps import short_clock
from transcribe_cli.registry import FILE_EXTENSIONS
from transcribe_cli.reporting.messages import pluralize
from transcribe_cli.settings import Settings
from transcribe_cli.storage import AnyPath, is_url, parse_path
from transcribe_cli.text.links import Links
from transcribe_cli.text.printable import printable


@with_options("Subtitles")
def correct(
    sources: Sources = None,
    show: Annotated[
        bool, typer.Option("--show", help="Only show what was corrected: time, recognized and corrected words.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Restore what was recognized. The corrections are lost.")] = False,
    follow_links: FollowLinks = None,
    config: ConfigFile = None,
    profile: Profile = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only errors.")] = False,
    **flags: Any,  # noqa: ANN401 - one for each option of subtitles, see options.py
) -> int:
    """Take corrections made in SRT, VTT or TXT files back into the transcript, and render the other formats from it.

    Sources are corrected files, transcripts, recordings, or folders of them. Words that did not change keep their times.

    transcribe correct aula.srt

    transcribe correct ./aulas

    transcribe correct --show ./aulas
    """
    if show and undo:
        raise UsageError("--show and --undo exclude each other.")
    settings = configure(sources or [], {**flags, "follow_links": follow_links}, config, profile).settings
    links = Links(follow=settings.follow_links)
    found = _transcripts(sources or ["."], settings, links)
    report_links(links, settings)
    if not found:
        raise UsageError("No transcripts of this tool found.", "Give a corrected file, a transcript, or a folder of them.")
    failed = 0
    for file, named in found.values():
        try:
            correcting = Correcting(file, settings.subtitle_style)
            if show:
                _show(file, correcting)
                continue
            result = correcting.undo() if undo else correcting.take_over(named)
            failed += bool(result.kept)
            for line in _lines(file, result, undo=undo):
                if not quiet or line.startswith("kept"):
                    typer.echo(line, err=True)
        except TranscribeError as error:
            if undo and isinstance(error, RecordingError) and len(found) > 1:
                continue  # in a folder, most have no corrections
            failed += 1
            typer.echo(f"FAILED     {printable(file.path.name)}  {printable(str(error))}", err=True)
    return RecordingError.exit_code if failed else 0


def _transcripts(sources: Sequence[str], settings: Settings, links: Links) -> dict[AnyPath, tuple[TranscriptFile, list[AnyPath]]]:
    """The transcripts, each with the corrected files that were named.

    Raises:
        SourceNotFound, UsageError: a source does not exist, or has no transcript.
    """
    found: dict[AnyPath, tuple[TranscriptFile, list[AnyPath]]] = {}
    for source in sources:
        path = parse_path(source if is_url(source) else Path(source), settings.storage)
        is_rendering = path is not None and path.suffix.removeprefix(".") in FILE_EXTENSIONS - {"json"}
        if path is None or not is_rendering or (isinstance(path, Path) and path.is_dir()):
            for file in find_transcripts([source], settings.storage, links):
                found.setdefault(file.path, (file, []))
            continue
        (file,) = find_transcripts([f"{source.rpartition('.')[0]}.json"], settings.storage, links)
        found.setdefault(file.path, (file, []))[1].append(file.path.with_name(path.name))
    return found


def _show(file: TranscriptFile, correcting: Correcting) -> None:
    changes = correcting.changes()
    if changes:
        typer.echo(f"{printable(str(file.path))}  {pluralize(sum(change.words for change in changes), 'word')} corrected")
    for change in changes:
        typer.echo(
            f"  {short_clock(change.start):>8}  {printable(change.old) or '(nothing)'} -> {printable(change.new) or '(nothing)'}"
        )


def _lines(file: TranscriptFile, result: Result, *, undo: bool) -> list[str]:
    name = printable(file.path.name)
    sources = ", ".join(f"{pluralize(count, 'word')} from {printable(source)}" for source, count in result.words.items())
    rendered = f"; rendered {', '.join(map(printable, result.rendered))}" if result.rendered else ""
    lines = [f"kept       {printable(line)}" for line in result.kept]
    if undo:
        return [f"undone     {name}  {pluralize(sum(result.words.values()), 'word')}{rendered}"]
    if sources or rendered:
        lines.insert(0, f"corrected  {name}  {sources or 'corrected by hand'}{rendered}")
    return lines
