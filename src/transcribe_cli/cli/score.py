"""`transcribe score`: measure transcripts against references."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transcribe_cli.cli.session import FollowLinks
from transcribe_cli.errors import RecordingError
from transcribe_cli.reporting.messages import format_duration, pluralize
from transcribe_cli.text.links import Links
from transcribe_cli.text.printable import printable

if TYPE_CHECKING:
    from transcribe_cli.scoring import Report
    from transcribe_cli.scoring.error_counts import EditCounts, SpeakerErrors
    from transcribe_cli.scoring.report import ScoredRecording

NAMES = {"wer": "WER", "cer": "CER", "der": "DER", "cpwer": "cpWER"}
# How many of the worst differences --diff shows for each recording.
MAX_DIFFERENCES = 5
_MAX_NAME_WIDTH = 40


def score(
    reference: Annotated[str, typer.Argument(metavar="REF", help="Reference: a file or a folder with what was actually said.")],
    hypothesis: Annotated[str, typer.Argument(metavar="HYP", help="Hypothesis: a file or a folder with what was recognized.")],
    language: Annotated[
        str, typer.Option("-l", "--language", metavar="TEXT", help="Language of all texts. Default: from the JSON, else pt.")
    ] = "",
    normalize: Annotated[
        bool,
        typer.Option(
            "--normalize/--no-normalize", help="Treat different spellings as equal: 42 and quarenta e dois, Sr. and senhor."
        ),
    ] = True,
    collar: Annotated[
        float,
        typer.Option(
            "--collar", metavar="SECONDS", help="For DER, ignore this much time on each side of turn boundaries in REF."
        ),
    ] = 0.25,
    metrics: Annotated[
        str,
        typer.Option(
            "--metrics", metavar="TEXT,…", help="Any of wer, cer, der, cpwer. Default: all that both sides have data for."
        ),
    ] = "",
    per_file: Annotated[bool, typer.Option("--per-file", help="Also print a line for each recording.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Also print the worst differences of each recording.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    follow_links: FollowLinks = None,
) -> int:
    """Measure transcripts against references.

    Computes WER and CER; with speakers on both sides also DER and cpWER.

    Reads JSON (of this tool, openai/whisper and whisperX), SRT, VTT, TXT, RTTM and STM. Needs the extra `score`.

    Files of two folders are paired by relative path without suffix.

    transcribe score references/ transcripts/ --per-file

    transcribe score aula.txt aula.json --diff
    """
    from transcribe_cli.scoring import Options, score  # imports readers and tables that `--help` does not need

    options = Options.parse(language, collar, metrics, normalize=normalize, differences=MAX_DIFFERENCES if diff else 0)
    links = Links(follow=bool(follow_links))
    report = score(Path(reference), Path(hypothesis), options, links)
    if links.message:
        typer.echo(f"Warning: {links.message}", err=True)
    for line in _not_scored(report):
        typer.echo(line, err=True)
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=1))
    else:
        for line in _lines(report, per_file=per_file):
            typer.echo(line)
    return 0 if report.complete else RecordingError.exit_code


def _not_scored(report: Report) -> Iterator[str]:
    for failure in report.failed:
        yield f"FAILED    {printable(failure.name)}  {printable(str(failure.error))}"
    for side, labels in (("REF", report.only_reference), ("HYP", report.only_hypothesis)):
        for label in labels:
            yield f"only {side}  {printable(label)}"


def _lines(report: Report, *, per_file: bool) -> Iterator[str]:
    for recording in report.recordings:
        yield from _differences(recording)
    if per_file and report.recordings:
        yield from _table(report.recordings)
        yield ""
    yield from _totals(report)
    yield _summary(report)


def _differences(recording: ScoredRecording) -> Iterator[str]:
    for place in recording.score.differences:
        at = "" if place.at is None else f"  {format_duration(place.at)}"
        yield f"{printable(recording.name)}{at}  word {place.word:,}, {pluralize(place.errors, 'error')}"
        yield from (f"  {line}" for line in place.lines)
        yield ""


def _table(recordings: Sequence[ScoredRecording]) -> Iterator[str]:
    """A line for each recording, with a column for each metric that was measured on any of them."""
    metrics = [metric for metric in NAMES if any(getattr(recording.score, metric) is not None for recording in recordings)]
    names = [printable(recording.name) for recording in recordings]
    width = max(len("recording"), *(min(_MAX_NAME_WIDTH, len(name)) for name in names))
    counts = ("words", "sub", "del", "ins") if "wer" in metrics else ()
    yield f"{'recording':<{width}}" + "".join(f"{name:>9}" for name in (*counts, *(NAMES[metric] for metric in metrics)))
    for name, recording in zip(names, recordings, strict=True):
        wer = recording.score.wer
        numbers = ("-",) * 4 if wer is None else (wer.length, wer.substitutions, wer.deletions, wer.insertions)
        cells = [str(number) for number in numbers[: len(counts)]]
        cells += [_percent(getattr(recording.score, metric)) for metric in metrics]
        yield f"{name:<{width}}" + "".join(f"{cell:>9}" for cell in cells)


def _totals(report: Report) -> Iterator[str]:
    """A line for each metric: its rate and its parts."""
    for metric, name in NAMES.items():
        measure = getattr(report.totals, metric)
        if measure is None:
            why = next((found for recording in report.recordings if (found := recording.score.not_measured.get(metric))), None)
            if why:
                yield f"{name:<6}{'-':>8}  not measured: {why}"
            continue
        parts = _der_parts(measure, report.options.collar) if metric == "der" else _edit_parts(measure, metric)
        yield f"{name:<6}{_percent(measure):>8}  {parts}{_coverage(report, metric)}"


def _edit_parts(edits: EditCounts, metric: str) -> str:
    unit = "character" if metric == "cer" else "word"
    return (
        f"{pluralize(edits.substitutions, 'substitution')}, {pluralize(edits.deletions, 'deletion')},"
        f" {pluralize(edits.insertions, 'insertion')} in {pluralize(edits.length, unit)}"
    )


def _der_parts(time: SpeakerErrors, collar: float) -> str:
    return (
        f"{time.missed:,.1f} s missed, {time.false_alarm:,.1f} s false alarm, {time.confusion:,.1f} s confusion"
        f" in {time.length:,.1f} s of speech{f', excluding {collar:g} s on each side of turn boundaries' if collar else ''}"
    )


def _coverage(report: Report, metric: str) -> str:
    """How many recordings have this metric, when not all do."""
    measured = report.count_measured(metric)
    return "" if measured == len(report.recordings) else f" ({measured} of {pluralize(len(report.recordings), 'recording')})"


def _summary(report: Report) -> str:
    languages = ", ".join(sorted({recording.score.language for recording in report.recordings}))
    compared = f", {languages}, {'normalized' if report.options.normalize else 'as written'}" if languages else ""
    parts = [f"{pluralize(len(report.recordings), 'recording')} scored{compared}"]
    if report.failed:
        parts.append(f"{len(report.failed)} failed")
    if alone := len(report.only_reference) + len(report.only_hypothesis):
        parts.append(f"{pluralize(alone, 'file')} on one side only")
    return f"{'; '.join(parts)}."


def _percent(measure: EditCounts | SpeakerErrors | None) -> str:
    if measure is None:
        return "-"
    return "inf" if measure.rate is None else f"{measure.rate:.2%}"
