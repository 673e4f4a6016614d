"""Whether outputs can be written at all, asked before the model is loaded rather than after the first hour.

Of a folder's file system it can be asked. A bucket does not say: there, an empty file is written and removed, once.
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

_LEAST_BYTES = 1 << 16  # the outputs of a short recording


def check_writable(jobs: Sequence[Job]) -> list[Job]:
    """The jobs, those that could not write their outputs as failures. Writes nothing that stays.

    Raises:
        StorageNotReady: none of the jobs that have something to write could, or a store does not take any.
    """
    places = {job.output.folder for job in jobs if _writes(job)}
    for store, folder in {place.store: place for place in places if isinstance(place, Location)}.items():
        if store.can_create_exclusively is None:
            check_store_writable(folder)
    folders = {place for place in places if isinstance(place, Path)}
    troubles = {folder: trouble for folder in folders if (trouble := _trouble(folder))}
    if folders and len(troubles) == len(folders):
        raise StorageNotReady(f"No output can be written: {next(iter(troubles.values()))}.", "Make room, or use --output-dir.")
    return [_refused(job, trouble) if _writes(job) and (trouble := _of(job, troubles)) else job for job in jobs]


def _of(job: Job, troubles: Mapping[Path, str]) -> str | None:
    return troubles.get(job.output.folder) if isinstance(job.output.folder, Path) else None


def _writes(job: Job) -> bool:
    return job.decision in (Decision.TRANSCRIBE, Decision.RENDER)


def _refused(job: Job, trouble: str) -> Job:
    error = OutputRefused(f"Its outputs cannot be written: {trouble}.", "Use --output-dir to write elsewhere.")
    return replace(job, decision=Decision.FAIL, reason=error.message, formats=(), error=error)


def _trouble(folder: Path) -> str | None:
    """Why nothing can be written in a folder, or in the nearest above it that is there; None when something can."""
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    name = printable(str(there))
    try:
        if not there.is_dir():
            return f"{name} is not a folder"
        status = os.statvfs(there)
    except OSError as error:
        return f"{name} cannot be used ({error.strerror})"
    # access() tells about permissions; for root also about read-only file systems and immutable folders.
    if not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        return f"{name} is {'on a read-only file system' if status.f_flag & os.ST_RDONLY else 'not writable'}"
    return f"the disk of {name} is full" if _is_full(status) else None


def _is_full(status: os.statvfs_result) -> bool:
    """By blocks or by files; network file systems that do not count report zeros. Some blocks are kept for root."""
    blocks, files = (status.f_bfree, status.f_ffree) if os.geteuid() == 0 else (status.f_bavail, status.f_favail)
    return bool((status.f_blocks and blocks * status.f_frsize < _LEAST_BYTES) or (status.f_files and not files))
