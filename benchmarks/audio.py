"""Recordings for the benchmarks: espeak-ng speaks sentences in the vocabulary of the demo model; seeds fix their choice and order.

Everything is generated once, in a cache folder outside the repository. Recordings are compressed, so that decoding takes real work.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 22050  # espeak-ng's
VOICES = ("m1", "m2", "m4", "f1", "f3")
SENTENCES = 150
VERSION = 1


@dataclass(frozen=True)
class Spoken:
    """A recording and its text."""

    path: Path
    text: str
    seconds: float


class Bank:
    """Sentences, each synthesized once, and the recordings that are joined from them."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / f"audio-{VERSION}"
        self._folder.mkdir(parents=True, exist_ok=True)

    def recordings(self, name: str, lengths: list[float], suffix: str) -> list[Spoken]:
        """Recordings of at least these lengths in seconds, generated if they do not exist; `suffix` is mp3 or m4a."""
        return [self._recording(f"{name}-{number:03}-{length:.0f}s", length, suffix) for number, length in enumerate(lengths)]

    def _recording(self, name: str, length: float, suffix: str) -> Spoken:
        path, facts = self._folder / f"{name}.{suffix}", self._folder / f"{name}.json"
        if not facts.is_file():
            print(f"making {path.name}", file=sys.stderr)
            texts: list[str] = []
            unfinished = path.with_name(f"unfinished-{path.name}")
            seconds = _encode(unfinished, self._spoken(random.Random(name), length, texts))
            unfinished.replace(path)
            facts.write_text(json.dumps({"seconds": seconds, "text": " ".join(texts)}))
        known = json.loads(facts.read_text())
        return Spoken(path, known["text"], known["seconds"])

    def _spoken(self, draw: random.Random, length: float, texts: list[str]) -> Iterator[NDArray[np.int16]]:
        """Sentences with pauses, some of them long, for at least `length` seconds. Adds the text of each sentence to `texts`."""
        said = 0
        yield np.zeros(SAMPLE_RATE // 4, np.int16)
        while not texts or said < length * SAMPLE_RATE:
            text, samples = draw.choice(self._sentences)
            texts.append(text)
            pause = draw.uniform(2.5, 5.0) if draw.random() < 0.04 else draw.uniform(0.2, 0.9)
            silence = np.zeros(int(pause * SAMPLE_RATE), np.int16)
            said += len(samples) + len(silence)
            yield samples
            yield silence

    @cached_property
    def _sentences(self) -> list[tuple[str, NDArray[np.int16]]]:
        folder = self._folder / "sentences"
        folder.mkdir(exist_ok=True)
        said = []
        for number, text in enumerate(_texts()):
            path = folder / f"{number:03}.wav"
            if not path.is_file():
                voice = f"pt-br+{VOICES[number % len(VOICES)]}"
                unfinished = path.with_suffix(".part")
                subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", unfinished, text], check=True)
                unfinished.replace(path)
            with wave.open(str(path)) as file:
                said.append((text, np.frombuffer(file.readframes(file.getnframes()), np.int16)))
        return said


def _texts() -> list[str]:
    """Portuguese sentences of the grammar that the demo model was trained with."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
    from demo_model import corpus

    draw = random.Random(2026)
    return [corpus.sentence("pt", draw) for _ in range(SENTENCES)]


def _encode(path: Path, blocks: Iterator[NDArray[np.int16]]) -> float:
    """Compress blocks of samples in the format of the file name. Returns the duration in seconds."""
    position = 0
    with av.open(str(path), "w") as container:
        codec = "libmp3lame" if path.suffix == ".mp3" else "aac"
        stream = container.add_stream(codec, rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = 48_000
        for block in blocks:
            frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, position, Fraction(1, SAMPLE_RATE)
            position += len(block)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return position / SAMPLE_RATE
