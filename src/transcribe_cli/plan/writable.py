"""Check whether outputs can be written, before the model is loaded rather than after the first hour.

The file system of a folder can be queried. In a bucket, an empty file is written and removed, once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from transcribe_cli.errors import OutputRefused, StorageNotReady
from transcribe_cli.plan.job import Decision, Job
from transcribe_cli.sinks import check_store_writable
from transcribe_cli.storage import Location
from transcribe_cli.text.printable import printable

_MIN_FREE_BYTES = 1 << 16  # the outputs of a short recording


def check_writable(jobs: Sequence[Job]) -> list[Job]:
    """The jobs; those whose outputs cannot be written become failures. Leaves no file behind.

    Raises:
        StorageNotReady: no job could write its outputs, or a store cannot be written to.
    """
    outputs = {job.output.folder for job in jobs if _writes(job)}
    for store, folder in {folder.store: folder for folder in outputs if isinstance(folder, Location)}.items():
        if store.can_create_exclusively is None:
            check_store_writable(folder)
    folders = {folder for folder in outputs if isinstance(folder, Path)}
    problems = {folder: problem for folder in folders if (problem := _find_problem(folder))}
    if folders and len(problems) == len(folders):
        raise StorageNotReady(
            f"No output can be written: {next(iter(problems.values()))}.", "Free some space, or use --output-dir."
        )
    return [_refuse(job, problem) if _writes(job) and (problem := _problem_of(job, problems)) else job for job in jobs]


def _problem_of(job: Job, problems: Mapping[Path, str]) -> str | None:
    return problems.get(job.output.folder) if isinstance(job.output.folder, Path) else None


def _writes(job: Job) -> bool:
    return job.decision in (Decision.TRANSCRIBE, Decision.RENDER)


def _refuse(job: Job, problem: str) -> Job:
    error = OutputRefused(f"The outputs cannot be written: {problem}.", "Use --output-dir to write elsewhere.")
    return replace(job, decision=Decision.FAIL, reason=error.message, formats=(), error=error)


def _find_problem(folder: Path) -> str | None:
    """Why nothing can be written in a folder, or in its nearest existing parent; None when it is writable."""
    existing = folder
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    name = printable(str(existing))
    try:
        if not existing.is_dir():
            return f"{name} is not a folder"
        status = os.statvfs(existing)
    except OSError as error:
        return f"{name} cannot be used ({error.strerror})"
    # access() checks permissions; for root also read-only file systems and immutable folders.
    if not os.access(existing, os.W_OK | os.X_OK, effective_ids=True):
        return f"{name} is {'on a read-only file system' if status.f_flag & os.ST_RDONLY else 'not writable'}"
    return f"the disk of {name} is full" if _is_full(status) else None


def _is_full(status: os.statvfs_result) -> bool:
    """Whether blocks or inodes are used up. Network file systems that do not count them report zeros; some blocks are reserved for root."""
    blocks, files = (status.f_bfree, status.f_ffree) if os.geteuid() == 0 else (status.f_bavail, status.f_favail)
    return bool((status.f_blocks and blocks * status.f_frsize < _MIN_FREE_BYTES) or (status.f_files and not files))
