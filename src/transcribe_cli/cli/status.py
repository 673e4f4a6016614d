"""`transcribe status`: the state of each recording in a folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transcribe_cli.cli.check import check_document, check_lines, counts_text, reasons_record, verdict_totals
from transcribe_cli.cli.durations import read_durations
from transcribe_cli.cli.options import with_job_options
from transcribe_cli.cli.session import ConfigFile, Profile, Sources, configure, plan_jobs, shard_of
from transcribe_cli.errors import RecordingError
from transcribe_cli.reporting.messages import doubt_text, format_duration, pluralize
from transcribe_cli.text.printable import printable
from transcribe_cli.text.verdicts import Level

if TYPE_CHECKING:
    from transcribe_cli.batch.leases import Owner
    from transcribe_cli.batch.status import RecordingStatus

Durations = Mapping[str, float | None]
# Groups of finished transcripts that differ from what a new one would be.
_MAX_VARIANTS = 5


@with_job_options
def status(
    sources: Sources = None,
    config: ConfigFile = None,
    profile: Profile = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="List the transcripts that a person should check, the worst first, with times to jump to."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    **flags: Any,  # noqa: ANN401 - one for each option, see options.py
) -> int:
    """Show which recordings are done, stale, failed, missing or in progress, and whether their text can be trusted.

    Exit code 0 when everything is done, 6 when everything else is in progress, 3 otherwise, and when a verdict reaches --fail-on.

    transcribe status ./aulas --model small

    transcribe status --check ./aulas
    """
    from transcribe_cli.batch.failures import Failures
    from transcribe_cli.batch.leases import LeaseManager
    from transcribe_cli.batch.status import recording_statuses

    sources = sources or []
    configured = configure(sources, flags, config, profile)
    read_all = {"overwrite": False, **({"trust_names": False} if check else {})}  # the verdict is in the transcript
    configured = replace(configured, settings=configured.settings.model_copy(update=read_all))
    jobs = plan_jobs(sources, configured, own_formats=True)
    statuses = recording_statuses(jobs, Failures(configured.settings.state_dir), LeaseManager())
    shard = shard_of(configured)
    seconds = {} if check else read_durations(job for job in jobs if job.recording.problem is None)
    if as_json:
        typer.echo(json.dumps(check_document(statuses, shard) if check else _document(statuses, seconds, shard), indent=1))
    else:
        for line in check_lines(statuses) if check else _lines(statuses, seconds):
            typer.echo(line)
    return _exit_code(statuses, configured.settings.fail_on)


def _exit_code(statuses: Sequence[RecordingStatus], fail_on: Level | None) -> int:
    """By the states of the recordings; a verdict that reaches `fail_on` is said on standard error."""
    from transcribe_cli.batch.status import State
    from transcribe_cli.batch.summary import EXIT_IN_PROGRESS_ELSEWHERE

    if reached := sum(entry.assessment.reaches(fail_on) for entry in statuses):
        typer.echo(f"Exit code 3 because of --fail-on {fail_on}: {pluralize(reached, 'transcript')}.", err=True)
        return RecordingError.exit_code
    done = (State.DONE, State.CORRECTED)
    if all(entry.state in done for entry in statuses):
        return 0
    in_progress = all(entry.state in (*done, State.IN_PROGRESS) for entry in statuses)
    return EXIT_IN_PROGRESS_ELSEWHERE if in_progress else RecordingError.exit_code


def _document(statuses: Sequence[RecordingStatus], seconds: Durations, shard: str | None) -> dict[str, Any]:
    return {
        "shard": shard,
        "recordings": [_record(entry, seconds) for entry in statuses],
        "totals": {
            state: {"recordings": len(in_state), "seconds": round(sum(known), 3), "of_unknown_length": len(in_state) - len(known)}
            for state, in_state, known in _totals(statuses, seconds)
        },
        "verdicts": verdict_totals(statuses),
    }


def _record(entry: RecordingStatus, seconds: Durations) -> dict[str, Any]:
    recording, owner, failure = entry.job.recording, entry.owner, entry.failure
    duration = seconds.get(recording.uri)
    return {
        "name": recording.name,
        "uri": recording.uri,
        "duration": None if duration is None else round(duration, 3),
        "state": entry.state.value,
        "reason": entry.reason,
        "in_progress": owner
        and {"host": owner.host, "pid": owner.pid, "since": owner.taken, "seconds": owner.seconds, "duration": owner.duration},
        "verdict": entry.assessment.verdict,
        "reasons": reasons_record(entry.assessment),
        "failure": failure and {"code": failure.code, "message": failure.message, "at": failure.at},
    }


def _totals(statuses: Sequence[RecordingStatus], seconds: Durations) -> list[tuple[str, list[RecordingStatus], list[float]]]:
    """Each state, its recordings, and their known durations."""
    from transcribe_cli.batch.status import State

    totals = []
    for state in State:
        in_state = [entry for entry in statuses if entry.state is state]
        lengths = [seconds.get(entry.job.recording.uri) for entry in in_state]
        totals.append((state.value, in_state, [length for length in lengths if length is not None]))
    return totals


def _lines(statuses: Sequence[RecordingStatus], seconds: Durations) -> list[str]:
    """A line for each recording that is not done, or whose text is doubtful; then totals for each state and for the verdicts."""
    unfinished = [entry for entry in statuses if entry.state.value != "done" or entry.assessment.is_doubtful]
    names = [printable(entry.job.recording.label) for entry in unfinished]
    lengths = [_duration_text(seconds.get(entry.job.recording.uri)) for entry in unfinished]
    width = min(60, max(map(len, names), default=0))
    lines = [
        f"{_state_text(entry.state.value):<11}  {name:<{width}}  {length:>8}  {_reason(entry)}".rstrip()
        for entry, name, length in zip(unfinished, names, lengths, strict=True)
    ]
    total_lines = []
    for state, in_state, known in _totals(statuses, seconds):
        if in_state:
            unknown = f"{len(in_state) - len(known)} of unknown length" if len(in_state) > len(known) else ""
            hours = ", plus ".join(filter(None, (f"{format_duration(sum(known)):>9}" if known else "", unknown)))
            total_lines.append(f"{_state_text(state):<11}  {pluralize(len(in_state), 'recording'):>16}  {hours}")
            variants = Counter(entry.reason for entry in in_state if state == "done" and entry.reason)
            total_lines += [
                f"{'':<11}  {count:>6} of these  {printable(reason)}" for reason, count in variants.most_common(_MAX_VARIANTS)
            ]
    if any(entry.assessment.is_doubtful for entry in statuses):
        total_lines.append(f"{'verdicts':<11}  {counts_text(statuses)}; `transcribe status --check` has the places")
    return [*lines, *([""] if lines else []), *total_lines] or ["No recordings found."]


def _reason(entry: RecordingStatus) -> str:
    doubt = doubt_text(entry.assessment)
    return "; ".join(filter(None, (_state_reason(entry), doubt and printable(doubt))))


def _state_reason(entry: RecordingStatus) -> str:
    if entry.owner is not None:
        return _progress(entry.owner)
    if entry.failure is not None:
        return f"{_local_time(entry.failure.at)}, on this machine: {printable(entry.reason)}"
    return printable(entry.reason)


def _progress(owner: Owner) -> str:
    where = f"on {printable(owner.host)} (process {owner.pid})" if owner.host else "in a run that has just started"
    since = f" since {_local_time(owner.taken)}" if owner.taken else ""
    progress = f", {100 * min(1.0, owner.seconds / owner.duration):.0f} %" if owner.duration > 0 and owner.seconds > 0 else ""
    return f"{where}{since}{progress}"


def _state_text(state: str) -> str:
    return state.replace("_", " ")


def _duration_text(seconds: float | None) -> str:
    return "?" if seconds is None else format_duration(seconds)


def _local_time(moment: str) -> str:
    """A UTC time in the local time zone; text that is not a time (the file may be edited) is shown as it is."""
    try:
        then = datetime.fromisoformat(moment).astimezone()
    except (ValueError, OverflowError):
        return printable(moment)
    today = datetime.now(UTC).astimezone().date() == then.date()
    return f"{then:%H:%M}" if today else f"{then:%Y-%m-%d %H:%M}"
