"""Claims the recordings that this run works on: acquires a lease just before each starts, then repeats the done test.

When a recording starts, the plan may be hours old: another run may be working on the recording, or may have finished it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from transcribe_cli import sinks
from transcribe_cli.batch.leases import Lease, LeaseManager, LeaseStore, Owner, lease_path
from transcribe_cli.errors import StorageNotReady
from transcribe_cli.events import Emit, Event, Notice, RecordingProgress, RecordingResumed
from transcribe_cli.plan import Job, file_version, replan
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import json_path
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import AnyPath, Location, Store, shared_files
from transcribe_cli.text.printable import printable


@dataclass(frozen=True)
class Claim:
    """The result of claiming a recording: the job, planned again if needed, or the owner of the lease if another run holds it."""

    job: Job
    held_by: Owner | None = None


class Claims:
    """The claims of a run. Use inside `with`, whose end releases all of them.

    Args:
        spec: of the run, as passed to `plan`.
        settings: as passed to `plan`.
        emit: receives one warning when leases cannot be written; the run then works without them.
        store: holds the leases. Default: files next to the outputs.
    """

    def __init__(self, spec: JobSpec, settings: Settings, emit: Emit, store: LeaseStore | None = None) -> None:
        self._spec = spec
        self._settings = settings
        self._emit = emit
        self._leases = LeaseManager(store)
        self._held: dict[AnyPath, Lease] = {}
        self._by_label: dict[str, Lease] = {}
        self._created: list[Path] = []
        self._prepared: set[AnyPath] = set()
        self._seen_stores: set[Store] = set()
        self._has_warned = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._leases.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leases.__exit__(kind, error, trace)
        for folder in reversed(self._created):
            with suppress(OSError):  # it contains outputs
                folder.rmdir()

    def sweep(self, folders: Iterable[AnyPath]) -> None:
        """Finish or remove what killed runs left in these folders."""
        for folder in folders:
            sinks.recover(folder)
            self._leases.sweep(folder)

    def prepare_folder(self, folder: AnyPath) -> None:
        """Check, once for each folder and before any work, whether leases and outputs can be written there. From any thread.

        Raises:
            StorageNotReady, OutputRefused: files cannot be written or cannot be renamed there.
        """
        if folder in self._prepared:
            return
        if isinstance(folder, Location):
            self._prepare_store(folder)
        else:
            if self._settings.output_dir is not None:  # otherwise, a missing folder was removed together with its recordings
                self._create_folder(folder)
            if folder.is_dir():
                sinks.check_renames(folder)
        self._prepared.add(folder)

    def claim(self, job: Job) -> Claim:
        """Claim the recording for this run. The job that is returned may have another decision than the plan. From any thread.

        Raises:
            StorageNotReady: the store cannot be reached.
        """
        if sinks.link_error(job.output) is not None:  # a link has been put there since the plan
            return Claim(replan(job, self._spec, self._settings))
        path = lease_path(job.recording, job.output)
        if isinstance(path, Location) and path.store.can_create_exclusively is False:
            return Claim(self._refreshed(job))
        try:
            acquired = self._leases.acquire(path)
        except OSError as error:
            self._warn_without_leases(path, error)
            return Claim(self._refreshed(job))
        if isinstance(acquired, Owner):
            return Claim(job, held_by=acquired)
        self._held[path] = self._by_label[job.recording.label] = acquired
        try:
            if acquired.taken_over:  # its owner may have died after writing the transcript under a temporary name
                sinks.recover(job.output.folder)
            return Claim(self._refreshed(job))
        except BaseException:
            self.release(job)
            raise

    def holds(self, job: Job) -> bool:
        """Whether this run has claimed the recording."""
        return lease_path(job.recording, job.output) in self._held

    def is_free(self, job: Job) -> bool:
        """Whether no run holds a valid lease on the recording."""
        return self._leases.holder(lease_path(job.recording, job.output)) is None

    def begin_writing(self, job: Job) -> Job:
        """Call this just before the outputs are written. Returns the job, planned again if another run took it over.

        While this process was suspended, its lease may have expired, and another run may have done the work.
        """
        if (lease := self._held.get(lease_path(job.recording, job.output))) is None:
            return job
        try:
            return job if self._leases.begin_writing(lease) else replan(job, self._spec, self._settings)
        except (OSError, StorageNotReady):  # writing the outputs raises the error that explains it
            return job

    def release(self, job: Job) -> None:
        """Release the recording, whatever became of it."""
        self._by_label.pop(job.recording.label, None)
        if (lease := self._held.pop(lease_path(job.recording, job.output), None)) is not None:
            self._leases.release(lease)

    def on_event(self, event: Event) -> None:
        """Store progress in the lease of the recording, where other runs read it."""
        if isinstance(event, RecordingProgress | RecordingResumed) and (lease := self._by_label.get(event.recording)) is not None:
            lease.progress = (round(event.seconds, 3), round(event.duration, 3))

    def _refreshed(self, job: Job) -> Job:
        """The job by the files that exist now. It is planned again only if its transcript has changed."""
        path = json_path(job.output)
        files = sinks.files_of(path)
        before = job.transcript_version
        unchanged = not files.is_there(path) if before is None else file_version(files.status(path)) == before
        return job if unchanged else replan(job, self._spec, self._settings)

    def _prepare_store(self, folder: Location) -> None:
        shared_files.make_folder(folder)
        with self._lock:
            is_known = folder.store in self._seen_stores
            self._seen_stores.add(folder.store)
        if folder.store.can_create_exclusively is False and not is_known:
            uri = printable(folder.store.uri(""))
            message = f"{uri} does not support conditional writes, so leases cannot be used. Divide the work with --shard."
            self._emit(Notice(message, "warning"))

    def _create_folder(self, folder: Path) -> None:
        """Create the folder and remember which folders were missing: they are removed at the end if they are still empty."""
        with self._lock, sinks.storage_errors(folder):
            missing = [above for above in (folder, *folder.parents) if not above.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            self._created += reversed(missing)

    def _warn_without_leases(self, path: AnyPath, error: OSError) -> None:
        """Warn once that leases cannot be written. A missing folder is reported when the recording is read."""
        with self._lock:
            has_warned, self._has_warned = self._has_warned, True
        if not has_warned and not isinstance(error, FileNotFoundError):
            reason = f"Leases cannot be written in {printable(str(path.parent))} ({error.strerror or error})"
            self._emit(Notice(f"{reason}: another run over these recordings would process them again.", "warning"))
