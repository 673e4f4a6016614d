"""Which recordings this run may work on: a lease for each, taken just before its turn, and the done test asked again after taking it.

What is decided before a run begins is hours old when a recording's turn comes: another run may be at it, or have done it.
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
    """What came of wanting to work on a recording: the job as it stands now, or who else is at it."""

    job: Job
    elsewhere: Owner | None = None


class Claims:
    """The claims of a run; use inside `with`, whose end gives all of them back.

    Args:
        spec: the run's own, as given to `plan`.
        settings: the same.
        emit: hears it once when leases cannot be written; the work is done without them.
        store: where leases are kept; files next to the outputs unless said otherwise.
    """

    def __init__(self, spec: JobSpec, settings: Settings, emit: Emit, store: LeaseStore | None = None) -> None:
        self._spec = spec
        self._settings = settings
        self._emit = emit
        self._leases = LeaseManager(store)
        self._mine: dict[AnyPath, Lease] = {}
        self._by_label: dict[str, Lease] = {}
        self._made: list[Path] = []
        self._ready: set[AnyPath] = set()
        # Where leases were thought of; whether it was said that they cannot be written.
        self._known: set[Store] = set()
        self._warned = False
        self._changing = threading.Lock()

    def __enter__(self) -> Self:
        self._leases.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leases.__exit__(kind, error, trace)
        for folder in reversed(self._made):
            with suppress(OSError):  # outputs came into it
                folder.rmdir()

    def sweep(self, folders: Iterable[AnyPath]) -> None:
        """Finish or remove what dead runs left in these folders."""
        for folder in folders:
            sinks.recover(folder)
            self._leases.sweep(folder)

    def make_ready(self, folder: AnyPath) -> None:
        """Find out, once for each folder and before any work, whether leases and outputs can be put there. From any thread.

        Raises:
            StorageNotReady, OutputRefused: files cannot be written or cannot be renamed there.
        """
        if folder in self._ready:
            return
        if isinstance(folder, Location):
            self._make_store_ready(folder)
        else:
            if self._settings.output_dir is not None:  # elsewhere a missing folder was removed together with its recordings
                self._make(folder)
            if folder.is_dir():
                sinks.check_renames(folder)
        self._ready.add(folder)

    def claim(self, job: Job) -> Claim:
        """Take the recording for this run; what has to be done with it may not be what the plan said. From any thread.

        Raises:
            StorageNotReady: its store cannot be asked what is there now.
        """
        path = lease_path(job.recording, job.output)
        if isinstance(path, Location) and path.store.can_create_exclusively is False:
            return Claim(self._anew(job))
        try:
            taken = self._leases.acquire(path)
        except OSError as error:
            self._go_without(path, error)
            return Claim(self._anew(job))
        if isinstance(taken, Owner):
            return Claim(job, elsewhere=taken)
        self._mine[path] = self._by_label[job.recording.label] = taken
        try:
            if taken.taken_over:  # its owner may have died with the whole transcript under a temporary name
                sinks.recover(job.output.folder)
            return Claim(self._anew(job))
        except BaseException:
            self.release(job)
            raise

    def has(self, job: Job) -> bool:
        """Whether it is this run's already."""
        return lease_path(job.recording, job.output) in self._mine

    def is_free(self, job: Job) -> bool:
        """Whether nobody is at it any more."""
        return self._leases.holder(lease_path(job.recording, job.output)) is None

    def begin_writing(self, job: Job) -> Job:
        """To be called just before the outputs are written: the job as it is, or as it stands after another run took it over.

        While this process was suspended its lease may have expired, and others may have done its work.
        """
        if (lease := self._mine.get(lease_path(job.recording, job.output))) is None:
            return job
        try:
            return job if self._leases.begin_writing(lease) else replan(job, self._spec, self._settings)
        except (OSError, StorageNotReady):  # writing will say what is wrong
            return job

    def release(self, job: Job) -> None:
        """Give the recording back, whatever became of it."""
        self._by_label.pop(job.recording.label, None)
        if (lease := self._mine.pop(lease_path(job.recording, job.output), None)) is not None:
            self._leases.release(lease)

    def hear(self, event: Event) -> None:
        """Progress is told to those who look at the lease."""
        if isinstance(event, RecordingProgress | RecordingResumed) and (lease := self._by_label.get(event.recording)) is not None:
            lease.progress = (round(event.seconds, 3), round(event.duration, 3))

    def _anew(self, job: Job) -> Job:
        """The job by what is on the disk now; planned again only if its transcript is not what it was."""
        path = json_path(job.output)
        files = sinks.files_of(path)
        before = job.transcript_version
        unchanged = not files.is_there(path) if before is None else file_version(files.status(path)) == before
        return job if unchanged else replan(job, self._spec, self._settings)

    def _make_store_ready(self, folder: Location) -> None:
        shared_files.make_folder(folder)
        with self._changing:
            known = folder.store in self._known
            self._known.add(folder.store)
        if folder.store.can_create_exclusively is False and not known:
            where = printable(folder.store.uri(""))
            self._emit(
                Notice(
                    f"{where} creates files without conditions, so that it keeps no leases: divide it with --shard.", "warning"
                )
            )

    def _make(self, folder: Path) -> None:
        """The folder, remembering which were not there: they go again when nothing comes into them."""
        with self._changing, sinks.storage_errors(folder):
            missing = [above for above in (folder, *folder.parents) if not above.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            self._made += reversed(missing)

    def _go_without(self, path: AnyPath, error: OSError) -> None:
        """Say so once; a folder that vanished is said by whoever reads the recording."""
        with self._changing:
            told, self._warned = self._warned, True
        if not told and not isinstance(error, FileNotFoundError):
            why = f"Leases cannot be written in {printable(str(path.parent))} ({error.strerror or error})"
            self._emit(Notice(f"{why}: another run over these recordings would do them again.", "warning"))
