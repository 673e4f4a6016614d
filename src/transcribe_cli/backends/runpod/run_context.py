"""What all attempts of a run at an endpoint share, and what a kind of worker has to say for itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from transcribe_cli.backends.audio_upload import AudioUpload, AudioUploader
from transcribe_cli.backends.job_ids import JobIdRecord, JobIds
from transcribe_cli.backends.runpod.answer import Answer
from transcribe_cli.backends.runpod.client import Client
from transcribe_cli.backends.staging import Staging
from transcribe_cli.events import Emit
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job


class Dialect(Protocol):
    """What a kind of worker takes and gives."""

    def request(self, job: Job, upload: AudioUpload, result_url: str) -> dict[str, Any]:
        """The input for a job."""
        ...

    def outcome(self, job: Job, record: JobIdRecord, output: Any) -> Outcome:  # noqa: ANN401 - any JSON
        """What the output of a completed job brings.

        Raises:
            BackendFailed: it is damaged, or not there.
            NotReady: this worker does no such jobs.
        """
        ...

    def failure(self, answer: Answer) -> Exception:
        """Why a job failed: of the recording, the place, or not ready."""
        ...


@dataclass(frozen=True)
class Errand:
    """What all attempts of a run share."""

    client: Client
    dialect: Dialect
    uploader: AudioUploader
    job_ids: JobIds
    staging: Staging | None
    emit: Emit
    place: str
    tariffs: tuple[str, ...]
    queue_seconds: float
    detach: bool
    waiting: Callable[[Answer], None]
