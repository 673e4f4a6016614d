"""One recording between its first clip and its transcript: its language, what is still being recognized, and what is known already."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from transcribe_cli.checkpoint import Checkpoint
from transcribe_cli.engines import Clip, ClipResult
from transcribe_cli.prepare import Begun, Prepared
from transcribe_cli.rescue import unheard
from transcribe_cli.vote import UNKNOWN, Language, elected, given, spoken_most, voters


class UnderWay:
    """A recording that is being transcribed.

    What comes in is answered with clips for the recognizer: with a language to be recognized, without one to be asked for it.

    Attributes:
        begun: which recording.
        prepared: once all of it is decoded.
        results: of the clips that are finished.
        recalled: seconds of speech that an earlier run had recognized.
        released: seconds of speech that preparation was told about.
    """

    def __init__(self, begun: Begun, checkpoint: Checkpoint | None) -> None:
        self.begun = begun
        self.prepared: Prepared | None = None
        self.checkpoint = checkpoint
        self.results: list[ClipResult] = []
        self.recalled = self.released = 0.0
        self._spec = begun.job.spec
        self._language = given(self._spec)
        self._clips: list[Clip] = []
        self._votes: list[Mapping[str, float]] = []
        self._voters = 0
        self._expected = 0
        self._row: deque[Clip] = deque()  # with a language, not handed out yet
        self._reading = False  # in sequence: a clip is being read
        self._before: tuple[int, ...] = ()

    def found(self, clips: Sequence[Clip]) -> list[Clip]:
        """More of its clips."""
        self._clips += clips
        self._expected += len(clips)
        if self._language is not None:
            return self._ready(clips, self._language.code)
        return list(clips) if self._spec.multilingual else []

    def decoded(self, prepared: Prepared) -> list[Clip]:
        """There are no more clips."""
        self.prepared = prepared
        if self._language is not None or self._spec.multilingual:
            return []
        asked = voters(self._clips)
        self._voters = len(asked)
        return asked

    def detected(self, clip: Clip, probabilities: Mapping[str, float]) -> list[Clip]:
        """The languages that a clip may be in."""
        if self._spec.multilingual:
            return self._ready([clip], elected([probabilities], self._spec).code)
        self._votes.append(probabilities)
        if len(self._votes) < self._voters:
            return []
        self._language = elected(self._votes, self._spec)
        return self._ready(self._clips, self._language.code)

    def heard(self, result: ClipResult) -> list[Clip]:
        """A finished clip."""
        if self.checkpoint is not None:
            self.checkpoint.add(result)
        self._keep(result)
        return self._ready([], result.clip.language)

    @property
    def complete(self) -> bool:
        """Whether its transcript can be put together."""
        return self.prepared is not None and len(self.results) == self._expected

    @property
    def language(self) -> Language:
        """Its language, once it is complete."""
        if self._spec.multilingual and not given(self._spec):
            return spoken_most(self.results)
        return self._language if self._language and self._clips else Language(UNKNOWN, 0.0)

    @property
    def spoken_seconds(self) -> float:
        """Seconds in its clips so far."""
        return sum(clip.seconds for clip in self._clips)

    @property
    def settled_seconds(self) -> float:
        """Of these, how many need no more work."""
        return sum(result.clip.seconds for result in self.results if not result.clip.part)

    def close(self) -> None:
        """Give back the scratch file; the checkpoint stays for another run."""
        self.begun.waveform.close()
        if self.checkpoint is not None:
            self.checkpoint.close()

    def _ready(self, clips: Iterable[Clip], language: str) -> list[Clip]:
        """These clips in their language, without those that an earlier run finished; in sequence, no more than one at a time."""
        self._row += (replace(clip, language=language) for clip in clips)
        waiting: list[Clip] = []
        while self._row and not (self._spec.sequential and (waiting or self._reading)):
            clip = replace(self._row.popleft(), before=self._before)
            if self.checkpoint is not None and (result := self.checkpoint.recall(clip)) is not None:
                self.recalled += clip.seconds
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
            self._before = result.attempt.tokens
        again = unheard(result)
        self._expected += len(again)
        self._row += again
