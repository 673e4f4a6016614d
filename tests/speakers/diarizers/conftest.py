"""What these tests share: the demo diarizer, loaded once, conversations with known turns, and a Hugging Face hub on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fresh_process import in_fresh_process
from tests.speakers.diarizers.fake_hub import FakeHub
from transcribe_cli.audio import Waveform
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer
from transcribe_cli.spec import JobSpec

if TYPE_CHECKING:
    from demo_diarizer.conversations import Conversation

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))


@dataclass(frozen=True)
class Score:
    """Diarization error rate with a quarter of a second of collar on each side, and the number of speakers found."""

    error_rate: float
    speakers: int


@pytest.fixture(scope="session")
def demo() -> PyannoteDiarizer:
    """The demo diarizer on the processor."""
    loaded = PyannoteDiarizer.load("demo", device="cpu")
    import torch

    torch.set_num_threads(1)  # the tests run side by side
    return loaded


@cache
def held_out(voices: int, seconds: float, seed: int) -> Conversation:
    """A conversation by voices that the demo diarizer was not trained with."""
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
    """A hub on this machine that has the demo diarizer under the official names, and that our code asks."""
    from huggingface_hub import constants

    with FakeHub() as fake:
        # Both are made from HF_ENDPOINT when the library is imported.
        monkeypatch.setattr(constants, "ENDPOINT", fake.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", fake.url + "/{repo_id}/resolve/{revision}/{filename}")
        for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere/token")
        yield fake
