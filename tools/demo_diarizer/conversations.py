"""Conversations with exact turns: utterances of several speakers on one track, with pauses, overlaps, gains and noise."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demo_diarizer.cast import Speaker, development_speakers, held_out_speakers, training_speakers, utterances
from demo_model.speech import SAMPLE_RATE, Utterance

Samples = npt.NDArray[np.float32]
Bank = Mapping[str, Sequence[Utterance]]
"""Utterances by name of the speaker."""

LEVEL = 0.08
"""Root mean square of an utterance before its speaker's gain."""


@dataclass(frozen=True)
class SpokenTurn:
    """One utterance with its times and those of its words, in seconds of the conversation."""

    start: float
    end: float
    speaker: str
    words: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Conversation:
    """`samples` (n,) float32 at 16 kHz, and the turns in order of their starts."""

    samples: Samples
    turns: tuple[SpokenTurn, ...]

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def speakers(self) -> list[str]:
        """The speakers, in the order in which they first speak."""
        return list(dict.fromkeys(turn.speaker for turn in self.turns))


@dataclass(frozen=True)
class Manner:
    """Parameters of a conversation.

    Attributes:
        change: probability that the next utterance is by another speaker.
        overlap: probability that another speaker starts before the previous utterance has ended.
        snr: range of the signal-to-noise ratio, in dB.
        gain: maximum deviation of a speaker's level, in dB.
    """

    change: float = 0.8
    overlap: float = 0.15
    snr: tuple[float, float] = (20, 40)
    gain: float = 6


def converse(bank: Bank, seconds: float, rng: random.Random, manner: Manner = Manner()) -> Conversation:
    """Arrange utterances of all speakers of `bank` until the time is filled. Every speaker speaks early on."""
    samples = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    gains = {name: 10 ** (rng.uniform(-manner.gain, manner.gain) / 20) for name in bank}
    free = dict.fromkeys(bank, 0.0)
    turns: list[SpokenTurn] = []
    waiting = rng.sample(list(bank), len(bank))
    while True:
        speaker = waiting.pop() if waiting else _next(list(bank), turns[-1].speaker, rng, manner)
        said = rng.choice(bank[speaker])
        start = max(_start(turns, speaker, rng, manner), free[speaker] + 0.05)
        first = int(start * SAMPLE_RATE)
        if first + len(said.samples) >= len(samples):
            break
        samples[first : first + len(said.samples)] += level(said.samples) * np.float32(gains[speaker])
        turns.append(_turn(said, first / SAMPLE_RATE, speaker))
        free[speaker] = turns[-1].end
    noise = np.random.default_rng(rng.getrandbits(32)).standard_normal(len(samples)).astype(np.float32)
    samples += noise * np.float32(LEVEL * 10 ** (-rng.uniform(*manner.snr) / 20))
    loudest = float(np.abs(samples).max())
    if loudest > 0.95:
        samples *= np.float32(0.95 / loudest)
    return Conversation(samples, tuple(sorted(turns, key=lambda turn: turn.start)))


def held_out_conversation(voices: int, seconds: float, seed: int) -> Conversation:
    """A conversation in Portuguese by held-out speakers; the same for the same arguments."""
    rng = random.Random(f"held out {voices} {seconds} {seed}")
    return _among(held_out_speakers(voices, rng), seconds, rng)


def development_conversation(voices: int, seconds: float, seed: int) -> Conversation:
    """A conversation by development speakers, for choosing parameters; its figures are not reported."""
    rng = random.Random(f"development {voices} {seconds} {seed}")
    return _among(development_speakers(voices, rng), seconds, rng)


def training_bank(each: int) -> Bank:
    """`each` sentences by every training speaker. Synthesizes about 350 times as fast as real time."""
    rng = random.Random(1)
    return {speaker.name: utterances(speaker, each, rng) for speaker in training_speakers()}


def level(samples: Samples) -> Samples:
    """The samples at the usual level."""
    return samples * np.float32(LEVEL / (np.sqrt(np.mean(samples**2)) + 1e-9))


def _among(speakers: Sequence[Speaker], seconds: float, rng: random.Random) -> Conversation:
    each = max(4, round(seconds / 6 / len(speakers)))
    return converse({speaker.name: utterances(speaker, each, rng, ("pt",)) for speaker in speakers}, seconds, rng)


def _next(names: list[str], last: str, rng: random.Random, manner: Manner) -> str:
    others = [name for name in names if name != last]
    return rng.choice(others) if others and rng.random() < manner.change else last


def _start(turns: list[SpokenTurn], speaker: str, rng: random.Random, manner: Manner) -> float:
    if not turns:
        return rng.uniform(0, 1)
    over = max(turn.end for turn in turns)
    if speaker != turns[-1].speaker and rng.random() < manner.overlap:
        return max(turns[-1].start + 0.3, over - rng.uniform(0.2, 1.0))
    return over + (rng.uniform(0.05, 0.5) if rng.random() < 0.5 else rng.uniform(0.3, 1.5))


def _turn(said: Utterance, start: float, speaker: str) -> SpokenTurn:
    words = tuple(
        (word, start + begun, start + ended) for word, (begun, ended) in zip(said.text.split(), said.words, strict=True)
    )
    return SpokenTurn(start, start + len(said.samples) / SAMPLE_RATE, speaker, words)
