"""Ids of remote jobs on disk, so a run that is killed finds its jobs again and pays for none twice.

One file per recording, spec and backend in the user's state folder. It is written without an id before audio is staged, and again before
the job is submitted. After a kill during the submission, the file shows that a job may exist whose id is unknown. No key and no signed
URL is ever in it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import FiniteFloat, TypeAdapter

from transcribe_cli import state_folder
from transcribe_cli.errors import StorageNotReady
from transcribe_cli.plan import Job
from transcribe_cli.sinks.atomic import publish, stage
from transcribe_cli.state_folder import StateFiles
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.regular_files import read_regular_file
from transcribe_cli.transcript import Count, Seconds

# Jobs live 7 days at most, and results no longer than their jobs.
MAX_AGE_SECONDS = 10 * 24 * 3600.0


@dataclass(frozen=True)
class JobIdRecord:
    """A remote job, as its file has it.

    Attributes:
        name: of the recording, for people who look into the folder.
        backend: that runs it.
        place: the endpoint or server.
        id: the backend's job id; "" until it is known.
        sent: when the job was submitted, or was about to be, in seconds since the epoch; 0 before that.
        bytes: size of the audio that this machine sent.
        seconds: duration of the recording; None when it is unknown.
        promised: duration in seconds in the header, for a file that was decoded here.
        flags: faults of the audio, when it was decoded here.
        skipped: damaged packets.
        left_out: stretches of time in which channels were left out of the mix here.
        louder: stretches of time that were made louder here.
        staged: unsigned URL of the staged audio, to be removed; "" when there is none.
        result: unsigned URL of the object that the result is written to; "" when the result is inline.
    """

    name: str
    backend: str
    place: str
    id: str = ""
    sent: FiniteFloat = 0.0
    bytes: Count = 0
    seconds: Seconds | None = None
    promised: Seconds | None = None
    flags: tuple[str, ...] = ()
    skipped: Count = 0
    left_out: tuple[tuple[Seconds, Seconds], ...] = ()
    louder: tuple[tuple[Seconds, Seconds], ...] = ()
    staged: str = ""
    result: str = ""


_RECORD = TypeAdapter(JobIdRecord)


class JobIdFile:
    """The file of one record. An outcome carries it as its checkpoint, so it is removed once the transcript is written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> JobIdRecord | None:
        """The record of an earlier run; None without a valid one."""
        try:
            return _RECORD.validate_python(parse_json(read_regular_file(self._path)))
        except (OSError, ValueError):  # pydantic's error is a ValueError
            return None

    def write(self, record: JobIdRecord) -> None:
        """Write the record and sync it to disk.

        Raises:
            StorageNotReady: it cannot be written; the caller must not send anything then.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            publish(stage(self._path.parent, json.dumps(asdict(record)).encode(), mode=0o600), self._path)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise StorageNotReady(
                f"Job ids cannot be written to {self._path.parent} ({reason}), so nothing is sent.",
                "Free space there, or set --state-dir.",
            ) from error

    def remove(self) -> None:
        """Remove the file: the job is finished or given up."""
        state_folder.remove(self._path)


class JobIds:
    """The job ids of an endpoint or server.

    Args:
        folder: the state folder; None is the user's default one.
    """

    def __init__(self, folder: Path | None, backend: str, place: str) -> None:
        self._state_files = StateFiles(folder, "remote", ".job.json", MAX_AGE_SECONDS)
        self._backend = backend
        self._place = place

    def file_for(self, job: Job) -> JobIdFile:
        """The file for a recording in its present version."""
        recording, spec_identity = job.recording, (job.spec.fingerprint, job.decision.value)
        return JobIdFile(self._state_files.path(recording.uri, *recording.identity, *spec_identity, self._backend, self._place))

    def new_record(self, job: Job) -> JobIdRecord:
        """A record for a job that is about to be sent."""
        return JobIdRecord(job.recording.name, self._backend, self._place)

    def sweep(self) -> None:
        """Remove files whose jobs and results have expired."""
        self._state_files.remove_expired()
