"""What people corrected is theirs: it counts as done, other formats follow it, and a new transcript goes beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from transcribe_cli.plan.job import NEEDS_MODEL, Decision, Job
from transcribe_cli.registry import FORMATS
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import (
    Corrected,
    Header,
    Listings,
    Output,
    Ownership,
    find_corrected,
    is_correction_new,
    is_text_corrected,
    json_path,
    new_output,
    ownership_of,
)
from transcribe_cli.sources import json_safe
from transcribe_cli.text.printable import printable


def respect_corrections(
    job: Job, header: Header | None, settings: Settings, listings: Listings, plan_at: Callable[[Output], Job]
) -> Job:
    """The job, changed so that it replaces nothing that a person corrected.

    Args:
        job: as decided without regard to corrections.
        header: of the existing transcript, if it is one of this recording.
        settings: of the run.
        listings: the folders as they are now.
        plan_at: plans the same recording for another output.
    """
    if settings.trust_names or job.transcript_version is None or job.decision is Decision.FAIL:
        return job
    if job.decision not in NEEDS_MODEL:
        return job if header is None else _follow(job, header, settings, listings)
    if settings.replace_corrected or (corrected := find_corrected(job.output, job.recording, job.spec.canonical())) is None:
        return job
    beside = plan_at(new_output(job.output))
    names, new = ", ".join(map(printable, corrected.names)), printable(json_path(beside.output).name)
    why = f"{names} {'was' if len(corrected.names) == 1 else 'were'} corrected"
    reason = {
        Decision.DONE: f"done ({why}; {new} is the new transcript)",
        Decision.TRANSCRIBE: f"{job.reason}; {why}, so it goes to {new}",
    }
    return replace(beside, corrected=beside.corrected or corrected, reason=reason.get(beside.decision, beside.reason))


def _follow(job: Job, header: Header, settings: Settings, listings: Listings) -> Job:
    """The job, with what is corrected; if the text was corrected since the renderings were made, they are made again."""
    target = json_path(job.output)
    if (info := listings.stat(target)) is None:
        return job
    paths = {name: job.output.path(name) for name in FORMATS.names() if name != "json"}
    listed = {name: path for name, path in paths.items() if json_safe(path.name) in header.outputs and listings.holds(path)}
    is_edited = is_text_corrected(target, header, info)
    time_ns = 0 if is_edited else info.st_mtime_ns  # a rendering may have been edited before the transcript was
    ownerships = {
        name: ownership_of(path, listings.stat(path), header, time_ns, listings.digest) for name, path in listed.items()
    }
    edited = [path for name, path in listed.items() if ownerships[name] is Ownership.EDITED]
    times = {path: status.st_mtime_ns for path in [target] * is_edited + edited if (status := listings.stat(path)) is not None}
    if (corrected := Corrected.of(times)) is None:
        return job
    job = replace(job, corrected=corrected)
    if not is_edited:
        return job
    why = f"{printable(target.name)} was corrected"
    outdated = [name for name in listed if ownerships[name] is Ownership.OURS] if is_correction_new(target, header, info) else []
    if outdated:
        formats = tuple(name for name in FORMATS.names() if name in {*job.formats, *outdated})
        return replace(job, decision=Decision.RENDER, formats=formats, reason=_joined(job, why))
    return replace(job, reason=f"done ({why})" if job.reason == "done" else job.reason)


def _joined(job: Job, why: str) -> str:
    return why if job.decision is Decision.DONE else f"{job.reason}, {why}"
