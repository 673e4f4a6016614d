"""Synthetic two-channel conversations of two people, with one microphone each."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.conftest import spoken

RATE = 22_050
VOICES = ("pt-br+m3", "pt-br+f2")
# (speaker, text), in order.
TALK = (
    (0, "Bom dia a todos. Vamos começar a aula."),
    (1, "Bom dia a todos."),
    (0, "O professor explica a lição de hoje."),
    (1, "Alguma pergunta?"),
    (0, "Vamos começar a aula."),
    (1, "O professor explica a lição de hoje."),
)
Audio = NDArray[np.float64]


def conversation(pause: float = 0.5, talk: Sequence[tuple[int, str]] = TALK) -> Audio:
    """(samples, 2) at 22,050 Hz: each person in one channel, equally loud. With a negative pause, in seconds, they interrupt each other."""
    utterances = [(speaker, _speech(text, VOICES[speaker])) for speaker, text in talk]
    starts = np.cumsum([0.3 * RATE, *(len(speech) + pause * RATE for _, speech in utterances)]).astype(int)
    sound = np.zeros((starts[-1] + 2 * RATE, 2))
    for (speaker, speech), start in zip(utterances, starts, strict=False):
        sound[start : start + len(speech), speaker] += speech
    return sound


def with_crosstalk(sound: Audio, decibels: float, delay: float = 0.0) -> Audio:
    """The same with the other person in each channel, louder by `decibels` (quieter if negative) and later by `delay` seconds."""
    return sound + 10 ** (decibels / 20) * np.roll(sound[:, ::-1], round(delay * RATE), axis=0)


def with_noise(sound: Audio, decibels: float = -65.0) -> Audio:
    """The same with independent noise in each channel, in decibels of full scale."""
    return sound + np.random.default_rng(5).normal(size=sound.shape) * 10 ** (decibels / 20)


def write_wav(path: Path, sound: Audio) -> Path:
    """Write a 16-bit WAV of (samples, channels)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(sound.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.clip(np.rint(sound * 32_768), -32_768, 32_767).astype("<i2").tobytes())
    return path


def _speech(text: str, voice: str) -> Audio:
    with wave.open(io.BytesIO(spoken(text, voice))) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768
    loud: Audio = samples / np.sqrt(np.mean(samples**2)) * 0.1
    return loud
