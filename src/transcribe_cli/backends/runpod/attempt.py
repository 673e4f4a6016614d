"""One recording at an endpoint: sent, or found again from an earlier run, and followed until its transcript is here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from transcribe_cli.backends.audio_upload import AudioUpload
from transcribe_cli.backends.job_ids import JobIdFile, JobIdRecord
from transcribe_cli.backends.runpod.answer import Answer, State
from transcribe_cli.backends.runpod.client import Expired, PerhapsSent
from transcribe_cli.backends.runpod.run_context import Errand
from transcribe_cli.backends.staging import Staging
from transcribe_cli.backends.thread_pool import StopFlag, Stopped
from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import BackendFailed, NotReady, RecordingError, StorageNotReady
from transcribe_cli.events import Notice, RecordingProgress, RecordingSent, RecordingStarted, RecordingTaken
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Decision, Job
from transcribe_cli.storage.signing import MAX_SIGNED_SECONDS, sign_url
from transcribe_cli.text.printable import printable

# A worker may take so long for a recording: its own length, and this for loading models; in seconds.
_LEAST_COMPUTING = 900.0
# Where nobody knows how long a recording is, it may be this long.
_UNKNOWN_SECONDS = 6 * 3600.0
# First often, then less: a job of seconds is not waited for for minutes, one of hours costs few requests.
_POLL_SECONDS, _SLOWEST_POLL, _SLOWER = 1.0, 15.0, 1.3
# The queue does not answer for so long, in seconds: people should know.
_SILENCE_SECONDS = 120.0


def carry_out(errand: Errand, job: Job, stop: StopFlag) -> Outcome:
    """Do one job; what is staged for it is removed, whatever happens.

    Raises:
        NotReady: the endpoint, the staging bucket or this machine cannot go on.
        Stopped: the run was stopped; the job is cancelled, or left where it is, as the user wants.
    """
    return _Attempt(errand, job, stop).run()


class _Attempt:
    def __init__(self, errand: Errand, job: Job, stop: StopFlag) -> None:
        self._errand = errand
        self._job = job
        self._stop = stop
        self._record_file: JobIdFile = errand.job_ids.file_for(job)
        self._record: JobIdRecord = errand.job_ids.new_record(job)
        self._answer: Answer | None = None
        self._perhaps_again = False

    def run(self) -> Outcome:
        recording, spec = self._job.recording, self._job.spec
        text = self._job.decision is Decision.TRANSCRIBE
        self._errand.emit(RecordingStarted(recording.label, recording.size, text, spec.diarize, "runpod"))
        try:
            self._find_or_send()
            answer = self._followed()
            if answer is None:
                return Outcome(self._job, elsewhere=True)
            outcome = self._brought(answer)
        except Stopped:
            self._leave()
            raise
        except (RecordingError, BackendFailed) as error:
            self._forget()
            outcome = Outcome(self._job, error=error)
        except NotReady as error:
            if self._record.id and self._answer is None:
                self._leave()
            elif not isinstance(error, StorageNotReady):  # then a result that cannot be fetched now is found again
                self._forget()
            raise
        paid = bool(self._record.id) or isinstance(outcome.error, PerhapsSent)
        return replace(outcome, usage=(self._usage(outcome),) if paid else ())

    def _find_or_send(self) -> None:
        found = self._record_file.read()
        if found is None:
            self._send()
        elif found.id:
            self._record = found
            self._tell(f"{self._label} is at RunPod already, as job {found.id}: it is not sent again.")
        else:
            if found.sent:
                self._perhaps_again = True
                killed = "may have been sent by a run that was killed, and nobody knows its job: it may be paid for twice."
                self._tell(f"{self._label} {killed}", "warning")
            self._remove_staged(found)
            self._send()

    def _note_staged(self, uri: str) -> None:
        """The audio is about to be put there: a run that is killed leaves nothing that nobody knows of."""
        self._record = replace(self._record, staged=uri)
        self._record_file.write(self._record)

    def _send(self) -> None:
        errand, job = self._errand, self._job
        unknown = _LEAST_COMPUTING + _UNKNOWN_SECONDS
        upload = errand.uploader.prepare(
            job, min(MAX_SIGNED_SECONDS, errand.queue_seconds + unknown), self._stop, self._note_staged
        )
        self._record = replace(
            self._record,
            bytes=upload.bytes,
            seconds=upload.seconds,
            promised=upload.promised,
            flags=upload.flags,
            skipped=upload.skipped,
            staged=upload.staged,
        )
        try:
            self._submit(upload, _LEAST_COMPUTING + (upload.seconds or _UNKNOWN_SECONDS))
        except BaseException:
            self._remove_staged(self._record)
            raise
        sent = RecordingSent(job.recording.label, "runpod", self._record.id, upload.bytes, upload.seconds, errand.place)
        errand.emit(sent)

    def _submit(self, upload: AudioUpload, computing: float) -> None:
        """Note the job on disk, put it into the queue, note its id."""
        errand = self._errand
        to_live = min(MAX_SIGNED_SECONDS, computing + errand.queue_seconds)
        result_url = ""
        if errand.staging is not None:
            place = errand.staging.new_object("json.gz")
            result_url = sign_url(place, to_live, put=True)
            self._record = replace(self._record, result=place.uri)
        body = {
            "input": errand.dialect.request(self._job, upload, result_url),
            "policy": {"executionTimeout": round(1000 * computing), "ttl": round(1000 * to_live)},
        }
        self._stop.check()
        self._record = replace(self._record, sent=round(time.time(), 3))
        self._record_file.write(self._record)
        try:
            self._record = replace(self._record, id=errand.client.submit(body))
        except Stopped:  # between two tries: it was surely not taken
            self._record_file.remove()
            raise
        self._record_file.write(self._record)

    def _followed(self) -> Answer | None:
        """Its final state; None when it is left where it is.

        Raises:
            BackendFailed: its result is gone.
        """
        pause, silent_since, told, taken = _POLL_SECONDS, None, False, False
        while True:
            try:
                answer = self._errand.client.status(self._record.id)
            except Expired as error:
                return self._collected(error)
            except BackendFailed as error:
                silent_since = silent_since or time.monotonic()
                if not told and time.monotonic() - silent_since > _SILENCE_SECONDS:
                    told = True
                    self._tell(f"{error.message} Jobs go on there; trying again.", "warning")
            else:
                silent_since = None
                if answer.state.is_final:
                    self._answer = answer
                    return answer
                if answer.state is State.RUNNING and not taken:
                    taken = True
                    self._tell_taken(answer)
                self._progress(answer)
                if self._errand.detach:
                    return None
                self._errand.waiting(answer)
            self._stop.wait(pause)
            pause = min(_SLOWEST_POLL, pause * _SLOWER)

    def _collected(self, error: Expired) -> Answer:
        """The result of a job that the queue has forgotten: in the staging bucket, or lost."""
        if self._staged_result() is not None:
            self._answer = Answer(self._record.id, State.COMPLETED)
            return self._answer
        self._perhaps_again = True
        raise BackendFailed(
            f"RunPod knows nothing of job {self._record.id} any more: its result was not collected in time, or it waited too long. "
            "What it did is paid for.",
            "Results are kept for 30 minutes; with --staging they wait in a bucket.",
        ) from error

    def _brought(self, answer: Answer) -> Outcome:
        """What a finished job comes to."""
        if answer.retries:
            self._perhaps_again = True
            self._tell(
                f"RunPod began {self._label} {answer.retries + 1} times: the work of workers that died may be paid for.",
                "warning",
            )
        match answer.state:
            case State.COMPLETED:
                stored = self._staged_result()
                outcome = self._errand.dialect.outcome(self._job, self._record, answer.output if stored is None else stored)
                kept = _Kept(self._record_file, self._record, self._errand.staging)
                if outcome.transcript is None:
                    kept.remove()
                self._remove_staged_audio(self._record)
                return replace(outcome, checkpoint=kept if outcome.transcript is not None else None)
            case State.FAILED:
                raise self._errand.dialect.failure(answer)
            case State.TIMED_OUT:
                raise BackendFailed(f"Job {answer.id} ran out of its time at RunPod.")
            case _:
                raise BackendFailed(f"Job {answer.id} was cancelled at RunPod.")

    def _staged_result(self) -> bytes | None:
        if not self._record.result or self._errand.staging is None:
            return None
        return self._errand.staging.get(self._record.result)

    def _progress(self, answer: Answer) -> None:
        done = answer.output
        if answer.state is State.RUNNING and isinstance(done, Mapping) and "seconds" in done and "duration" in done:
            try:
                event = RecordingProgress(self._job.recording.label, float(done["seconds"]), float(done["duration"]))
            except (TypeError, ValueError):
                return
            self._errand.emit(event)

    def _tell_taken(self, answer: Answer) -> None:
        """A worker is at it, which is paid from now on, or since the place says it left the queue."""
        since = time.time() - self._record.sent - answer.queued if answer.queued is not None else 0.0
        since = round(max(0.0, since), 3)
        self._errand.emit(RecordingTaken(self._job.recording.label, "runpod", self._record.id, since, self._errand.place))

    def _leave(self) -> None:
        """The run ends: nothing goes on there that nobody collects, unless the user wants it to."""
        if self._record.id and not self._errand.detach and self._errand.client.cancel(self._record.id):
            self._forget()

    def _forget(self) -> None:
        self._remove_staged(self._record)
        self._record_file.remove()

    def _remove_staged(self, record: JobIdRecord) -> None:
        self._remove_staged_audio(record)
        if record.result and self._errand.staging is not None:
            self._errand.staging.remove(record.result)

    def _remove_staged_audio(self, record: JobIdRecord) -> None:
        if record.staged and self._errand.staging is not None and not self._errand.staging.remove(record.staged):
            self._tell(f"{record.staged} could not be removed.", "warning")

    def _usage(self, outcome: Outcome) -> Usage:
        answer = self._answer
        return Usage(
            backend="runpod",
            place=self._errand.place,
            tariffs=self._errand.tariffs,
            job_id=self._record.id,
            computing=self._computing(outcome),
            queued=answer.queued if answer else None,
            audio=self._record.seconds,
            bytes_sent=self._record.bytes,
            error=outcome.error.code if outcome.error else "",
            perhaps_again=self._perhaps_again,
        )

    def _computing(self, outcome: Outcome) -> float | None:
        """What RunPod says the worker took; else what the worker says of its own work."""
        if self._answer is None:
            return None
        if self._answer.computing is None and self._answer.state is State.CANCELLED:
            return 0.0  # it never began
        return self._answer.computing if self._answer.computing is not None else outcome.seconds or None

    @property
    def _label(self) -> str:
        return printable(self._job.recording.label)

    def _tell(self, message: str, level: str = "info") -> None:
        self._errand.emit(Notice(message, level))


@dataclass(frozen=True)
class _Kept:
    """What goes once the transcript is written: until then a run that is killed finds the result again."""

    record_file: JobIdFile
    record: JobIdRecord
    staging: Staging | None

    def remove(self) -> None:
        """The transcript is written."""
        self.record_file.remove()
        if self.record.result and self.staging is not None:
            self.staging.remove(self.record.result)
