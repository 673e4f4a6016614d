"""The dialect of `transcribe worker`: it receives the whole spec and returns the whole transcript. See `backends.protocol`."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import ValidationError

from transcribe_cli import errors
from transcribe_cli.backends.audio_upload import AudioUpload
from transcribe_cli.backends.job_ids import JobIdRecord
from transcribe_cli.backends.protocol import Failure, PackedText, RemoteDiarization, RemoteJob, RemoteResult, decompress
from transcribe_cli.backends.runpod.job_status import JobStatus
from transcribe_cli.errors import BackendFailed, DiarizationFailed, NotReady, RecordingError, TranscribeError
from transcribe_cli.pipeline.assembly import QUIET
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.verdict import judged
from transcribe_cli.plan import Decision, Job, find_rttm
from transcribe_cli.sinks import Listings, json_path, read_transcript
from transcribe_cli.sources.content import current_digest
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.diarizers.rttm import read_text
from transcribe_cli.spec import fingerprint_of, with_diarization_of
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.transcript import Source, Transcript


class NativeDialect:
    """The requests and results of `transcribe worker`."""

    def request(self, job: Job, upload: AudioUpload, result_url: str) -> dict[str, Any]:
        """Build a `protocol.RemoteJob`.

        Raises:
            RecordingError: the existing transcript or the RTTM file cannot be read.
        """
        remote = RemoteJob(
            name=job.recording.name,
            spec=upload.spec,
            audio_url=upload.url or None,
            audio_base64=upload.data or None,
            text=_existing_text(job) if job.decision is Decision.DIARIZE else None,
            turns=_given_turns(job) if job.spec.turns_are_given else None,
            result_url=result_url or None,
        )
        return remote.model_dump(mode="json", exclude_none=True)

    def outcome(self, job: Job, record: JobIdRecord, output: Any) -> Outcome:  # noqa: ANN401 - any JSON
        """Convert the output to the transcript that this machine would have made.

        Raises:
            BackendFailed: the output is missing or damaged.
            RecordingError: the worker could not process this recording.
            NotReady: this worker does not accept such jobs.
        """
        if output is None:
            raise BackendFailed(
                f"The result was lost: RunPod completed job {record.id} without output. The job is still paid for."
            )
        try:
            result = RemoteResult.model_validate(parse_json(decompress(output)) if isinstance(output, bytes) else output)
            transcript = result.parse_transcript()
        except (ValueError, ValidationError) as error:
            raise BackendFailed(f"The result was lost: the output of job {record.id} is damaged.") from error
        if transcript is None:
            if result.failure is None:
                raise BackendFailed(f"The result was lost: the output of job {record.id} has no transcript.")
            raise _to_error(result.failure)
        return Outcome(
            job,
            _localize(transcript, job, record),
            error=None if result.failure is None else DiarizationFailed(result.failure.message, result.failure.hint),
            seconds=result.seconds,
            diarization=None if result.voices is None else _diarization(result.voices),
        )

    def error(self, status: JobStatus) -> TranscribeError:
        """Convert the error of a failed job: from the worker, or from the SDK for an exception that the worker did not handle."""
        if (failure := status.worker_failure) is not None:
            try:
                return _to_error(Failure.model_validate(failure))
            except ValidationError:
                pass
        return BackendFailed(f"The worker failed on job {status.id}: {status.error_text or 'no reason was given'}")


def _localize(transcript: Transcript, job: Job, record: JobIdRecord) -> Transcript:
    """Replace the source and the spec with this machine's, and add the defects found when the audio was decoded here."""
    recording, spec = job.recording, job.spec
    if spec.diarize and not transcript.job.spec.get("diarize", False):
        spec = spec.model_copy(update={"diarize": False})  # diarization failed: the next run tries again
    source = Source(
        name=recording.name,
        uri=recording.uri,
        size=recording.size,
        modified=recording.modified or None,
        etag=recording.etag,
        digest=current_digest(recording),
        duration=transcript.source.duration if record.promised is None else record.promised,
    )
    # The text of a diarized recording may be older, and made with other options.
    made = with_diarization_of(transcript.job.spec, spec) if job.decision is Decision.DIARIZE else spec.canonical()
    provenance = transcript.job.model_copy(update={"fingerprint": fingerprint_of(made), "spec": made, "backend": record.backend})
    quality = transcript.quality.model_copy(
        update={
            "skipped_packets": transcript.quality.skipped_packets + record.skipped,
            "left_out": record.left_out or transcript.quality.left_out,
            "quiet": record.louder or transcript.quality.quiet,
        }
    )
    flags = tuple(dict.fromkeys((*record.flags, *transcript.flags, *([QUIET] if record.louder else []))))
    local = transcript.model_copy(update={"source": source, "job": provenance, "quality": quality, "flags": flags})
    return judged(local) if record.flags else local  # the worker heard audio without these faults


def _existing_text(job: Job) -> PackedText:
    path = json_path(job.output)
    try:
        return PackedText.pack(read_transcript(path).model_dump_json(exclude_none=True))
    except TranscribeError as error:
        raise RecordingError(error.message, error.hint) from error


def _given_turns(job: Job) -> PackedText:
    return PackedText.pack(read_text(find_rttm(job.recording, job.output, Listings())))


def _diarization(remote: RemoteDiarization) -> Diarization:
    vectors = {label: np.array(vector, np.float32) for label, vector in remote.embeddings.items()}
    return Diarization(remote.turns, vectors, remote.embedded_by)


def _to_error(failure: Failure) -> TranscribeError:
    """Convert the worker's error to the exception that this machine would raise."""
    if failure.of == "setup":
        return NotReady(f"The endpoint does not accept the job: {failure.message}", failure.hint)
    if failure.of == "place":
        return BackendFailed(failure.message, failure.hint)
    return _RECORDING_ERRORS.get(failure.code, RecordingError)(failure.message, failure.hint)


_RECORDING_ERRORS = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RecordingError)
}
