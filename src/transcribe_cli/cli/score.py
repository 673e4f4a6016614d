"""`transcribe score`: how good transcripts are, measured against references."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transcribe_cli.errors import RecordingError
from transcribe_cli.reporting.messages import format_duration, pluralize
from transcribe_cli.text.printable import printable

if TYPE_CHECKING:
    from transcribe_cli.scoring import Report
    from transcribe_cli.scoring.error_counts import EditCounts, SpeakerErrors
    from transcribe_cli.scoring.report import ScoredRecording

NAMES = {"wer": "WER", "cer": "CER", "der": "DER", "cpwer": "cpWER"}
# Places with most errors that --diff shows of each recording.
DIFFERENCES = 5
_WIDEST = 40


def score(
    reference: Annotated[str, typer.Argument(metavar="REF", help="What was really said: a file, or a folder of files.")],
    hypothesis: Annotated[str, typer.Argument(metavar="HYP", help="What was recognized: a file, or a folder of files.")],
    language: Annotated[
        str, typer.Option("-l", "--language", metavar="TEXT", help="Of all texts. Default: what the JSON says, else pt.")
    ] = "",
    normalize: Annotated[
        bool, typer.Option("--normalize/--no-normalize", help="Whether 42 is quarenta e dois, and Sr. is senhor.")
    ] = True,
    collar: Annotated[
        float, typer.Option("--collar", metavar="SECONDS", help="Not scored for DER on each side of a turn's borders in REF.")
    ] = 0.25,
    metrics: Annotated[
        str, typer.Option("--metrics", metavar="TEXT,…", help="Of wer, cer, der, cpwer. Default: what both sides have.")
    ] = "",
    per_file: Annotated[bool, typer.Option("--per-file", help="Also a line for each recording.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Also the worst differences of each recording.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> int:
    """Measure transcripts against references: WER and CER; with speakers on both sides also DER and cpWER.

    Reads JSON (this tool's, openai/whisper's, whisperX's), SRT, VTT, TXT, RTTM and STM. Trees are matched by relative path without suffix.
    Needs the extra `score`.

    transcribe score references/ transcripts/ --per-file

    transcribe score aula.txt aula.json --diff
    """
    from transcribe_cli.scoring import Options, score  # readers and tables that `--help` need not wait for

    options = Options.parse(language, collar, metrics, normalize=normalize, differences=DIFFERENCES if diff else 0)
    report = score(Path(reference), Path(hypothesis), options)
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
    """A line for each recording; columns of what was not measured on any are left out."""
    metrics = [metric for metric in NAMES if any(getattr(recording.score, metric) is not None for recording in recordings)]
    names = [printable(recording.name) for recording in recordings]
    width = max(len("recording"), *(min(_WIDEST, len(name)) for name in names))
    counts = ("words", "sub", "del", "ins") if "wer" in metrics else ()
    yield f"{'recording':<{width}}" + "".join(f"{name:>9}" for name in (*counts, *(NAMES[metric] for metric in metrics)))
    for name, recording in zip(names, recordings, strict=True):
        wer = recording.score.wer
        numbers = ("-",) * 4 if wer is None else (wer.length, wer.substitutions, wer.deletions, wer.insertions)
        cells = [str(number) for number in numbers[: len(counts)]]
        cells += [_percent(getattr(recording.score, metric)) for metric in metrics]
        yield f"{name:<{width}}" + "".join(f"{cell:>9}" for cell in cells)


def _totals(report: Report) -> Iterator[str]:
    """A line for each metric: its rate, and what it is made of."""
    for metric, name in NAMES.items():
        measure = getattr(report.totals, metric)
        if measure is None:
            why = next((found for recording in report.recordings if (found := recording.score.not_measured.get(metric))), None)
            if why:
                yield f"{name:<6}{'-':>8}  not measured: {why}"
            continue
        made_of = _seconds(measure, report.options.collar) if metric == "der" else _edits(measure, metric)
        yield f"{name:<6}{_percent(measure):>8}  {made_of}{_where(report, metric)}"


def _edits(edits: EditCounts, metric: str) -> str:
    unit = "character" if metric == "cer" else "word"
    return (
        f"{pluralize(edits.substitutions, 'substitution')}, {pluralize(edits.deletions, 'deletion')},"
        f" {pluralize(edits.insertions, 'insertion')} in {pluralize(edits.length, unit)}"
    )


def _seconds(time: SpeakerErrors, collar: float) -> str:
    return (
        f"{time.missed:,.1f} s missed, {time.false_alarm:,.1f} s false alarm, {time.confusion:,.1f} s confusion"
        f" in {time.length:,.1f} s of speech{f', without {collar:g} s on each side of a border' if collar else ''}"
    )


def _where(report: Report, metric: str) -> str:
    """When not all recordings could be measured by it."""
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
