"""One recording between its first clip and its transcript: its language, what is still being recognized, and what is known already."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from transcribe_cli.pipeline.checkpoint import Checkpoint
from transcribe_cli.pipeline.diarizing import Diarized
from transcribe_cli.pipeline.prepare import Begun, Prepared
from transcribe_cli.recognition.engines import Clip, ClipResult
from transcribe_cli.recognition.language_vote import UNKNOWN, Language, elected, given, spoken_most, voters
from transcribe_cli.recognition.rescue import unheard
from transcribe_cli.transcript import Transcript

# A long recording is not waited for: its language is guessed once so much speech is found, in seconds, and voted on at its end.
EARLY_SECONDS = 300.0


class UnderWay:
    """A recording that is being transcribed.

    What comes in is answered with clips for the recognizer: with a language to be recognized, without one to be asked for it.

    Attributes:
        begun: which recording.
        prepared: once all of it is decoded.
        results: of the clips that are finished.
        text: the transcript that is there already, when only its speakers are wanted.
        diarized: who spoke when, once that is known, or that it cannot be.
        spoken_seconds: of speech, so far.
        recalled: seconds of speech that an earlier run had recognized.
        told: seconds of speech that people were told are recognized.
        released: seconds of speech that preparation was told need no more work.
        resumed: whether people were told what an earlier run had done.
    """

    def __init__(self, begun: Begun, checkpoint: Checkpoint | None, text: Transcript | None = None) -> None:
        self.begun = begun
        self.text = text
        self.prepared: Prepared | None = None
        self.checkpoint = checkpoint
        self.results: list[ClipResult] = []
        self.diarized: Diarized | None = None
        self.recalled = self.told = self.released = 0.0
        self.spoken_seconds = 0.0
        self.resumed = False
        self._spec = begun.job.spec
        self._language = given(self._spec)
        self._votes: dict[int, Mapping[str, float] | None] = {}  # by clip; None while it is asked
        self._elected = self._language is not None or self._spec.multilingual
        self._clips: list[Clip] = []
        self._expected = self._looked_up = 0
        self._row: deque[Clip] = deque()  # with a language, not handed out yet
        self._reading = False  # in sequence: a clip is being read
        self._before: dict[int | None, tuple[int, ...]] = {}  # the end of the text of each channel

    def found(self, clips: Sequence[Clip]) -> list[Clip]:
        """More of its clips."""
        self.spoken_seconds += sum(clip.seconds for clip in clips)
        if self.text is not None:
            return []
        self._clips += clips
        self._expected += len(clips)
        if self._language is not None:
            return self._ready(clips, self._language.code)
        if self._spec.multilingual:
            return list(clips)
        return self._asked() if not self._votes and self.spoken_seconds >= EARLY_SECONDS else []

    def decoded(self, prepared: Prepared) -> list[Clip]:
        """There are no more clips."""
        self.prepared = prepared
        return [] if self._elected else self._asked() or self._vote()

    def detected(self, clip: Clip, probabilities: Mapping[str, float]) -> list[Clip]:
        """The languages that a clip may be in."""
        if self._spec.multilingual:
            return self._ready([clip], elected([probabilities], self._spec).code)
        self._votes[clip.index] = probabilities
        return self._vote()

    def heard(self, result: ClipResult) -> list[Clip]:
        """A finished clip."""
        if self._language is not None and result.clip.language != self._language.code:
            return []  # the early guess was wrong
        if self.checkpoint is not None:
            self.checkpoint.add(result)
        self._keep(result)
        return self._ready([], result.clip.language)

    @property
    def complete(self) -> bool:
        """Whether its transcript can be put together."""
        recognized = (self._elected or not self._clips) and len(self.results) == self._expected
        return self.prepared is not None and recognized and (self.diarized is not None or not self.needs_speakers)

    @property
    def needs_speakers(self) -> bool:
        """Whether somebody wants to know who spoke, and somebody did."""
        spoken = self.text is not None or bool(self._clips)
        return self._spec.diarize and spoken

    @property
    def looked_up(self) -> bool:
        """Whether it is known of all its clips if an earlier run had recognized them."""
        return self.prepared is not None and self._elected and self._looked_up == len(self._clips)

    @property
    def language(self) -> Language:
        """Its language, once it is complete."""
        if self._spec.multilingual and not given(self._spec):
            return spoken_most(self.results)
        return self._language if self._language and self._clips else Language(UNKNOWN, 0.0)

    @property
    def recognized_seconds(self) -> float:
        """Seconds of speech whose words are known."""
        return sum(result.clip.seconds for result in self.results if not result.clip.part)

    @property
    def settled_seconds(self) -> float:
        """Seconds of speech that need no more work: none while it waits for its speakers, or scratch would fill with such recordings."""
        if self.needs_speakers and self.diarized is None:
            return 0.0
        return self.recognized_seconds if self.text is None else self.spoken_seconds

    def close(self) -> None:
        """Give back the scratch file; the checkpoint stays for another run."""
        self.begun.waveform.close()
        if self.checkpoint is not None:
            self.checkpoint.close()

    def _asked(self) -> list[Clip]:
        """The voters among the clips so far that were not asked yet."""
        asked = [clip for clip in voters(self._clips) if clip.index not in self._votes]
        self._votes |= dict.fromkeys(clip.index for clip in asked)
        return asked

    def _vote(self) -> list[Clip]:
        """The language, once all voters have answered; when it is another than the early guess, everything is read again."""
        counted = [clip.index for clip in voters(self._clips)] if self.prepared else list(self._votes)
        votes = [vote for index in counted if (vote := self._votes[index]) is not None]
        if not votes or None in self._votes.values():
            return []
        before, self._language = self._language, elected(votes, self._spec)
        self._elected = self.prepared is not None
        if before is not None and before.code == self._language.code:
            return []
        self.results.clear()
        self._row.clear()
        self._expected = len(self._clips)
        self._reading, self._before = False, {}  # whatever is being read is in the wrong language, and will not count
        self._looked_up, self.recalled = 0, 0.0
        return self._ready(self._clips, self._language.code)

    def _ready(self, clips: Iterable[Clip], language: str) -> list[Clip]:
        """These clips in their language, without those that an earlier run finished; in sequence, no more than one at a time."""
        spoken = [replace(clip, language=language) for clip in clips]
        self._looked_up += len(spoken)
        self._row += spoken
        waiting: list[Clip] = []
        while self._row and not (self._spec.sequential and (waiting or self._reading)):
            clip = self._row.popleft()
            clip = replace(clip, before=self._before.get(clip.channel, ()))
            if self.checkpoint is not None and (result := self.checkpoint.recall(clip)) is not None:
                self.recalled += 0.0 if clip.part else clip.seconds
                self._keep(result)
            else:
                waiting.append(clip)
        self._reading = self._reading or bool(waiting)
        return waiting

    def _keep(self, result: ClipResult) -> None:
        """A finished clip, after which some of its speech may be heard once more."""
        self.results.append(result)
        self._reading = False
        if self._spec.sequential:
            self._before[result.clip.channel] = result.attempt.tokens
        again = unheard(result)
        self._expected += len(again)
        self._row += again
