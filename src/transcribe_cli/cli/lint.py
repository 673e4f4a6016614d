"""`transcribe lint`: check subtitles against a standard."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from transcribe_cli.cli.session import ConfigFile, FollowLinks, Profile, configure, report_links
from transcribe_cli.errors import RecordingError, TranscribeError, UsageError
from transcribe_cli.formats.timestamps import clock
from transcribe_cli.reporting.messages import pluralize
from transcribe_cli.subtitles.lint import SubtitleFile, Violation, find_subtitle_files, find_violations
from transcribe_cli.subtitles.lint.files import parse_language
from transcribe_cli.subtitles.standards import Standard
from transcribe_cli.text.links import Links
from transcribe_cli.text.printable import printable


@dataclass(frozen=True)
class _Result:
    """A file and its violations; `error` when it could not be read."""

    path: Path
    language: str
    cues: int
    violations: Sequence[Violation]
    error: TranscribeError | None = None


def lint(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]…", help="SRT and VTT files, or folders of them. Default: the current folder."),
    ] = None,
    subtitles: Annotated[
        str | None,
        typer.Option(
            "--subtitles", metavar="STANDARD", help="netflix, bbc, ted or plain, with optional changes: bbc,max_chars=40."
        ),
    ] = None,
    language: Annotated[
        str,
        typer.Option(
            "-l",
            "--language",
            metavar="TEXT",
            help="Language of all files. Default: from names such as aula.pt.srt, or the transcript next to the file.",
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only the summary.")] = False,
    follow_links: FollowLinks = None,
    config: ConfigFile = None,
    profile: Profile = None,
) -> int:
    """Check subtitles of any tool against a standard.

    Checks line lengths, reading speed, durations and gaps. Prints a line for each violation. Exit code 3 when there are violations.

    transcribe lint ./aulas

    transcribe lint film.srt --subtitles bbc --language en
    """
    sources = sources or ["."]
    flags = {"subtitles": subtitles, "follow_links": follow_links}
    settings = configure(sources, flags, config, profile).settings
    standard, links = settings.subtitle_style.standard, Links(follow=settings.follow_links)
    default_language = parse_language(language)
    files = list(find_subtitle_files(sources, links))
    report_links(links, settings)
    if not files:
        raise UsageError("No subtitles found.", "Give SRT or VTT files, or a folder that contains them.")
    results = []
    for file in files:
        results.append(result := _check(file, standard, default_language))
        if not (as_json or quiet):
            _print_violations(result)
    _print_failures(results)
    typer.echo(json.dumps(_document(results, standard), indent=1, ensure_ascii=False) if as_json else _summary(results, standard))
    return RecordingError.exit_code if any(result.violations or result.error for result in results) else 0


def _check(file: SubtitleFile, standard: Standard, language: str) -> _Result:
    try:
        cues = file.cues()
    except TranscribeError as error:
        return _Result(file.path, language, 0, (), error)
    language = language or file.language()
    return _Result(file.path, language, len(cues), find_violations(cues, standard.rules(language)))


def _print_violations(result: _Result) -> None:
    for violation in result.violations:
        cue = violation.cue
        typer.echo(f"{printable(str(result.path))}:{cue.number}  {clock(cue.start_ms)}  {violation.rule}: {violation.text}")


def _print_failures(results: Sequence[_Result]) -> None:
    for result in results:
        if result.error is not None:
            typer.echo(f"FAILED    {printable(str(result.path))}  {printable(str(result.error))}", err=True)


def _summary(results: Sequence[_Result], standard: Standard) -> str:
    rules = Counter(violation.rule for result in results for violation in result.violations)
    cues = sum(result.cues for result in results)
    total = pluralize(sum(rules.values()), "violation")
    by_rule = f" ({', '.join(f'{rule} {count}' for rule, count in rules.most_common())})" if rules else ""
    return f"{total} of {standard}{by_rule} in {pluralize(cues, 'cue')} of {pluralize(len(results), 'file')}."


def _document(results: Sequence[_Result], standard: Standard) -> dict[str, object]:
    return {
        "standard": str(standard),
        "violations": sum(len(result.violations) for result in results),
        "files": [dict(_record(result)) for result in results],
    }


def _record(result: _Result) -> Iterator[tuple[str, object]]:
    yield "path", printable(str(result.path))
    yield "language", result.language or None
    yield "cues", result.cues
    if result.error is not None:
        yield "error", {"code": result.error.code, "message": result.error.message}
    yield (
        "violations",
        [
            {
                "cue": violation.cue.number,
                "start": violation.cue.start_ms / 1000,
                "rule": violation.rule,
                "found": violation.found,
                "allowed": violation.allowed,
                "text": violation.text,
            }
            for violation in result.violations
        ],
    )
