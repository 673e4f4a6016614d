"""The times and costs of the recordings of a run add up to those of the run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import lecture, spoken
from transcribe_cli.batch.run import Batch
from transcribe_cli.costs.meter import LocalMeter
from transcribe_cli.costs.prices import Price
from transcribe_cli.events import Event, RecordingDone, RecordingFailed
from transcribe_cli.plan import plan
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import read_transcript
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

TEXTS = ("Bom dia a todos. Vamos começar a aula.", "O professor explica a lição de hoje.", "Muito obrigado pela atenção.")
PER_HOUR = 3.6e6  # a thousand dollars a second, so that rounding does not matter
# No clip passes, so each is decoded at both temperatures.
LADDER = {"log_prob_threshold": 0.0, "no_speech_threshold": None, "temperature": (0.0, 0.4)}


class Listener:
    """Remembers the final events of recordings, and how long after its creation the last one arrived."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.ended: list[RecordingDone | RecordingFailed] = []
        self.seconds = 0.0

    def __call__(self, event: Event) -> None:
        """Receive an event."""
        if isinstance(event, RecordingDone | RecordingFailed):
            self.ended.append(event)
            self.seconds = time.perf_counter() - self._began


def run(folder: Path, spec: JobSpec, **more: Any) -> Listener:
    """A run in this process; checks that its recordings account for its time and its cost until the last of them was written."""
    settings = Settings.model_validate({"state_dir": folder.parent / "state", "device": "cpu", "threads": 2, **more})
    jobs = plan(find_recordings([str(folder)]), spec, settings)
    listener = Listener()
    meter = LocalMeter(Price("test", per_hour=PER_HOUR))
    finished = Batch(jobs, spec, settings, listener, meter=meter).run()
    assert sum(event.seconds for event in listener.ended) == pytest.approx(listener.seconds, rel=0.02, abs=0.1)
    assert sum(event.seconds for event in listener.ended) <= finished.seconds + 0.01
    costs = [event.cost for event in listener.ended if event.cost is not None]
    assert sum(costs) == pytest.approx(sum(event.seconds for event in listener.ended) * PER_HOUR / 3600, rel=0.01)
    return listener


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three short recordings, a longer one, and one that cannot be decoded."""
    made = tmp_path / "aulas"
    lecture(made / "aula.wav", [(text, "pt-br+m3") for text in TEXTS])
    for number, text in enumerate(TEXTS):
        (made / f"{number}.wav").write_bytes(spoken(text))
    (made / "broken.mp3").write_bytes(bytes(range(256)) * 400)
    return made


@pytest.mark.parametrize("settings", [{}, {"num_workers": 1, "batch_size": 4}], ids=["replicas", "batches"])
def test_recordings_account_for_the_time_of_the_run(folder: Path, settings: dict[str, int]) -> None:
    """Loading, the vote on the language, retries and failures included. Each transcript has the time of its line."""
    listener = run(folder, JobSpec(model="demo", **LADDER), **settings)
    assert len(listener.ended) == 5
    for event in listener.ended:
        if isinstance(event, RecordingDone):
            timing = read_transcript((folder / event.recording).with_suffix(".json")).timing
            stages = timing.fetch + timing.decode + timing.vad + timing.asr + timing.diarization
            assert timing.total == pytest.approx(event.seconds, abs=0.001)
            assert 0 < timing.asr <= stages <= timing.total + 0.003
            assert timing.rtfx == pytest.approx(event.duration / timing.total, rel=0.01)


def test_diarization_later_adds_its_time_and_cost(folder: Path) -> None:
    """Its line has only what this run spent. A run that only renders adds nothing."""
    before = {event.recording: event.seconds for event in run(folder, JobSpec(model="demo", language="pt")).ended}
    after = run(folder, JobSpec(model="demo", language="pt", diarize=True, diarize_model="demo"))
    for event in after.ended:
        if isinstance(event, RecordingDone):
            assert event.diarized
            transcript = read_transcript((folder / event.recording).with_suffix(".json"))
            total = before[event.recording] + event.seconds
            assert transcript.timing.total == pytest.approx(total, abs=0.003)
            assert transcript.timing.diarization > 0
            assert transcript.cost is not None
            assert transcript.cost.seconds == pytest.approx(total, abs=0.003)
