"""A server of the OpenAI API as the recognizer of a pipeline: clips in, answers out, as many at once as the user allows."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from transcribe_cli.backends.http import retry_delay
from transcribe_cli.backends.openai.answer import language_of, result_of, tells_times
from transcribe_cli.backends.openai.answer_cache import Answers, Paid
from transcribe_cli.backends.openai.client import Client, Dropped
from transcribe_cli.backends.openai.clip_file import Piece, digest, packed
from transcribe_cli.backends.openai.models import Server, Times
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.errors import BackendFailed, NotReady
from transcribe_cli.events import Emit, Notice, RecordingSent
from transcribe_cli.plan import Job
from transcribe_cli.recognition.engines import Clip, ClipResult, Task
from transcribe_cli.recognition.language_vote import UNKNOWN
from transcribe_cli.spec import JobSpec
from transcribe_cli.text.printable import printable

# A form that a server failed at is sent once more before the recording fails.
_TRIES = 2
# Encoded side by side: each has some 10 MB in memory.
_ENCODERS = 2


@dataclass
class Spent:
    """What was sent of a recording, and answered or perhaps answered.

    Attributes:
        seconds: of audio, as they are paid for.
        bytes: of audio.
        requests: how many.
        perhaps_again: whether one that nobody knows the end of was sent again.
    """

    seconds: float = 0.0
    bytes: int = 0
    requests: int = 0
    perhaps_again: bool = False


@dataclass(eq=False)
class Subject:
    """A recording whose clips come.

    Attributes:
        spent: on it so far.
        sending: seconds and bytes of audio that are not answered yet.
        told: whether people were told that answers were there already.
    """

    job: Job
    paid: Paid
    spent: Spent = field(default_factory=Spent)
    sending: tuple[float, int] = (0.0, 0)
    told: bool = False


class Recognizer:
    """An `engines.Engine` that asks a server.

    Args:
        server: which one.
        client: that speaks to it.
        answers: where they are kept.
        job: the job of a recording, by its number in the pipeline.
        opus: whether audio is sent as Opus, rather than as WAV.
        at_once: requests.
        stop: ends all waiting.
    """

    batch_size = 1

    def __init__(
        self,
        server: Server,
        client: Client,
        answers: Answers,
        job: Callable[[int], Job],
        spec: JobSpec,
        *,
        opus: bool,
        at_once: int,
        stop: StopFlag,
        emit: Emit,
    ) -> None:
        self.model = server.name_of(spec.model)
        self.device = server.host
        self.concurrency = self.replicas = at_once
        self._server = server
        self._client = client
        self._answers = answers
        self._job = job
        self._opus = opus
        self._stop = stop
        self._emit = emit
        self._subjects: dict[int, Subject] = {}
        self._took: dict[str, float] = {}  # seconds, by the key of an answer
        self._languages: dict[tuple[int, int], str] = {}  # of clips that were sent in one
        self._told_words = False
        self._lock = threading.Lock()
        self._encoders = threading.Semaphore(_ENCODERS)

    def check(self, spec: JobSpec) -> None:
        """Nothing that was not checked before."""

    def detect_languages(self, clips: Sequence[Clip]) -> list[Mapping[str, float]]:
        """What the server hears where nobody says what is spoken: its answers are kept, and used if the vote is for the same language.

        A clip that was sent in the language of an early vote is not sent once more to vote: it stands by that language.
        """
        found: list[Mapping[str, float]] = []
        for clip in clips:
            told = self._languages.get((clip.recording, clip.index)) or self._told(self._asked(clip, None)[0], clip)
            found.append({told: 1.0} if told else {})
        return found

    def recognize(self, tasks: Sequence[Task]) -> list[ClipResult | Task]:
        """The answers to clips in their language."""
        return [self._recognized(task.clip) for task in tasks]

    def spent(self, number: int) -> Spent:
        """What was sent of a recording so far."""
        with self._lock:
            subject = self._subjects.get(number)
            return replace(subject.spent) if subject else Spent()

    def paid(self, number: int) -> Paid | None:
        """The answers about a recording; None where nothing was asked."""
        with self._lock:
            subject = self._subjects.get(number)
            return subject.paid if subject else None

    def _recognized(self, clip: Clip) -> ClipResult:
        language = None if clip.language == UNKNOWN else clip.language
        if language is not None:
            self._languages[clip.recording, clip.index] = language
            key = self._key(clip, None)
            voted = self._subject(clip).paid.find(key)
            if voted is not None and self._told(voted, clip) == language:
                return self._result(voted, clip, key)
        return self._result(*self._asked(clip, language))

    def _result(self, answer: Mapping[str, Any], clip: Clip, key: str) -> ClipResult:
        result = result_of(answer, clip, self._took.get(key, 0.0))
        wanted = clip.spec.word_timestamps and self._server.model(clip.spec.model).times is Times.WORD
        with self._lock:
            missing = wanted and bool(result.phrases) and not result.words and not self._told_words
            self._told_words = self._told_words or missing
        if missing:
            self._emit(Notice(f"{self._server.host} tells times of segments only: there are none of words."))
        return result

    def _told(self, answer: Mapping[str, Any], clip: Clip) -> str | None:
        """The language that was spoken; of a translation the answer tells that of the text, or this one, and nobody knows which."""
        return None if clip.spec.task == "translate" else language_of(answer)

    def _asked(self, clip: Clip, language: str | None) -> tuple[Mapping[str, Any], Clip, str]:
        """The answer to a clip, of this run or an earlier one; the clip, and the answer's key.

        Raises:
            NotReady, RecordingError, BackendFailed, Stopped: see `client`.
        """
        subject, key = self._subject(clip), self._key(clip, language)
        if (known := subject.paid.find(key)) is not None:
            self._tell_recalled(subject)
            return known, clip, key
        began = time.perf_counter()
        with self._encoders:
            self._stop.check()
            piece = packed(clip, opus=self._opus, check=self._stop.check)
        answer = self._sent(subject, clip, language, piece)
        model = self._server.model(clip.spec.model)
        if model.times is not Times.NONE and not tells_times(answer):
            raise NotReady(
                f"The model {self._server.name_of(clip.spec.model)} at {self._server.host} tells no times.",
                "--api-times none cuts the audio at pauses instead.",
            )
        subject.paid.keep(key, answer)
        self._took[key] = time.perf_counter() - began
        return answer, clip, key

    def _sent(self, subject: Subject, clip: Clip, language: str | None, piece: Piece) -> Mapping[str, Any]:
        fields = self._fields(clip.spec, language)
        for attempt in range(_TRIES):
            try:
                with self._sending(subject, piece):
                    answer = self._client.transcribe(
                        fields,
                        (piece.name, piece.data, piece.kind),
                        seconds=piece.seconds,
                        translate=clip.spec.task == "translate",
                    )
            except Dropped:
                self._count(subject, piece, perhaps=True)
                if attempt + 1 == _TRIES:
                    raise
            except BackendFailed as error:
                if attempt + 1 == _TRIES or error.retry_after is not None:  # then it was waited for long enough
                    raise
            else:
                self._count(subject, piece)
                return answer
            self._stop.wait(retry_delay(attempt))
        raise AssertionError("unreachable")

    def _fields(self, spec: JobSpec, language: str | None) -> list[tuple[str, str]]:
        """The form without the file."""
        model = self._server.model(spec.model)
        fields = [("model", self._server.name_of(spec.model)), ("response_format", model.response), *model.extra]
        if model.response == "verbose_json":
            wanted = ("word", "segment") if model.times is Times.WORD and spec.word_timestamps else ("segment",)
            fields += [("timestamp_granularities[]", name) for name in wanted]
        if language and spec.task != "translate":
            fields.append(("languages[]" if model.hints else "language", language))
        elif model.hints:
            fields += [("languages[]", code) for code in spec.languages]
        words = [word.strip() for word in (spec.hotwords or "").split(",") if word.strip()]
        if model.hints:
            fields += [("keywords[]", word) for word in words]
        before = [", ".join(words) if not model.hints else "", spec.initial_prompt or ""]
        if model.prompt and any(before):
            fields.append(("prompt", " ".join(filter(None, before))))
        if model.temperature and spec.temperature[0]:  # at 0 servers climb a ladder of their own
            fields.append(("temperature", f"{spec.temperature[0]:g}"))
        return fields

    def _key(self, clip: Clip, language: str | None) -> str:
        form = json.dumps([digest(clip), clip.spec.task, self._fields(clip.spec, language)])
        return hashlib.sha256(form.encode()).hexdigest()[:32]

    def _subject(self, clip: Clip) -> Subject:
        with self._lock:
            if clip.recording not in self._subjects:
                job = self._job(clip.recording)
                self._subjects[clip.recording] = Subject(job, self._answers.of(job))
            return self._subjects[clip.recording]

    @contextmanager
    def _sending(self, subject: Subject, piece: Piece) -> Iterator[None]:
        """Whoever counts money hears of a piece when it is sent."""
        seconds, size = self._charged(piece), len(piece.data)
        with self._lock:
            subject.sending = subject.sending[0] + seconds, subject.sending[1] + size
            whole = subject.spent.seconds + subject.sending[0]
            sent = subject.spent.bytes + subject.sending[1]
        label = subject.job.recording.label
        self._emit(RecordingSent(label, "openai", "", sent, round(whole, 3), self._server.host))
        try:
            yield
        finally:
            with self._lock:
                subject.sending = subject.sending[0] - seconds, subject.sending[1] - size

    def _charged(self, piece: Piece) -> float:
        """Seconds that are paid for."""
        return max(piece.seconds, self._server.service.least_seconds if self._server.service else 0.0)

    def _count(self, subject: Subject, piece: Piece, *, perhaps: bool = False) -> None:
        with self._lock:
            spent = subject.spent
            spent.seconds += self._charged(piece)
            spent.bytes += len(piece.data)
            spent.requests += 1
            spent.perhaps_again = spent.perhaps_again or perhaps

    def _tell_recalled(self, subject: Subject) -> None:
        with self._lock:
            told, subject.told = subject.told, True
        if subject.paid.recalled and not told:
            label = printable(subject.job.recording.label)
            self._emit(Notice(f"{label}: answers that were paid for before are used."))
