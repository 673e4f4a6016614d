"""Ours on a simulated accelerator: the whole run, from finding recordings to written files; only the network is simulated.

The engine is the real one, configured as on a GPU, and computes the features. Reads the work from standard input.
"""

from __future__ import annotations

from transcribe_cli import tuning

tuning.tune()  # as at the start of the program

import time
from pathlib import Path

from benchmarks.device import Device, SimulatedWhisper
from benchmarks.work import Answer, Work, tell
from transcribe_cli.backends import local
from transcribe_cli.batch import run
from transcribe_cli.events import Event
from transcribe_cli.plan import plan
from transcribe_cli.recognition.engines.faster_whisper import BATCH_SIZE, GPU_CONCURRENCY, FasterWhisper
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Listings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec


def _emit(event: Event) -> None:
    tell(**event.as_record())


def main() -> None:
    """Transcribe the files of the work on standard input."""
    work = Work.received()
    assert work.profile is not None
    device = Device(work.profile)
    engine = FasterWhisper(
        SimulatedWhisper(work.folder, device), work.model, "cuda/simulated", BATCH_SIZE["cuda"], 1, GPU_CONCURRENCY
    )
    local.engine_loaders = lambda spec, settings: [lambda: engine]
    spec, out = JobSpec(**work.spec), Path(work.out)
    settings = Settings(
        device="cpu", output_dir=None if work.beside else out / "out", state_dir=out / "state", overwrite=work.beside
    )
    tell("ready")
    began = time.perf_counter()
    listings = Listings()
    jobs = plan(find_recordings(work.files, listings=listings), spec, settings, listings)
    summary = run.Batch(jobs, spec, settings, _emit).run()
    answer = Answer(time.perf_counter() - began)
    if summary.exit_code:
        raise SystemExit(f"the run ended with code {summary.exit_code}")
    device.tell(answer, began)
    answer.give()


if __name__ == "__main__":
    main()
