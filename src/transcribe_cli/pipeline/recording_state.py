"""The state of one recording between its first clip and its transcript: its language, pending clips and results."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from transcribe_cli.pipeline.checkpoint import Checkpoint
from transcribe_cli.pipeline.diarizing import Diarized
from transcribe_cli.pipeline.messages import Prepared, Started
from transcribe_cli.recognition.engines import Clip, ClipResult
from transcribe_cli.recognition.language_vote import (
    UNKNOWN,
    Language,
    elect_language,
    known_language,
    most_spoken_language,
    select_voters,
)
from transcribe_cli.recognition.rescue import rescue_clips
from transcribe_cli.transcript import Transcript

# The language of a long recording is guessed once this much speech is found, in seconds, and voted on again at its end.
EARLY_SECONDS = 300.0


class RecordingState:
    """A recording that is being transcribed.

    Methods that add something return the clips to recognize next. For clips without a language, only the language is to be detected.

    Attributes:
        started: which recording.
        prepared: set once the recording is completely decoded.
        results: of the finished clips.
        existing_transcript: set if only diarization is requested.
        diarized: set once diarization has finished or failed.
        speech_seconds: seconds of speech found so far.
        resumed_seconds: seconds of speech that an earlier run recognized.
        reported_seconds: seconds of recognized speech in the last progress event.
        released_seconds: seconds of speech that were released to the preparation.
        is_resume_reported: whether an event reported how much an earlier run recognized.
    """

    def __init__(self, started: Started, checkpoint: Checkpoint | None, existing_transcript: Transcript | None = None) -> None:
        self.started = started
        self.existing_transcript = existing_transcript
        self.prepared: Prepared | None = None
        self.checkpoint = checkpoint
        self.results: list[ClipResult] = []
        self.diarized: Diarized | None = None
        self.resumed_seconds = self.reported_seconds = self.released_seconds = 0.0
        self.speech_seconds = 0.0
        self.is_resume_reported = False
        self._spec = started.job.spec
        self._language = known_language(self._spec)
        self._votes: dict[int, Mapping[str, float] | None] = {}  # by clip; None while the vote is pending
        self._is_language_final = self._language is not None or self._spec.multilingual
        self._clips: list[Clip] = []
        self._expected_results = self._looked_up = 0
        self._queue: deque[Clip] = deque()  # clips with a language that were not returned yet
        self._is_reading = False  # a sequential clip is being recognized
        self._previous_tokens: dict[int | None, tuple[int, ...]] = {}  # the end of the text, by channel

    def add_clips(self, clips: Sequence[Clip]) -> list[Clip]:
        """Add clips that were found."""
        self.speech_seconds += sum(clip.seconds for clip in clips)
        if self.existing_transcript is not None:
            return []
        self._clips += clips
        self._expected_results += len(clips)
        if self._language is not None:
            return self._in_language(clips, self._language.code)
        if self._spec.multilingual:
            return list(clips)
        return self._new_voters() if not self._votes and self.speech_seconds >= EARLY_SECONDS else []

    def set_prepared(self, prepared: Prepared) -> list[Clip]:
        """All clips were found."""
        self.prepared = prepared
        return [] if self._is_language_final else self._new_voters() or self._count_votes()

    def add_language_vote(self, clip: Clip, probabilities: Mapping[str, float]) -> list[Clip]:
        """Add the probability of each language in a clip."""
        if self._spec.multilingual:
            return self._in_language([clip], elect_language([probabilities], self._spec).code)
        self._votes[clip.index] = probabilities
        return self._count_votes()

    def add_result(self, result: ClipResult) -> list[Clip]:
        """Add the result of a clip."""
        if self._language is not None and result.clip.language != self._language.code:
            return []  # the early guess was wrong
        if self.checkpoint is not None:
            self.checkpoint.add(result)
        self._store(result)
        return self._in_language([], result.clip.language)

    @property
    def is_complete(self) -> bool:
        """Whether its transcript can be assembled."""
        is_recognized = (self._is_language_final or not self._clips) and len(self.results) == self._expected_results
        return self.prepared is not None and is_recognized and (self.diarized is not None or not self.needs_diarization)

    @property
    def needs_diarization(self) -> bool:
        """Whether diarization is requested, and there is speech."""
        has_speech = self.existing_transcript is not None or bool(self._clips)
        return self._spec.diarize and has_speech

    @property
    def is_checkpoint_read(self) -> bool:
        """Whether all clips were looked up in the checkpoint."""
        return self.prepared is not None and self._is_language_final and self._looked_up == len(self._clips)

    @property
    def language(self) -> Language:
        """Its language, once it is complete."""
        if self._spec.multilingual and not known_language(self._spec):
            return most_spoken_language(self.results)
        return self._language if self._language and self._clips else Language(UNKNOWN, 0.0)

    @property
    def recognized_seconds(self) -> float:
        """Seconds of recognized speech."""
        return sum(result.clip.seconds for result in self.results if not result.clip.part)

    @property
    def releasable_seconds(self) -> float:
        """Seconds of finished speech: none while diarization is pending, to limit the data in the scratch folder."""
        if self.needs_diarization and self.diarized is None:
            return 0.0
        return self.recognized_seconds if self.existing_transcript is None else self.speech_seconds

    def close(self) -> None:
        """Release the scratch file. The checkpoint is kept for another run."""
        self.started.waveform.close()
        if self.checkpoint is not None:
            self.checkpoint.close()

    def _new_voters(self) -> list[Clip]:
        """The voters among the clips so far whose language was not requested yet."""
        new = [clip for clip in select_voters(self._clips) if clip.index not in self._votes]
        self._votes |= dict.fromkeys(clip.index for clip in new)
        return new

    def _count_votes(self) -> list[Clip]:
        """Elect the language once no vote is pending. If it differs from the early guess, all clips are recognized again."""
        counted = [clip.index for clip in select_voters(self._clips)] if self.prepared else list(self._votes)
        votes = [vote for index in counted if (vote := self._votes[index]) is not None]
        if not votes or None in self._votes.values():
            return []
        guess, self._language = self._language, elect_language(votes, self._spec)
        self._is_language_final = self.prepared is not None
        if guess is not None and guess.code == self._language.code:
            return []
        self.results.clear()
        self._queue.clear()
        self._expected_results = len(self._clips)
        self._is_reading, self._previous_tokens = False, {}  # a clip in progress is in the wrong language, and will be ignored
        self._looked_up, self.resumed_seconds = 0, 0.0
        return self._in_language(self._clips, self._language.code)

    def _in_language(self, clips: Iterable[Clip], language: str) -> list[Clip]:
        """The next clips in their language, without those that an earlier run finished; if sequential, one at a time."""
        with_language = [replace(clip, language=language) for clip in clips]
        self._looked_up += len(with_language)
        self._queue += with_language
        ready: list[Clip] = []
        while self._queue and not (self._spec.sequential and (ready or self._is_reading)):
            clip = self._queue.popleft()
            clip = replace(clip, previous_tokens=self._previous_tokens.get(clip.channel, ()))
            if self.checkpoint is not None and (result := self.checkpoint.find(clip)) is not None:
                self.resumed_seconds += 0.0 if clip.part else clip.seconds
                self._store(result)
            else:
                ready.append(clip)
        self._is_reading = self._is_reading or bool(ready)
        return ready

    def _store(self, result: ClipResult) -> None:
        """Store a result, and queue clips for speech without words."""
        self.results.append(result)
        self._is_reading = False
        if self._spec.sequential:
            self._previous_tokens[result.clip.channel] = result.attempt.tokens
        rescued = rescue_clips(result)
        self._expected_results += len(rescued)
        self._queue += rescued
