"""A server of the OpenAI API as the recognizer of a pipeline: sends clips and returns their answers, in parallel."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from transcribe_cli.backends.http import retry_delay
from transcribe_cli.backends.openai.answer import has_times, language_of, parse_answer
from transcribe_cli.backends.openai.answer_cache import AnswerCache, RecordingAnswers
from transcribe_cli.backends.openai.client import AnswerLost, Client
from transcribe_cli.backends.openai.clip_file import ClipFile, clip_digest, encode_clip
from transcribe_cli.backends.openai.form import form_fields
from transcribe_cli.backends.openai.models import Server, Times
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.errors import BackendFailed, NotReady
from transcribe_cli.events import Emit, Notice, RecordingSent
from transcribe_cli.plan import Job
from transcribe_cli.recognition.engines import Clip, ClipResult, Task
from transcribe_cli.recognition.language_vote import UNKNOWN
from transcribe_cli.spec import JobSpec
from transcribe_cli.text.printable import printable

# Attempts at a form before the recording fails.
_ATTEMPTS = 2
# Clips that are encoded in parallel: each takes about 10 MB of memory.
_ENCODERS = 2


@dataclass
class SentTotals:
    """What was sent of a recording in requests that were answered, or may have been.

    Attributes:
        seconds: of audio, as charged.
        bytes: of audio.
        requests: their number.
        perhaps_again: whether a request without a known outcome was sent again.
    """

    seconds: float = 0.0
    bytes: int = 0
    requests: int = 0
    perhaps_again: bool = False


@dataclass(eq=False)
class _RecordingState:
    """A recording whose clips are being sent.

    Attributes:
        answers: to its clips.
        sent: totals so far.
        in_flight: seconds and bytes of audio that are not answered yet.
        is_reuse_reported: whether the user was told that earlier answers are reused.
    """

    job: Job
    answers: RecordingAnswers
    sent: SentTotals = field(default_factory=SentTotals)
    in_flight: tuple[float, int] = (0.0, 0)
    is_reuse_reported: bool = False


class Recognizer:
    """An `engines.Engine` that sends clips to a server.

    Args:
        server: the server.
        client: of that server.
        answers: the cache of answers.
        job: returns the job of a recording, by its number in the pipeline.
        opus: whether audio is sent as Opus instead of WAV.
        concurrency: maximum number of requests in flight.
        stop: ends all waiting.
    """

    batch_size = 1
    revision = None

    def __init__(
        self,
        server: Server,
        client: Client,
        answers: AnswerCache,
        job: Callable[[int], Job],
        spec: JobSpec,
        *,
        opus: bool,
        concurrency: int,
        stop: StopFlag,
        emit: Emit,
    ) -> None:
        self.model = server.api_name(spec.model)
        self.device = server.host
        self.concurrency = self.replicas = concurrency
        self._server = server
        self._client = client
        self._answers = answers
        self._job = job
        self._opus = opus
        self._stop = stop
        self._emit = emit
        self._recordings: dict[int, _RecordingState] = {}
        self._sent_languages: dict[tuple[int, int], str] = {}  # of clips that were sent with a language
        self._are_words_reported_missing = False
        self._lock = threading.Lock()
        self._encoders = threading.Semaphore(_ENCODERS)

    def check(self, spec: JobSpec) -> None:
        """Nothing: the backend's `check` did it."""

    def shortened(self, spec: JobSpec) -> str:
        """Nothing: the backend's `check` said it."""
        return ""

    def detect_languages(self, clips: Sequence[Clip]) -> list[Mapping[str, float]]:
        """The languages that the server detects without a hint. The answers are kept, and reused if the vote is for the same language.

        A clip that was sent with the language of an early vote is not sent again: it votes for that language.
        """
        votes: list[Mapping[str, float]] = []
        for clip in clips:
            language = self._sent_languages.get((clip.recording, clip.index))
            language = language or self._language_of(self._answer(clip, None), clip)
            votes.append({language: 1.0} if language else {})
        return votes

    def recognize(self, tasks: Sequence[Task]) -> list[ClipResult | Task]:
        """The results of clips in their language."""
        return [self._recognize(task.clip) for task in tasks]

    def sent(self, number: int) -> SentTotals:
        """What was sent of a recording so far."""
        with self._lock:
            recording = self._recordings.get(number)
            return replace(recording.sent) if recording else SentTotals()

    def answers(self, number: int) -> RecordingAnswers | None:
        """The answers for a recording; None where nothing was requested."""
        with self._lock:
            recording = self._recordings.get(number)
            return recording.answers if recording else None

    def _recognize(self, clip: Clip) -> ClipResult:
        language = None if clip.language == UNKNOWN else clip.language
        if language is not None:
            self._sent_languages[clip.recording, clip.index] = language
            vote = self._recording(clip).answers.get(self._key(clip, None))
            if vote is not None and self._language_of(vote, clip) == language:
                return self._result(vote, clip)
        return self._result(self._answer(clip, language), clip)

    def _result(self, answer: Mapping[str, Any], clip: Clip) -> ClipResult:
        result = parse_answer(answer, clip)
        expects_words = clip.spec.word_timestamps and self._server.model(clip.spec.model).times is Times.WORD
        with self._lock:
            should_report = expects_words and bool(result.phrases) and not result.words and not self._are_words_reported_missing
            self._are_words_reported_missing = self._are_words_reported_missing or should_report
        if should_report:
            self._emit(Notice(f"{self._server.host} returns segment timestamps, but no word timestamps."))
        return result

    def _language_of(self, answer: Mapping[str, Any], clip: Clip) -> str | None:
        """The spoken language; None for a translation, whose answer has either that one or the language of the text."""
        return None if clip.spec.task == "translate" else language_of(answer)

    def _answer(self, clip: Clip, language: str | None) -> Mapping[str, Any]:
        """The answer for a clip, of this run or an earlier one.

        Raises:
            NotReady, RecordingError, BackendFailed, Stopped: see `client`.
        """
        recording, key = self._recording(clip), self._key(clip, language)
        if (known := recording.answers.get(key)) is not None:
            self._report_reuse(recording)
            return known
        with self._encoders:
            self._stop.check()
            file = encode_clip(clip, opus=self._opus, check=self._stop.check)
        answer = self._send(recording, clip, language, file)
        model = self._server.model(clip.spec.model)
        if model.times is not Times.NONE and not has_times(answer):
            raise NotReady(
                f"The model {self._server.api_name(clip.spec.model)} at {self._server.host} returns no timestamps.",
                "Use --api-times none, which cuts the audio at pauses instead.",
            )
        recording.answers.add(key, answer)
        return answer

    def _send(self, recording: _RecordingState, clip: Clip, language: str | None, file: ClipFile) -> Mapping[str, Any]:
        fields = form_fields(self._server, clip.spec, language)
        for attempt in range(_ATTEMPTS):
            try:
                with self._in_flight(recording, file):
                    answer = self._client.transcribe(
                        fields,
                        (file.name, file.data, file.media_type),
                        seconds=file.seconds,
                        translate=clip.spec.task == "translate",
                    )
            except AnswerLost:
                self._count(recording, file, is_lost=True)
                if attempt + 1 == _ATTEMPTS:
                    raise
            except BackendFailed as error:
                if attempt + 1 == _ATTEMPTS or error.retry_after is not None:  # the transport has waited long enough
                    raise
            else:
                self._count(recording, file)
                return answer
            self._stop.wait(retry_delay(attempt))
        raise AssertionError("unreachable")

    def _key(self, clip: Clip, language: str | None) -> str:
        form = json.dumps([clip_digest(clip), clip.spec.task, form_fields(self._server, clip.spec, language)])
        return hashlib.sha256(form.encode()).hexdigest()[:32]

    def _recording(self, clip: Clip) -> _RecordingState:
        with self._lock:
            if clip.recording not in self._recordings:
                job = self._job(clip.recording)
                self._recordings[clip.recording] = _RecordingState(job, self._answers.for_job(job))
            return self._recordings[clip.recording]

    @contextmanager
    def _in_flight(self, recording: _RecordingState, file: ClipFile) -> Iterator[None]:
        """Count a file as in flight, and emit the totals for the meter."""
        seconds, size = self._billed_seconds(file), len(file.data)
        with self._lock:
            recording.in_flight = recording.in_flight[0] + seconds, recording.in_flight[1] + size
            total_seconds = recording.sent.seconds + recording.in_flight[0]
            total_bytes = recording.sent.bytes + recording.in_flight[1]
        label = recording.job.recording.label
        self._emit(RecordingSent(label, "openai", "", total_bytes, round(total_seconds, 3), self._server.host))
        try:
            yield
        finally:
            with self._lock:
                recording.in_flight = recording.in_flight[0] - seconds, recording.in_flight[1] - size

    def _billed_seconds(self, file: ClipFile) -> float:
        return max(file.seconds, self._server.service.min_billed_seconds if self._server.service else 0.0)

    def _count(self, recording: _RecordingState, file: ClipFile, *, is_lost: bool = False) -> None:
        with self._lock:
            sent = recording.sent
            sent.seconds += self._billed_seconds(file)
            sent.bytes += len(file.data)
            sent.requests += 1
            sent.perhaps_again = sent.perhaps_again or is_lost

    def _report_reuse(self, recording: _RecordingState) -> None:
        with self._lock:
            is_reported, recording.is_reuse_reported = recording.is_reuse_reported, True
        if recording.answers.has_earlier and not is_reported:
            label = printable(recording.job.recording.label)
            self._emit(Notice(f"{label}: answers of an earlier run are reused; they are not paid for again."))
