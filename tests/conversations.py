"""Two people in two channels: what each microphone hears, made of real speech."""

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
# Who says what, one after the other.
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
    """(samples, 2) at 22,050 Hz: each person alone, equally loud. With a negative pause, in seconds, they interrupt each other."""
    said = [(who, _speech(text, VOICES[who])) for who, text in talk]
    starts = np.cumsum([0.3 * RATE, *(len(speech) + pause * RATE for _, speech in said)]).astype(int)
    sound = np.zeros((starts[-1] + 2 * RATE, 2))
    for (who, speech), start in zip(said, starts, strict=False):
        sound[start : start + len(speech), who] += speech
    return sound


def with_crosstalk(sound: Audio, decibels: float, delay: float = 0.0) -> Audio:
    """The same, where each microphone also hears the other person, so much louder (negative: quieter) and so many seconds later."""
    return sound + 10 ** (decibels / 20) * np.roll(sound[:, ::-1], round(delay * RATE), axis=0)


def with_noise(sound: Audio, decibels: float = -65.0) -> Audio:
    """The same with noise of its own in each channel, in decibels of full scale."""
    return sound + np.random.default_rng(5).normal(size=sound.shape) * 10 ** (decibels / 20)


def write_wav(path: Path, sound: Audio) -> Path:
    """A WAV of 16 bits with these channels: (samples, channels)."""
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
