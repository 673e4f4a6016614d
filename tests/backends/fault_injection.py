"""Many recordings through `transcribe remote` while everything goes wrong: what was promised, and what it cost.

    .venv/bin/python -m tests.backends.fault_injection --recordings 200

Clients and workers (RunPod's real SDK) are killed with SIGKILL, requests are refused, answered with errors and dropped, results are lost or
not collected in time. It ends when a client ends by itself. docs/reliability.md has the table.
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
    """What goes wrong and how often, and how often it did.

    Attributes:
        refused, failed, dropped: shares of the clients' requests.
        lost: share of results.
        client_seconds, worker_seconds: a client lives so long, and so does a worker; 0 for as long as it wants.
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
        self._dice = random.Random(self.seed)

    def next_fault(self, kind: str) -> Fault | None:
        """What happens to a request of a client."""
        if kind not in ("run", "status"):
            return None
        dice = self._dice.random()
        for name, share, fault in (
            ("HTTP 429", self.refused, (429, 0.2)),
            ("HTTP 500", self.failed, 500),
            ("dropped before it was taken", self.dropped / 2, DROP_BEFORE),
            ("dropped after it was taken", self.dropped / 2, DROP_AFTER),
        ):
            if dice < share:
                self.counts[f"{kind}: {name}"] += 1
                return fault
            dice -= share
        return None

    def loses(self, job: QueuedJob) -> bool:
        """Whether the result of a job is lost."""
        if self._dice.random() >= self.lost:
            return False
        self.counts["result lost"] += 1
        return True


@dataclass
class Ended:
    """How it ended."""

    recordings: int
    done: int
    jobs: int
    starts: int
    again: dict[str, int]
    told: set[str]
    seconds: float
    log: str
    faults: Counter[str]

    @property
    def silent(self) -> set[str]:
        """Recordings that were begun more than once, and of which no line says so."""
        return set(self.again) - self.told


def run_with_faults(folder: Path, recordings: int, faults: Faults) -> Ended:
    """The whole of it."""
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
        for life in _lives(RemoteRunner(gateway, tree, folder / "state"), log, faults):
            if life in (0, 3):
                break
    lines = log.read_text()
    starts = Counter(job.name for job in gateway.all_jobs() for _ in range(job.starts))
    again = {name: count for name, count in starts.items() if count > 1}
    told = {name for name in starts if any(name in line and _says_so(line) for line in lines.splitlines())}
    done = sum(all(path.with_suffix(f".{ending}").exists() for ending in ("json", "srt", "vtt")) for path in tree.glob("*.wav"))
    return Ended(
        recordings, done, len(gateway.all_jobs()), starts.total(), again, told, time.monotonic() - began, lines, faults.counts
    )


def _says_so(line: str) -> bool:
    return "paid for" in line


def _lives(remote: RemoteRunner, log: Path, faults: Faults) -> Iterator[int | None]:
    """One client after the other; the exit code of each, None for one that was killed."""
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
    """Workers that die and are replaced."""

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
        life = 0
        while not self._ended.is_set():
            name = f"w{number}-{life}"
            process = start(self._gateway, name, self._folder / f"worker-{number}.log")
            # The other one lives half as long again, so that they do not die together.
            self._ended.wait((self._faults.worker_seconds * (1 + number / 2)) or None)
            self._faults.counts["worker killed"] += not self._ended.is_set()
            kill(process)
            life += 1


def main() -> None:
    """Suffer, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ended = run_with_faults(Path(folder), arguments.recordings, Faults(arguments.seed))
        (Path.cwd() / "build").mkdir(exist_ok=True)
        (Path.cwd() / "build/ordeal.log").write_text(ended.log)
    for name, count in sorted(ended.faults.items()):
        print(f"{count:5}  {name}")
    print(
        f"{ended.done} of {ended.recordings} recordings done, {ended.jobs} jobs, begun {ended.starts} times, {ended.seconds:.0f} s"
    )
    print(f"begun more than once: {len(ended.again)}; of these without a line saying so: {sorted(ended.silent) or 'none'}")


if __name__ == "__main__":
    main()
