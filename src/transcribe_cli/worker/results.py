"""Outcomes and errors of a worker as documents of the protocol."""

from __future__ import annotations

from typing import Literal

from transcribe_cli.backends.protocol import Failure, PackedText, RemoteDiarization, RemoteResult
from transcribe_cli.errors import BackendFailed, NotReady, RecordingError, StorageNotReady, TranscribeError, UsageError
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.speakers.diarizers import Diarization


def to_result(outcome: Outcome) -> RemoteResult:
    """Convert the outcome of a job."""
    transcript = outcome.transcript
    return RemoteResult(
        transcript=None if transcript is None else PackedText.pack(transcript.model_dump_json(exclude_none=True)),
        failure=None if outcome.error is None else to_failure(outcome.error),
        voices=None if outcome.diarization is None else _to_remote(outcome.diarization),
        seconds=outcome.seconds,
    )


def to_failure(error: TranscribeError) -> Failure:
    """Convert an error. An error that every job would have on this worker is a failure of the setup."""
    of: Literal["recording", "place", "setup"] = "place"
    if isinstance(error, RecordingError):
        of = "recording"
    elif isinstance(error, NotReady | UsageError):
        of = "setup"
    return Failure.from_error(error, of)


def to_transcribe_error(error: BaseException) -> TranscribeError:
    """Convert any exception to an error that a client understands."""
    if isinstance(error, TranscribeError):
        return error
    if isinstance(error, OSError):
        return StorageNotReady(f"The worker's disk failed ({error.strerror}).")
    return BackendFailed(f"Unexpected {type(error).__name__} in the worker: {error}.")


def _to_remote(diarization: Diarization) -> RemoteDiarization:
    embeddings = {label: [float(number) for number in vector] for label, vector in diarization.embeddings.items()}
    return RemoteDiarization(turns=diarization.turns, embeddings=embeddings, embedded_by=diarization.embedded_by)
