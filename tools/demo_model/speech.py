"""Synthetic speech with word times, from the espeak-ng library (Debian package `libespeak-ng1`).

The library is called through ctypes because only its events have the start of each word. Its interface is
https://github.com/espeak-ng/espeak-ng/blob/1.51/src/include/espeak-ng/speak_lib.h.
"""

import ctypes
import functools
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from demo_model.voices import DRAWN, with_drawn_variants

SAMPLE_RATE = 16_000
# Voices of espeak-ng for each language; the first is the common one.
VOICES = {"pt": ("pt-br", "pt"), "en": ("en-us", "en-gb-x-rp"), "es": ("es-419", "es")}
# Variants change the speaker. Whispering, croaking and robot variants that people cannot understand are in neither list.
_TRAINING = (
    "m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 klatt klatt2 klatt3 klatt4 klatt5 Diogo Henrique Hugo Alicia Andrea "
    "Mario Marco Alex Annie Denis Gene Gene2 Jacky Lee Mike Nguyen Storm antonio aunty benjamin boris caleb ed "
    "grandma gustave iven iven2 iven3 john max michel miguel norbert pedro quincy sandro shelby steph travis "
    "RicishayMax"
)
_HELD_OUT = "adam Andy anika belinda david edward linda marcelo Michael pablo paul robert victor zac"
TRAINING_VARIANTS, HELD_OUT_VARIANTS = [*_TRAINING.split(), *DRAWN], _HELD_OUT.split()

_SYNCHRONOUS, _POSITION_IS_CHARACTER, _UTF8 = 2, 1, 1
_RATE, _PITCH = 1, 3
_EVENT_END_OF_LIST, _EVENT_WORD = 0, 1
_QUIET = 0.004  # of full scale: quieter samples before and after an utterance are removed
_LEAD_SECONDS, _TAIL_SECONDS = 0.02, 0.03


@dataclass(frozen=True)
class Utterance:
    """One spoken sentence: `samples` (n,) float32 at 16 kHz with peak 0.8, and for each word of the text its times."""

    text: str
    language: str
    variant: str
    samples: npt.NDArray[np.float32]
    words: tuple[tuple[float, float], ...]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Espeak:
    """The library, which has one global state per process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0)
        data = ctypes.c_char_p()
        self._library.espeak_Info(ctypes.byref(data))
        self._library.espeak_Terminate()
        self._folder = tempfile.TemporaryDirectory()
        view = with_drawn_variants(Path((data.value or b"").decode()), Path(self._folder.name))
        self.sample_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, str(view).encode(), 0)
        self._chunks: list[npt.NDArray[np.int16]] = []
        self._words: list[tuple[int, int]] = []
        self._callback = _Callback(self._collect)  # kept: the library holds only a pointer
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]") -> int:
        if wave and count:
            self._chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        position = 0
        while events[position].type != _EVENT_END_OF_LIST:
            if events[position].type == _EVENT_WORD:
                self._words.append((events[position].text_position - 1, events[position].audio_position))
            position += 1
        return 0

    def say(self, text: str, voice: str, pitch: int, speed: int) -> tuple[npt.NDArray[np.float32], dict[int, float]]:
        """Return samples at the library's rate, and for offsets of characters in `text` the second they begin."""
        self._chunks, self._words = [], []
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        self._library.espeak_SetParameter(_RATE, speed, 0)
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, len(data), 0, _POSITION_IS_CHARACTER, 0, _UTF8, None, None)
        samples = np.concatenate(self._chunks).astype(np.float32) / 32768
        return samples, {offset: milliseconds / 1000 for offset, milliseconds in self._words}


@functools.cache
def _espeak() -> _Espeak:
    return _Espeak()


def speak(
    text: str, language: str, variant: str, voice: str = "", pitch: int = 50, speed: int = 165, size: float = 1.0
) -> Utterance:
    """Speak `text`. `pitch` is 0 to 99, `speed` in words per minute; a `size` above 1 is a larger speaker with a lower voice."""
    espeak = _espeak()
    raw, onsets = espeak.say(text, f"{voice or VOICES[language][0]}+{variant}", pitch, speed)
    samples = resample(raw, SAMPLE_RATE / espeak.sample_rate * size)
    loud = np.flatnonzero(np.abs(samples) > _QUIET)
    first = max(0, int(loud[0] - _LEAD_SECONDS * SAMPLE_RATE))
    samples = samples[first : int(loud[-1] + _TAIL_SECONDS * SAMPLE_RATE)]
    onsets = {offset: onset * size - first / SAMPLE_RATE for offset, onset in onsets.items()}
    words = _word_times(text, onsets, len(samples) / SAMPLE_RATE)
    return Utterance(text, language, variant, samples * np.float32(0.8 / np.abs(samples).max()), words)


def random_utterance(language: str, rng: random.Random, variants: list[str], text_of: Callable[[], str]) -> Utterance:
    """Speak a random sentence with a random voice, pitch and speed."""
    main, other = VOICES[language]
    return speak(
        text_of(),
        language,
        rng.choice(variants),
        voice=main if rng.random() < 0.8 else other,
        pitch=rng.randint(20, 80),
        speed=rng.randint(130, 200),
        size=rng.choice([1.0, rng.uniform(0.88, 1.14)]),
    )


def resample(samples: npt.NDArray[np.float32], ratio: float) -> npt.NDArray[np.float32]:
    """Resample by `ratio` through the spectrum: (n,) to (n * ratio,)."""
    padded = np.pad(samples, 256)
    count = round(len(padded) * ratio)
    spectrum = np.fft.rfft(padded)
    resampled = np.fft.irfft(spectrum[: count // 2 + 1], count) * ratio
    edge = round(256 * ratio)
    return resampled[edge : count - edge].astype(np.float32)


def _word_times(text: str, onsets: dict[int, float], duration: float) -> tuple[tuple[float, float], ...]:
    """Interpolate the known onsets over all words: espeak-ng has one event for several short words that are spoken as one."""
    offsets, cursor = [], 0
    for word in text.split():
        cursor = text.index(word, cursor)
        offsets.append(cursor)
        cursor += len(word)
    known = sorted((offset, onset) for offset, onset in onsets.items() if onset < duration)
    xs = [0, *(offset for offset, _ in known if offset > 0), len(text)]
    ys = [0.0, *(max(0.0, onset) for offset, onset in known if offset > 0), duration]
    starts = np.interp(offsets, xs, ys)
    ends = [*starts[1:], duration]
    return tuple((float(start), float(end)) for start, end in zip(starts, ends, strict=True))
