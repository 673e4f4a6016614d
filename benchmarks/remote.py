"""Overhead of `transcribe remote` over `transcribe run`: start and memory of the worker, and the additional paid time of a job.

    .venv/bin/python -m benchmarks.remote --rounds 8

The worker is RunPod's real SDK with our handler (`make test-remote` installs it), behind the queue of the tests, on this machine. Both
transcribe the same recording in turn, so that other load on the machine affects both.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.backends.conftest import SPEC, RemoteRunner
from tests.backends.gateway import Gateway, running
from tests.backends.workers import working

from transcribe_cli.audio import Decoder
from transcribe_cli.backends.runpod import RunPod
from transcribe_cli.events import ignore_event
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Job, plan
from transcribe_cli.recognition.engines.faster_whisper import FasterWhisper
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings

EXAMPLE = Path(__file__).parent.parent / "examples/audio/aula.mp3"


def main() -> None:
    """Measure, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--recording", type=Path, default=EXAMPLE)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(Path(folder), arguments.recording, arguments.rounds), indent=1))


def measured(folder: Path, recording: Path, rounds: int) -> dict[str, object]:
    """All figures, in seconds and MB."""
    tree = folder / "aulas"
    tree.mkdir()
    shutil.copy(recording, tree)
    gateway = Gateway()
    with running(gateway):
        remote = RemoteRunner(gateway, tree, folder / "state")
        settings = remote.settings(in_flight=1, device="cpu")
        [job] = plan(find_recordings([str(tree)]), SPEC, settings)
        began = time.monotonic()
        with working(gateway, folder / "worker", "--concurrency", "1") as process:
            while not gateway.pings:
                time.sleep(0.01)
            start = time.monotonic() - began
            there = RunPod(SPEC, settings, ignore_event)
            [load] = FasterWhisper.load(SPEC.model, Settings(device="cpu"))
            engine = load()
            with Decoder() as first, Decoder() as second:
                here = Pipeline(lambda: [lambda: engine], [first, second])
                _outcome(list(there.run([job], lambda job: True)))
                _outcome(list(here.run([job])))
                paid, local = _rounds(rounds, job, there, here, gateway)
            memory = _memory(process.pid)
    over = [far - near for far, near in zip(paid, local, strict=True)]
    return {
        "recording_seconds": _seconds(tree / recording.name),
        "rounds": rounds,
        "load": os.getloadavg()[0],
        "worker_start": round(start, 2),
        "worker_memory_mb": round(memory),
        "paid_median": round(statistics.median(paid), 3),
        "run_median": round(statistics.median(local), 3),
        "overhead_median": round(statistics.median(over), 3),
        "overhead_share": round(statistics.median(over) / statistics.median(local), 3),
    }


def _rounds(rounds: int, job: Job, there: RunPod, here: Pipeline, gateway: Gateway) -> tuple[Sequence[float], Sequence[float]]:
    """Seconds that the backend reports for the job, and seconds of a local run with a loaded model, in turn."""
    paid, local = [], []
    for _ in range(rounds):
        outcome = _outcome(list(there.run([job], lambda job: True)))
        paid.append(outcome.usage[0].computing)
        began = time.perf_counter()
        with closing(here.run([job])) as outcomes:
            _outcome(list(outcomes))
        local.append(time.perf_counter() - began)
    return paid, local


def _outcome(found: list[Outcome]) -> Outcome:
    [outcome] = found
    if outcome.transcript is None:
        raise SystemExit(f"The recording failed: {outcome.error}")
    if outcome.checkpoint is not None:
        outcome.checkpoint.remove()
    return outcome


def _memory(leader: int) -> float:
    """Private memory of the worker's processes, in MB."""
    found = subprocess.run(["ps", "-o", "pid=", "-s", str(leader)], capture_output=True, text=True, check=False).stdout.split()
    total = 0
    for pid in found:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean", "Private_Dirty")):
                total += int(line.split()[1])
    return total / 1024


def _seconds(path: Path) -> float:
    with Decoder() as decoder:
        return round(decoder.probe(path).duration or 0.0, 3)


if __name__ == "__main__":
    main()
