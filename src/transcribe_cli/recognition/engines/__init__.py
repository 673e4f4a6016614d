"""What every recognizer promises: a batch of clips in, for each its text or the wish to try again.

A clip is at most 30 s of one recording's waveform with its spec and language. Clips of different recordings share batches; the text of
a clip must not depend on what else was in its batch. Which clips make a batch, and what becomes of batches that fail, is decided by
`recognition`, not here.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import Region

if TYPE_CHECKING:
    from transcribe_cli.audio import Waveform

# What Whisper was trained to see at once, and the step in which less is shown where that is asked for.
WINDOW_SECONDS = 30
WINDOW_STEP = 5


@dataclass(frozen=True, eq=False)
class Clip:
    """At most 30 s of one recording, or 5 minutes where the spec reads sequentially.

    Attributes:
        recording: which recording of the run, as the pipeline numbers them.
        index: which clip of it, from 0, in the order of time, one channel after the other.
        part: 0; from 1 on, which stretch of that clip is heard once more because it got no words.
        speech: the speech regions inside, in samples of the recording; the recognizer hears them joined, without the silence between.
            What is read sequentially or heard once more is heard from the first to the last: there is speech between, or may be.
        language: a code; "" where the language is still to be found.
        before: tokens of the text before it, for a spec that reads sequentially; its clips are longer, too.
        channel: of the waveform; None for all of them, mixed.
        mute_gaps: whether what lies between its speech, where that is heard, is silenced, because it is somebody else's.
    """

    recording: int
    index: int
    waveform: Waveform
    speech: tuple[Region, ...]
    spec: JobSpec
    language: str = ""
    part: int = 0
    before: tuple[int, ...] = ()
    channel: int | None = None
    mute_gaps: bool = False

    @property
    def start(self) -> float:
        """Seconds from the start of the recording."""
        return self.speech[0].start / SAMPLE_RATE

    @property
    def end(self) -> float:
        """Seconds from the start of the recording."""
        return self.speech[-1].end / SAMPLE_RATE

    @cached_property
    def sample_ranges(self) -> tuple[tuple[int, int], ...]:
        """What is heard of the recording: samples [start, end), in order and apart."""
        if self.spec.sequential or self.part:
            return ((self.speech[0].start, self.speech[-1].end),)
        heard: list[tuple[int, int]] = []
        for region in self.speech:
            if heard and heard[-1][1] == region.start:
                heard[-1] = heard[-1][0], region.end
            else:
                heard.append((region.start, region.end))
        return tuple(heard)

    @property
    def seconds(self) -> float:
        """Its length as it is heard."""
        return sum(end - start for start, end in self.sample_ranges) / SAMPLE_RATE

    def span(self, start: float, end: float) -> tuple[float, float]:
        """Where in the recording a span of the clip lies, all in seconds: what is heard across a joint has what lies between."""
        return self._at(start, bisect_right), max(self._at(start, bisect_right), self._at(end, bisect_left))

    def _at(self, seconds: float, bisect: Callable[[Sequence[float], float], int]) -> float:
        lengths = accumulate((end - start) / SAMPLE_RATE for start, end in self.sample_ranges)
        joints = [0.0, *lengths][:-1]
        number = max(0, bisect(joints, seconds) - 1)
        start, end = self.sample_ranges[number]
        return min(start / SAMPLE_RATE + seconds - joints[number], end / SAMPLE_RATE)

    @property
    def window(self) -> int:
        """Seconds that the encoder is given: all of Whisper's window, or in steps of 5 s what the clip needs."""
        if self.spec.full_window or self.spec.sequential:
            return WINDOW_SECONDS
        return min(WINDOW_SECONDS, WINDOW_STEP * math.ceil(self.seconds / WINDOW_STEP))

    def samples(self) -> NDArray[np.float32]:
        """(samples,) in [-1, 1) at 16 kHz, read from scratch now."""
        samples = np.concatenate([self.waveform.read(start, end, self.channel) for start, end in self.sample_ranges])
        if self.mute_gaps and len(self.sample_ranges) == 1:
            first, _ = self.sample_ranges[0]
            for before, after in pairwise(self.speech):
                samples[before.end - first : after.start - first] = 0
        return samples


@dataclass(frozen=True)
class SpokenWord:
    """A word with its times in seconds of the recording, its probability and its tokens."""

    text: str
    start: float
    end: float
    probability: float
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Phrase:
    """Text between two of the model's own timestamps, in seconds of the recording: what there is without word times."""

    text: str
    start: float
    end: float
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Attempt:
    """One decoding of one clip at one temperature.

    Attributes:
        tokens: as decoded, with timestamps where the model wrote them.
        temperature: the rung of the ladder.
        avg_logprob: mean log-probability of the tokens.
        compression_ratio: of the text, zlib; high when it repeats itself.
        no_speech_prob: the model's doubt that there is speech.
        repeats: whether the text goes round in circles.
        failed_gates: True when it stands although no rung of the ladder passed the gates.
    """

    tokens: tuple[int, ...]
    text: str
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    repeats: bool = False
    failed_gates: bool = False


@dataclass(frozen=True, eq=False)
class Task:
    """A clip to be decoded at the next temperature of its ladder, and what the lower ones gave."""

    clip: Clip
    attempts: tuple[Attempt, ...] = ()

    @property
    def temperature(self) -> float:
        """The rung to try now."""
        return self.clip.spec.temperature[len(self.attempts)]

    @property
    def last(self) -> bool:
        """Whether it is the ladder's last."""
        return len(self.attempts) + 1 == len(self.clip.spec.temperature)

    def after(self, attempt: Attempt) -> Task:
        """The task for the rung above."""
        return replace(self, attempts=(*self.attempts, attempt))


@dataclass(frozen=True)
class ClipResult:
    """What was recognized in one clip: words when the spec asks for their times, otherwise phrases; servers may tell both.

    Attributes:
        attempt: the one that stands.
        seconds: its share of the wall time of its last batch.
    """

    clip: Clip
    attempt: Attempt
    words: tuple[SpokenWord, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    seconds: float = 0.0


class DeviceFull(Exception):
    """The device's memory does not hold this batch; a smaller one may fit."""


class Engine(Protocol):
    """A recognizer, loaded and ready. As many threads as it has concurrency may call it at the same time."""

    @property
    def model(self) -> str:
        """The model's name, as the spec has it."""

    @property
    def device(self) -> str:
        """Where it runs and how, such as `cpu/int8` or `cuda:0/float16`."""

    @property
    def batch_size(self) -> int:
        """How many clips make a full batch."""

    @property
    def concurrency(self) -> int:
        """How many batches may be under way at once."""

    @property
    def replicas(self) -> int:
        """How many of them it computes at once; the others are made ready and stand in line."""

    def check(self, spec: JobSpec) -> None:
        """Raise UsageError when the model cannot do what the spec asks."""

    def detect_languages(self, clips: Sequence[Clip]) -> list[Mapping[str, float]]:
        """For each clip, the probability of each language code. Raises as `recognize`."""

    def recognize(self, tasks: Sequence[Task]) -> list[ClipResult | Task]:
        """Decode clips of one spec, language and temperature: for each its result, or the task for the rung above.

        Raises:
            DeviceFull: the batch is too large.
            NotReady: nothing more can be recognized here.
            TranscribeError: why this recording, or this place, fails; final for the recording.
            Exception: anything else that keeps this batch from being recognized.
        """
