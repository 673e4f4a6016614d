"""Runs many recordings through `transcribe remote` with injected faults, and checks that each is done once and that repeats are reported.

    .venv/bin/python -m tests.backends.fault_injection --recordings 200

Clients and workers (with RunPod's real SDK) are killed with SIGKILL; requests are refused, answered with errors or dropped; results are
lost or not collected in time. It ends when a client finishes. docs/reliability.md has the results.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.backends.conftest import RemoteRunner
from tests.backends.gateway import DROP_AFTER, DROP_BEFORE, Fault, Gateway, QueuedJob, running
from tests.backends.workers import kill, start
from tests.conftest import spoken

WORKERS = 2
NUMBERS = ("um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez")


@dataclass
class Faults:
    """The injected faults: their rates and counts.

    Attributes:
        refused, failed, dropped: shares of the clients' requests.
        lost: share of results.
        client_seconds, worker_seconds: time until a client or worker is killed; 0 for never.
        counts: of the faults so far.
    """

    seed: int = 1
    refused: float = 0.05
    failed: float = 0.03
    dropped: float = 0.04
    lost: float = 0.04
    client_seconds: float = 25.0
    worker_seconds: float = 40.0
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def next_fault(self, kind: str) -> Fault | None:
        """The fault for a request of a client."""
        if kind not in ("run", "status"):
            return None
        draw = self._random.random()
        for name, share, fault in (
            ("HTTP 429", self.refused, (429, 0.2)),
            ("HTTP 500", self.failed, 500),
            ("dropped before it was accepted", self.dropped / 2, DROP_BEFORE),
            ("dropped after it was accepted", self.dropped / 2, DROP_AFTER),
        ):
            if draw < share:
                self.counts[f"{kind}: {name}"] += 1
                return fault
            draw -= share
        return None

    def loses(self, job: QueuedJob) -> bool:
        """Whether the result of a job is lost."""
        if self._random.random() >= self.lost:
            return False
        self.counts["result lost"] += 1
        return True


@dataclass
class Report:
    """The counts of a run."""

    recordings: int
    done: int
    jobs: int
    starts: int
    repeated: dict[str, int]
    reported: set[str]
    seconds: float
    log: str
    faults: Counter[str]

    @property
    def unreported(self) -> set[str]:
        """Recordings that were started more than once without a log line about it."""
        return set(self.repeated) - self.reported


def run_with_faults(folder: Path, recordings: int, faults: Faults) -> Report:
    """Run until a client finishes."""
    tree = folder / "aulas"
    tree.mkdir(parents=True)
    for number in range(recordings):
        text = " ".join(NUMBERS[int(digit)] for digit in f"{number:03}")
        (tree / f"{number:03}.wav").write_bytes(spoken(text))
    gateway = Gateway(fault_for=faults.next_fault, lose=faults.loses, lost_after=6.0, retention=120.0)
    began = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(running(gateway))
        stack.enter_context(_Workers(gateway, folder, faults))
        log = folder / "clients.log"
        for exit_code in _run_clients(RemoteRunner(gateway, tree, folder / "state"), log, faults):
            if exit_code in (0, 3):
                break
    lines = log.read_text()
    starts = Counter(job.name for job in gateway.all_jobs() for _ in range(job.starts))
    repeated = {name: count for name, count in starts.items() if count > 1}
    reported = {name for name in starts if any(name in line and "paid for" in line for line in lines.splitlines())}
    done = sum(all(path.with_suffix(f".{ending}").exists() for ending in ("json", "srt", "vtt")) for path in tree.glob("*.wav"))
    return Report(
        recordings,
        done,
        len(gateway.all_jobs()),
        starts.total(),
        repeated,
        reported,
        time.monotonic() - began,
        lines,
        faults.counts,
    )


def _run_clients(remote: RemoteRunner, log: Path, faults: Faults) -> Iterator[int | None]:
    """Run one client after the other, and yield the exit code of each; None for one that was killed."""
    while True:
        line, env = remote.command("--in-flight", "12", "--attempts", "6")
        with log.open("ab") as file:
            process = subprocess.Popen(line, env=env, cwd=remote.folder.parent, stdout=file, stderr=file)
        try:
            yield process.wait(faults.client_seconds or None)
        except subprocess.TimeoutExpired:
            faults.counts["client killed"] += 1
            yield None
        finally:
            process.kill()
            process.wait()


class _Workers:
    """Workers that are killed and replaced."""

    def __init__(self, gateway: Gateway, folder: Path, faults: Faults) -> None:
        import threading

        self._gateway, self._folder, self._faults = gateway, folder, faults
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._replace, args=(number,), daemon=True) for number in range(WORKERS)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _replace(self, number: int) -> None:
        generation = 0
        while not self._ended.is_set():
            name = f"w{number}-{generation}"
            process = start(self._gateway, name, self._folder / f"worker-{number}.log")
            # The second one lives 50 % longer, so they are not killed at the same time.
            self._ended.wait((self._faults.worker_seconds * (1 + number / 2)) or None)
            self._faults.counts["worker killed"] += not self._ended.is_set()
            kill(process)
            generation += 1


def main() -> None:
    """Run, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run_with_faults(Path(folder), arguments.recordings, Faults(arguments.seed))
        (Path.cwd() / "build").mkdir(exist_ok=True)
        (Path.cwd() / "build/fault_injection.log").write_text(report.log)
    for name, count in sorted(report.faults.items()):
        print(f"{count:5}  {name}")
    print(
        f"{report.done} of {report.recordings} recordings done, {report.jobs} jobs, started {report.starts} times,"
        f" {report.seconds:.0f} s"
    )
    print(f"started more than once: {len(report.repeated)}; without a log line about it: {sorted(report.unreported) or 'none'}")


if __name__ == "__main__":
    main()
