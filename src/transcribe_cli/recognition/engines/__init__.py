"""The contract of every recognizer: a batch of clips in, for each clip its text or a request to retry it.

A clip is at most 30 s of one recording's waveform with its spec and language. Clips of different recordings share batches; the text of
a clip must not depend on what else was in its batch, and in int8 on a CPU neither must a bit of its word times. `recognition` decides
which clips form a batch and how failed batches are handled.
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
from transcribe_cli.vad import Region, audible

if TYPE_CHECKING:
    from transcribe_cli.audio import Waveform

# The input window of Whisper, and the step in which a clip gets a shorter one when the spec does not request the full window.
WINDOW_SECONDS = 30
WINDOW_STEP = 5


@dataclass(frozen=True, eq=False)
class Clip:
    """At most 30 s of one recording, or 5 minutes where the spec reads sequentially.

    Attributes:
        recording: the number of the recording in the run.
        index: the number of the clip in the recording, from 0, in order of time, one channel after the other.
        part: 0; from 1 on, the number of an excerpt of that clip that is recognized a second time because it got no words.
        speech: the speech regions inside, in samples of the recording; the recognizer gets them joined, without the silence between.
            Sequential clips and second attempts include the silence, because there is or may be speech in it.
        language: a code; "" where the language is to be detected.
        previous_tokens: tokens of the text before it, for a sequential spec, whose clips are longer, too.
        channel: of the waveform; None for all channels, mixed.
        mute_gaps: whether to silence the audio between its speech regions where it is included, because another speaker is heard there.
    """

    recording: int
    index: int
    waveform: Waveform
    speech: tuple[Region, ...]
    spec: JobSpec
    language: str = ""
    part: int = 0
    previous_tokens: tuple[int, ...] = ()
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
        """The parts of the recording that are recognized: samples [start, end), in order, not adjacent."""
        if self.spec.sequential or self.part:
            return ((self.speech[0].start, self.speech[-1].end),)
        ranges: list[tuple[int, int]] = []
        for region in self.speech:
            if ranges and ranges[-1][1] == region.start:
                ranges[-1] = ranges[-1][0], region.end
            else:
                ranges.append((region.start, region.end))
        return tuple(ranges)

    @property
    def seconds(self) -> float:
        """The length of the audio that is recognized."""
        return sum(end - start for start, end in self.sample_ranges) / SAMPLE_RATE

    def span(self, start: float, end: float) -> tuple[float, float]:
        """Map a span of the clip to the recording, in seconds. A span across a joint includes the silence that was removed there."""
        return self._to_recording(start, bisect_right), max(
            self._to_recording(start, bisect_right), self._to_recording(end, bisect_left)
        )

    def _to_recording(self, seconds: float, bisect: Callable[[Sequence[float], float], int]) -> float:
        lengths = accumulate((end - start) / SAMPLE_RATE for start, end in self.sample_ranges)
        joints = [0.0, *lengths][:-1]
        number = max(0, bisect(joints, seconds) - 1)
        start, end = self.sample_ranges[number]
        return min(start / SAMPLE_RATE + seconds - joints[number], end / SAMPLE_RATE)

    @property
    def window_seconds(self) -> int:
        """The length of the encoder's input: all of Whisper's window, or what the clip needs in steps of 5 s."""
        if self.spec.full_window or self.spec.sequential:
            return WINDOW_SECONDS
        return min(WINDOW_SECONDS, WINDOW_STEP * math.ceil(self.seconds / WINDOW_STEP))

    def samples(self) -> NDArray[np.float32]:
        """(samples,) in [-1, 1) at 16 kHz, read from the scratch file on each call; made louder if nobody could hear them."""
        samples = np.concatenate([self.waveform.read(start, end, self.channel) for start, end in self.sample_ranges])
        if self.mute_gaps and len(self.sample_ranges) == 1:
            first, _ = self.sample_ranges[0]
            for before, after in pairwise(self.speech):
                samples[before.end - first : after.start - first] = 0
        return audible(samples)


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
    """Text between two of the model's own timestamps, in seconds of the recording; used without word times."""

    text: str
    start: float
    end: float
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Attempt:
    """One decoding of one clip at one temperature.

    Attributes:
        tokens: as decoded, with timestamps where the model wrote them.
        temperature: one of the spec's temperatures, which are tried in order.
        avg_logprob: mean log-probability of the tokens.
        compression_ratio: of the text, zlib; high when it repeats itself.
        no_speech_prob: the probability that there is no speech, according to the model.
        repeats: whether the text repeats itself.
        failed_gates: whether it was accepted although it failed the quality gates at every temperature.
        heard: the likeliest languages of the audio with their probabilities, whatever language was requested; () where nobody asked.
    """

    tokens: tuple[int, ...]
    text: str
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    repeats: bool = False
    failed_gates: bool = False
    heard: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Task:
    """A clip to decode at the next temperature of its spec, and the attempts at the earlier ones."""

    clip: Clip
    attempts: tuple[Attempt, ...] = ()

    @property
    def temperature(self) -> float:
        """The temperature to try next."""
        return self.clip.spec.temperature[len(self.attempts)]

    @property
    def is_last_attempt(self) -> bool:
        """Whether that is the last temperature of the spec."""
        return len(self.attempts) + 1 == len(self.clip.spec.temperature)

    def with_attempt(self, attempt: Attempt) -> Task:
        """The task for the temperature after this attempt."""
        return replace(self, attempts=(*self.attempts, attempt))


@dataclass(frozen=True)
class ClipResult:
    """What was recognized in one clip: words if the spec requests word times, otherwise phrases; servers may return both.

    Attributes:
        attempt: the accepted one.
    """

    clip: Clip
    attempt: Attempt
    words: tuple[SpokenWord, ...] = ()
    phrases: tuple[Phrase, ...] = ()


class DeviceOutOfMemory(Exception):
    """The batch does not fit into the device's memory; a smaller one may."""


class Engine(Protocol):
    """A recognizer, loaded and ready. Up to `concurrency` threads may call it at the same time."""

    @property
    def model(self) -> str:
        """The model's name, as in the spec."""

    @property
    def revision(self) -> str | None:
        """The commit of the hub repository that the model is from; None if it is from elsewhere."""

    @property
    def device(self) -> str:
        """The device and compute type, such as `cpu/int8` or `cuda:0/float16`."""

    @property
    def batch_size(self) -> int:
        """The number of clips in a full batch."""

    @property
    def concurrency(self) -> int:
        """The number of batches that may be in flight at once."""

    @property
    def replicas(self) -> int:
        """The number of them that it computes at once; the others are prepared and queued."""

    def check(self, spec: JobSpec) -> None:
        """Raise UsageError if the model does not support the spec."""

    def shortened(self, spec: JobSpec) -> str:
        """One sentence that says how much of the spec's prompt and hotwords does not fit; "" if both do."""

    def detect_languages(self, clips: Sequence[Clip]) -> list[Mapping[str, float]]:
        """The probability of each language code, for each clip. Raises the same errors as `recognize`."""

    def recognize(self, tasks: Sequence[Task]) -> list[ClipResult | Task]:
        """Decode clips that share spec, language and temperature; returns for each its result, or the task for the next temperature.

        Raises:
            DeviceOutOfMemory: the batch is too large.
            NotReady: the engine cannot recognize anything any more.
            TranscribeError: why the recording, or the backend, fails; final for the recording.
            Exception: anything else that prevents recognizing this batch.
        """
