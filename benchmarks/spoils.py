"""Ways to spoil a recording on purpose, each with the options of the run: (samples,) at 16 kHz in, a WAV file out. Deterministic."""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Spoil:
    """A fault. `languages` are forced in turn: a recording gets the first one that is not its own.

    Attributes:
        change: returns (samples,) or (samples, channels).
        rate: of the file's header.
        keep: the share of the file's bytes that is left.
        model: instead of the model under test.
        is_fault: to be flagged even where the words are right: a wrong language of the document, or audio that is not as it should be.
    """

    name: str
    change: Callable[[Samples], NDArray[np.floating]] = lambda samples: samples
    rate: int = RATE
    keep: float = 1.0
    languages: tuple[str, ...] = ()
    model: str | None = None
    is_fault: bool = False

    def write(self, samples: Samples, path: Path) -> None:
        """Write the spoilt recording as 16-bit WAV."""
        changed = np.asarray(self.change(samples))
        channels = 1 if changed.ndim == 1 else changed.shape[1]
        pcm = (np.clip(changed, -1, 1) * 32767).astype("<i2")
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(pcm.tobytes())
        if self.keep < 1:
            data = path.read_bytes()
            path.write_bytes(data[: int(len(data) * self.keep)])


def _level(samples: NDArray[np.floating]) -> float:
    return max(1e-9, float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))))


def _shaped(samples: Samples, gain: Callable[[NDArray[np.floating]], NDArray[np.floating]]) -> NDArray[np.floating]:
    """The samples with each frequency, in Hz, multiplied by its gain."""
    spectrum = np.fft.rfft(samples)
    return np.fft.irfft(spectrum * gain(np.fft.rfftfreq(len(samples), 1 / RATE)), len(samples))


def _noisy(decibels: float) -> Callable[[Samples], NDArray[np.floating]]:
    """Pink noise at this ratio of speech to noise."""

    def change(samples: Samples) -> NDArray[np.floating]:
        white = np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
        pink = _shaped(white, lambda hertz: 1 / np.sqrt(np.maximum(hertz, 50)))
        return samples + pink * (_level(samples) / _level(pink) * 10 ** (-decibels / 20))

    return change


def _with_music(decibels: float) -> Callable[[Samples], NDArray[np.floating]]:
    """Chords of decaying harmonics, twice a second, at this ratio of speech to music."""

    def change(samples: Samples) -> NDArray[np.floating]:
        music = np.zeros(len(samples))
        notes = np.random.default_rng(1).integers(40, 76, (len(samples) // (RATE // 2) + 1, 3))
        for number, chord in enumerate(notes):
            start = number * RATE // 2
            time = np.arange(min(RATE, len(samples) - start)) / RATE
            for note in chord:
                pitch = 440 * 2 ** ((note - 69) / 12)
                music[start : start + len(time)] += sum(
                    np.sin(2 * np.pi * pitch * part * time) / part * np.exp(-3 * time) for part in (1, 2, 3, 4, 5)
                )
        return samples + music * (_level(samples) / _level(music) * 10 ** (-decibels / 20))

    return change


def _paced(factor: float) -> Callable[[Samples], NDArray[np.floating]]:
    """Faster (above 1) or slower speech at the same pitch: overlapping windows, moved."""

    def change(samples: Samples) -> NDArray[np.floating]:
        size, hop = 800, 400
        out = np.zeros(int(len(samples) / factor) + size)
        window = np.hanning(size)
        for start in range(0, len(out) - size, hop):
            source = int(start * factor)
            piece = samples[source : source + size]
            out[start : start + len(piece)] += piece * window[: len(piece)]
        return out

    return change


def _dropped(share: float) -> Callable[[Samples], NDArray[np.floating]]:
    """This share of all blocks of 0.2 s is silent, as in a bad call."""

    def change(samples: Samples) -> NDArray[np.floating]:
        block = RATE // 5
        lost = np.random.default_rng(2).random(len(samples) // block + 1) < share
        return samples * ~np.repeat(lost, block)[: len(samples)]

    return change


def _cancelling(samples: Samples) -> NDArray[np.floating]:
    return np.stack([samples, -samples], axis=1)


def _half_cancelling(samples: Samples) -> NDArray[np.floating]:
    other = samples.copy()
    other[len(other) // 2 :] *= -1
    return np.stack([samples, other], axis=1)


def _band(low: float, high: float) -> Callable[[Samples], NDArray[np.floating]]:
    return lambda samples: _shaped(samples, lambda hertz: ((hertz >= low) & (hertz <= high)).astype(np.float64))


SPOILS: Mapping[str, Spoil] = {
    spoil.name: spoil
    for spoil in (
        Spoil("clean"),
        Spoil("forced-en-pt", languages=("en", "pt"), is_fault=True),
        Spoil("forced-de-es", languages=("de", "es"), is_fault=True),
        Spoil("demo", model="demo"),
        Spoil("noise-5", _noisy(-5)),
        Spoil("noise0", _noisy(0)),
        Spoil("noise5", _noisy(5)),
        Spoil("noise10", _noisy(10)),
        Spoil("music-5", _with_music(-5)),
        Spoil("music5", _with_music(5)),
        Spoil("telephone", _band(300, 3400)),
        Spoil("muffled", _band(0, 700)),
        Spoil("fast1.5", _paced(1.5)),
        Spoil("fast2.2", _paced(2.2)),
        Spoil("slow0.5", _paced(0.5)),
        Spoil("rate24000", rate=24_000),
        Spoil("rate8000", rate=8_000),
        Spoil("clipped", lambda samples: np.clip(samples * 60, -1, 1) * 0.5),
        Spoil("dropped30", _dropped(0.3)),
        Spoil("dropped50", _dropped(0.5)),
        Spoil("truncated", keep=0.5, is_fault=True),
        Spoil("cancelled", _cancelling, is_fault=True),
        Spoil("half-cancelled", _half_cancelling, is_fault=True),
        Spoil("quiet", lambda samples: samples * (10 ** (-40 / 20))),
    )
}
