"""Our own worker's dialect: the whole spec in, the whole transcript out. See `remote_job`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from pydantic import ValidationError

from transcribe_cli import errors
from transcribe_cli.backends.audio_upload import AudioUpload
from transcribe_cli.backends.job_ids import JobIdRecord
from transcribe_cli.backends.protocol import Failure, Packed, RemoteJob, RemoteResult, Voices, unzipped
from transcribe_cli.backends.runpod.answer import Answer
from transcribe_cli.errors import BackendFailed, DiarizationFailed, NotReady, RecordingError, StorageNotReady, TranscribeError
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Decision, Job, find_rttm
from transcribe_cli.sinks import Listings, files_of, json_path, read_transcript
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.transcript import Source, Transcript

# Said where a result is missing or damaged.
LOST = "Its result was lost on the way"


class Ours:
    """What `transcribe worker` takes and gives."""

    def request(self, job: Job, upload: AudioUpload, result_url: str) -> dict[str, Any]:
        """See `remote_job.RemoteJob`.

        Raises:
            RecordingError: the transcript or the turns that belong to it cannot be read.
        """
        remote = RemoteJob(
            name=job.recording.name,
            spec=upload.spec,
            audio_url=upload.url or None,
            audio_base64=upload.data or None,
            text=_text(job) if job.decision is Decision.DIARIZE else None,
            turns=_turns(job) if job.spec.turns_are_given else None,
            result_url=result_url or None,
        )
        return remote.model_dump(mode="json", exclude_none=True)

    def outcome(self, job: Job, record: JobIdRecord, output: Any) -> Outcome:  # noqa: ANN401 - any JSON
        """The transcript as if it had been made here.

        Raises:
            BackendFailed: the output is missing or damaged.
            RecordingError: the worker could not do this recording.
            NotReady: this worker does no such jobs.
        """
        if output is None:
            raise BackendFailed(f"{LOST}: RunPod calls job {record.id} completed and has no output. It is paid for.")
        try:
            result = RemoteResult.model_validate(json.loads(unzipped(output)) if isinstance(output, bytes) else output)
            transcript = result.read()
        except (ValueError, ValidationError) as error:
            raise BackendFailed(f"{LOST}: the output of job {record.id} is damaged.") from error
        if transcript is None:
            if result.failure is None:
                raise BackendFailed(f"{LOST}: the output of job {record.id} has no transcript.")
            raise _raised(result.failure)
        return Outcome(
            job,
            as_made_here(transcript, job, record),
            error=None if result.failure is None else DiarizationFailed(result.failure.message, result.failure.hint),
            seconds=result.seconds,
            diarization=None if result.voices is None else _diarization(result.voices),
        )

    def failure(self, answer: Answer) -> TranscribeError:
        """Why a job failed, as our worker says it, or as the SDK does for what it did not expect."""
        if (told := answer.failure) is not None:
            try:
                return _raised(Failure.model_validate(told))
            except ValidationError:
                pass
        return BackendFailed(f"The worker failed at job {answer.id}: {answer.complaint or 'it does not say why'}")


def as_made_here(transcript: Transcript, job: Job, record: JobIdRecord) -> Transcript:
    """With this machine's name for the recording and the run's spec; what was wrong with the audio that was decoded here is added."""
    recording, spec = job.recording, job.spec
    if spec.diarize and not transcript.job.spec.get("diarize", False):
        spec = spec.model_copy(update={"diarize": False})  # the speakers could not be found out: the next run tries again
    source = Source(
        name=recording.name,
        uri=recording.uri,
        size=recording.size,
        modified=recording.modified or None,
        etag=recording.etag,
        duration=transcript.source.duration if record.promised is None else record.promised,
    )
    provenance = transcript.job.model_copy(
        update={"fingerprint": spec.fingerprint, "spec": spec.canonical(), "backend": record.backend}
    )
    quality = transcript.quality.model_copy(update={"skipped_packets": transcript.quality.skipped_packets + record.skipped})
    flags = tuple(dict.fromkeys((*record.flags, *transcript.flags)))
    return transcript.model_copy(update={"source": source, "job": provenance, "quality": quality, "flags": flags})


def _text(job: Job) -> Packed:
    path = json_path(job.output)
    try:
        return Packed.of(read_transcript(path).model_dump_json(exclude_none=True))
    except TranscribeError as error:
        raise RecordingError(error.message, error.hint) from error


def _turns(job: Job) -> Packed:
    path = find_rttm(job.recording, job.output, Listings())
    try:
        return Packed.of(files_of(path).read(path).decode("utf-8-sig"))
    except (OSError, ValueError, StorageNotReady) as error:
        raise DiarizationFailed(f"{path.name} cannot be read.") from error


def _diarization(voices: Voices) -> Diarization:
    vectors = {label: np.array(vector, np.float32) for label, vector in voices.embeddings.items()}
    return Diarization(voices.turns, vectors, voices.embedded_by)


def _raised(failure: Failure) -> TranscribeError:
    """The error that the worker had, as this machine's."""
    if failure.of == "setup":
        return NotReady(f"The endpoint does no such jobs: {failure.message}", failure.hint)
    if failure.of == "place":
        return BackendFailed(failure.message, failure.hint)
    return _RECORDING_ERRORS.get(failure.code, RecordingError)(failure.message, failure.hint)


_RECORDING_ERRORS = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RecordingError)
}
