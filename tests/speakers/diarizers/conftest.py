"""Shared fixtures: the demo diarizer, loaded once, conversations with known turns, and a fake Hugging Face hub."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fresh_process import in_fresh_process
from tests.speakers.diarizers.fake_hub import FakeHub, fake_hub
from transcribe_cli.audio import Waveform
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer
from transcribe_cli.spec import JobSpec

if TYPE_CHECKING:
    from demo_diarizer.conversations import Conversation

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))


@dataclass(frozen=True)
class Score:
    """Diarization error rate with a collar of 0.25 s on each side, and the number of detected speakers."""

    error_rate: float
    speakers: int


@pytest.fixture(scope="session")
def demo() -> PyannoteDiarizer:
    """The demo diarizer on the CPU."""
    loaded = PyannoteDiarizer.load("demo", device="cpu")
    import torch

    torch.set_num_threads(1)  # the tests run in parallel
    return loaded


@cache
def held_out(voices: int, seconds: float, seed: int) -> Conversation:
    """A conversation of voices that the demo diarizer was not trained with."""
    from demo_diarizer.conversations import held_out_conversation

    return in_fresh_process(held_out_conversation, voices, seconds, seed)


@pytest.fixture
def waveform_of(tmp_path: Path) -> Iterator[Callable[..., Waveform]]:
    """Put samples on scratch: `waveform_of(samples)`."""
    made: list[Waveform] = []

    def make(samples: object) -> Waveform:
        made.append(Waveform.from_samples(samples, tmp_path))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for waveform in made:
        waveform.close()


@pytest.fixture
def score(waveform_of: Callable[..., Waveform]) -> Callable[..., Score]:
    """Diarize a conversation and compare: `score(diarizer, conversation, num_speakers=3)`."""
    from demo_diarizer.evaluate import figures

    def run(diarizer: PyannoteDiarizer, talk: Conversation, **counts: int) -> Score:
        found = diarizer.diarize(waveform_of(talk.samples), JobSpec(diarize=True, **counts), lambda share: None)
        return Score(figures([(talk, found.turns)]).collar, len(speakers(found)))

    return run


def speakers(found: Diarization) -> list[str]:
    """In the order of first speech."""
    return list(dict.fromkeys(turn.speaker for turn in found.turns))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A fake hub that has the demo diarizer under the official names, and that our code sends requests to."""
    with fake_hub(monkeypatch) as fake:
        yield fake
