"""`transcribe lint`: subtitles against a standard."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from transcribe_cli.cli.session import ConfigFile, Profile, configure
from transcribe_cli.errors import RecordingError, TranscribeError, UsageError
from transcribe_cli.formats.timestamps import clock
from transcribe_cli.reporting.messages import pluralize
from transcribe_cli.subtitles.lint import SubtitleFile, Violation, find_subtitle_files, find_violations
from transcribe_cli.subtitles.lint.files import parse_language
from transcribe_cli.subtitles.standards import Standard
from transcribe_cli.text.printable import printable


@dataclass(frozen=True)
class _Checked:
    """A file, and what is wrong with it; `error` when it could not be read."""

    path: Path
    language: str
    cues: int
    found: Sequence[Violation]
    error: TranscribeError | None = None


def lint(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]…", help="SRT and VTT files, or folders of them. Default: the current folder."),
    ] = None,
    subtitles: Annotated[
        str | None,
        typer.Option("--subtitles", metavar="STANDARD", help="netflix, bbc, ted or plain, and what differs: bbc,max_chars=40."),
    ] = None,
    language: Annotated[
        str,
        typer.Option(
            "-l", "--language", metavar="TEXT", help="Of all files. Default: from aula.pt.srt, or the transcript beside it."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only the summary.")] = False,
    config: ConfigFile = None,
    profile: Profile = None,
) -> int:
    """Check subtitles, of this tool or any other, against a standard: lines, reading speed, durations, gaps.

    A line for each violation; exit code 3 when there are any.

    transcribe lint ./aulas

    transcribe lint film.srt --subtitles bbc --language en
    """
    sources = sources or ["."]
    standard = configure(sources, {"subtitles": subtitles}, config, profile).settings.subtitle_style.standard
    said = parse_language(language)
    files = list(find_subtitle_files(sources))
    if not files:
        raise UsageError("No subtitles there.", "Name SRT or VTT files, or a folder of them.")
    results = []
    for file in files:
        results.append(result := _checked(file, standard, said))
        if not (as_json or quiet):
            _show(result)
    _tell_failures(results)
    typer.echo(json.dumps(_document(results, standard), indent=1, ensure_ascii=False) if as_json else _summary(results, standard))
    return RecordingError.exit_code if any(result.found or result.error for result in results) else 0


def _checked(file: SubtitleFile, standard: Standard, language: str) -> _Checked:
    try:
        cues = file.cues()
    except TranscribeError as error:
        return _Checked(file.path, language, 0, (), error)
    language = language or file.language()
    return _Checked(file.path, language, len(cues), find_violations(cues, standard.rules(language)))


def _show(result: _Checked) -> None:
    for found in result.found:
        typer.echo(f"{printable(str(result.path))}:{found.cue.number}  {clock(found.cue.start_ms)}  {found.rule}: {found.text}")


def _tell_failures(results: Sequence[_Checked]) -> None:
    for result in results:
        if result.error is not None:
            typer.echo(f"FAILED    {printable(str(result.path))}  {printable(str(result.error))}", err=True)


def _summary(results: Sequence[_Checked], standard: Standard) -> str:
    rules = Counter(found.rule for result in results for found in result.found)
    cues = sum(result.cues for result in results)
    total = pluralize(sum(rules.values()), "violation")
    by_rule = f" ({', '.join(f'{rule} {count}' for rule, count in rules.most_common())})" if rules else ""
    return f"{total} of {standard}{by_rule} in {pluralize(cues, 'cue')} of {pluralize(len(results), 'file')}."


def _document(results: Sequence[_Checked], standard: Standard) -> dict[str, object]:
    return {
        "standard": str(standard),
        "violations": sum(len(result.found) for result in results),
        "files": [dict(_described(result)) for result in results],
    }


def _described(result: _Checked) -> Iterator[tuple[str, object]]:
    yield "path", printable(str(result.path))
    yield "language", result.language or None
    yield "cues", result.cues
    if result.error is not None:
        yield "error", {"code": result.error.code, "message": result.error.message}
    yield (
        "violations",
        [
            {
                "cue": found.cue.number,
                "start": found.cue.start_ms / 1000,
                "rule": found.rule,
                "found": found.found,
                "allowed": found.allowed,
                "text": found.text,
            }
            for found in result.found
        ],
    )
