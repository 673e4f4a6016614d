"""Submitting a job: upload the audio, record the job on disk, queue it."""

from __future__ import annotations

import time

from transcribe_cli.backends.audio_upload import AudioUpload
from transcribe_cli.backends.runpod.run_context import RunContext
from transcribe_cli.backends.runpod.tracked_job import TrackedJob
from transcribe_cli.backends.thread_pool import StopFlag, Stopped
from transcribe_cli.events import RecordingSent
from transcribe_cli.plan import Job
from transcribe_cli.storage.signing import MAX_SIGNED_SECONDS, sign_url

# A worker's time limit is the length of the recording plus this, for loading models; in seconds.
_BASE_COMPUTE_SECONDS = 900.0
# The assumed length of a recording whose length is not known.
_UNKNOWN_LENGTH_SECONDS = 6 * 3600.0


def time_limits(seconds: float | None, queue_seconds: float) -> tuple[float, float]:
    """How long a worker may compute on a recording of this length (None: unknown), and a job live since it was sent; in seconds."""
    compute_seconds = _BASE_COMPUTE_SECONDS + (seconds or _UNKNOWN_LENGTH_SECONDS)
    return compute_seconds, min(MAX_SIGNED_SECONDS, compute_seconds + queue_seconds)


def submit(context: RunContext, job: Job, tracked: TrackedJob, stop: StopFlag) -> None:
    """Upload the audio of a job and queue the job.

    The record is on disk before anything is staged or sent, so a run that is killed leaves nothing behind that a later run cannot find.
    If the submission fails, staged objects are removed.

    Raises:
        RecordingError: the audio cannot be read or sent.
        BackendFailed: the job was not queued, or may not have been (`client.SubmissionUncertain`).
        NotReady: the endpoint, the staging bucket or this machine cannot be used.
        Stopped: the run was stopped.
    """

    def save_staged(uri: str) -> None:
        tracked.update(staged=uri)
        tracked.save()

    max_seconds = context.queue_seconds + _BASE_COMPUTE_SECONDS + _UNKNOWN_LENGTH_SECONDS
    upload = context.uploader.prepare(job, min(MAX_SIGNED_SECONDS, max_seconds), stop, save_staged)
    tracked.update(
        bytes=upload.bytes,
        seconds=upload.seconds,
        promised=upload.promised,
        flags=upload.flags,
        skipped=upload.skipped,
        left_out=upload.left_out,
        louder=upload.louder,
        staged=upload.staged,
    )
    try:
        _queue(context, job, tracked, upload, stop)
    except BaseException:
        tracked.remove_staged(tracked.record)
        raise
    context.emit(RecordingSent(job.recording.label, "runpod", tracked.record.id, upload.bytes, upload.seconds, context.endpoint))


def _queue(context: RunContext, job: Job, tracked: TrackedJob, upload: AudioUpload, stop: StopFlag) -> None:
    """Save the record, send the job, save its id."""
    compute_seconds, ttl_seconds = time_limits(upload.seconds, context.queue_seconds)
    result_url = ""
    if context.staging is not None:
        result = context.staging.new_object("json.gz")
        result_url = sign_url(result, ttl_seconds, put=True)
        tracked.update(result=result.uri)
    body = {
        "input": context.dialect.request(job, upload, result_url),
        "policy": {"executionTimeout": round(1000 * compute_seconds), "ttl": round(1000 * ttl_seconds)},
    }
    stop.check()
    tracked.update(sent=round(time.time(), 3))
    tracked.save()
    try:
        tracked.update(id=context.client.submit(body))
    except Stopped:  # between two attempts: the job was certainly not queued
        tracked.remove_file()
        raise
    tracked.save()
