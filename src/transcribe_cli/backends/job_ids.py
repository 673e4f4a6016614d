"""Which jobs are elsewhere, on disk before anybody waits for them: a run that is killed finds its jobs again and pays nothing twice.

A file for each recording, spec and place in the user's state folder. It is there before audio is staged, and before the job is sent,
without an id; so after a kill between sending and hearing the id it is known that there may be a job that nobody can find. No key and no
signed URL is ever in it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from transcribe_cli import state_folder
from transcribe_cli.errors import StorageNotReady
from transcribe_cli.plan import Job
from transcribe_cli.sinks.atomic import publish, stage
from transcribe_cli.state_folder import StateFiles

# No job lives longer than 7 days, and no result longer than it.
SWEEP_SECONDS = 10 * 24 * 3600.0


@dataclass(frozen=True)
class JobIdRecord:
    """A job that is elsewhere.

    Attributes:
        name: of the recording, for people who look into the folder.
        backend: and `place`, its endpoint or server.
        id: what the place calls the job; "" when it never said.
        sent: when, in seconds since the epoch, or when it was about to be; 0 before that.
        bytes: of audio that were sent by this machine.
        seconds: length of the recording; None when nobody knows.
        promised: what its header promises, when it was decoded here.
        flags: what was wrong with the audio when it was decoded here.
        skipped: damaged packets.
        staged: the audio's URL in the staging bucket, unsigned, to be removed; "" when there is none.
        result: where the result is to come, unsigned; "" when inline.
    """

    name: str
    backend: str
    place: str
    id: str = ""
    sent: float = 0.0
    bytes: int = 0
    seconds: float | None = None
    promised: float | None = None
    flags: tuple[str, ...] = ()
    skipped: int = 0
    staged: str = ""
    result: str = ""


class JobIdFile:
    """The file of one record. `remove` makes it one of an outcome's things to be removed once the transcript is written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> JobIdRecord | None:
        """The record of an earlier run."""
        try:
            record = json.loads(self._path.read_bytes())
            return JobIdRecord(**{**record, "flags": tuple(record["flags"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, record: JobIdRecord) -> None:
        """Write it through to the disk.

        Raises:
            StorageNotReady: it cannot be kept, and then nothing is to be sent.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            publish(stage(self._path.parent, json.dumps(asdict(record)).encode(), mode=0o600), self._path)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise StorageNotReady(
                f"What is sent elsewhere cannot be noted in {self._path.parent} ({reason}), so nothing is sent.",
                "Make room there, or set --state-dir.",
            ) from error

    def remove(self) -> None:
        """Nobody needs to find the job again."""
        state_folder.remove(self._path)


class JobIds:
    """All tickets of a place.

    Args:
        folder: the state folder; None is the user's own.
    """

    def __init__(self, folder: Path | None, backend: str, place: str) -> None:
        self._state_files = StateFiles(folder, "remote", ".job.json", SWEEP_SECONDS)
        self._backend = backend
        self._place = place

    def file_for(self, job: Job) -> JobIdFile:
        """The record of a recording as it is now."""
        recording, wanted = job.recording, (job.spec.fingerprint, job.decision.value)
        return JobIdFile(self._state_files.path(recording.uri, *recording.identity, *wanted, self._backend, self._place))

    def new_record(self, job: Job) -> JobIdRecord:
        """A new one, for a job that is about to be sent."""
        return JobIdRecord(job.recording.name, self._backend, self._place)

    def sweep(self) -> None:
        """Remove those whose jobs and results are long gone."""
        self._state_files.remove_expired()


def with_id(record: JobIdRecord, job_id: str) -> JobIdRecord:
    """The same record, once the place said what it calls the job."""
    return replace(record, id=job_id)
