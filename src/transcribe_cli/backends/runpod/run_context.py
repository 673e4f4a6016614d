"""What all attempts of a run at an endpoint share, and the interface of a worker dialect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from transcribe_cli.backends.audio_upload import AudioUpload, AudioUploader
from transcribe_cli.backends.job_ids import JobIdRecord, JobIds
from transcribe_cli.backends.runpod.client import Client
from transcribe_cli.backends.runpod.job_status import JobStatus
from transcribe_cli.backends.staging import Staging
from transcribe_cli.events import Emit
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job


class Dialect(Protocol):
    """The requests and results of one kind of worker."""

    def request(self, job: Job, upload: AudioUpload, result_url: str) -> dict[str, Any]:
        """Build the input of a job."""
        ...

    def outcome(self, job: Job, record: JobIdRecord, output: Any) -> Outcome:  # noqa: ANN401 - any JSON
        """Convert the output of a completed job.

        Raises:
            BackendFailed: the output is damaged or missing.
            NotReady: this worker does not accept such jobs.
        """
        ...

    def error(self, status: JobStatus) -> Exception:
        """Convert the error of a failed job: a RecordingError, BackendFailed, or NotReady."""
        ...


@dataclass(frozen=True)
class RunContext:
    """What all attempts of a run share.

    Attributes:
        queue_seconds: how long a job may wait in the queue.
        detach: whether to leave jobs at RunPod instead of waiting for them.
        check_queue: called with the status of each job that has not ended; raises NotReady if the queue is stalled.
    """

    client: Client
    dialect: Dialect
    uploader: AudioUploader
    job_ids: JobIds
    staging: Staging | None
    emit: Emit
    endpoint: str
    tariffs: tuple[str, ...]
    queue_seconds: float
    detach: bool
    check_queue: Callable[[JobStatus], None]
