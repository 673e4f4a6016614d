"""Kills two runs over one tree with SIGKILL at random moments, repeatedly, and counts what is lost.

Two runs are always active. One of them, or both, is killed after a random time and restarted, until enough were killed; whenever the
tree is done, its outputs are removed and it starts again. `make test-crash` kills thirty times.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.recordings import check_set
from tests.conftest import command, environment, lecture, spoken
from tests.storage.places import Tree

SHORT = 8
PATIENCE = 180.0
# Fields that differ between any two runs. In `job` only the time differs, and the spec is compared by its fingerprint.
IGNORED: dict[str, Any] = {"job": None, "timing": None}
OPTIONS = ("--model", "demo", "--batch-size", "1", "--threads", "1", "--num-workers", "1", "--log-format", "json")


@dataclass
class Run:
    """A run and its log."""

    process: subprocess.Popen[bytes]
    log: Path
    killed: bool = False

    def events(self, name: str) -> list[dict[str, Any]]:
        """Events of one type; an incomplete last line is ignored."""
        lines = self.log.read_bytes().split(b"\n")[:-1]
        return [event for line in lines if (event := json.loads(line))["event"] == name]

    def kill(self, chance: random.Random) -> None:
        """Kill either the process alone, whose decoders have to notice, or its whole process group."""
        if self.process.poll() is None:
            self.killed = True
            (os.killpg if chance.random() < 0.5 else os.kill)(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Counts:
    """What was injected, and the results."""

    kills: int = 0
    trees: int = 0
    recordings: int = 0
    started: int = 0
    reported_done: int = 0
    done_twice: int = 0
    started_twice: int = 0
    in_other_run: int = 0
    temporary: int = 0
    leases: int = 0
    problems: list[str] = field(default_factory=list)


class CrashHarness:
    """A tree of recordings, the transcripts of an undisturbed run, and runs that are killed.

    Args:
        folder: for scratch, logs and copies.
        seed: of the random numbers.
        tree: an empty tree in a folder or a bucket.
    """

    def __init__(self, folder: Path, seed: int, tree: Tree) -> None:
        self.chance = random.Random(seed)
        self.counts = Counts()
        self._tree, self._scratch, self._logs = tree, folder / "scratch", folder / "logs"
        for made in (self._scratch, self._logs):
            made.mkdir()
        for number in range(SHORT):
            tree.put(f"{number:02}.wav", spoken(f"Bom dia a todos. Abram o livro na página {20 + number}."))
        long = lecture(folder / "aula.wav", [("Bom dia a todos. Vamos começar a aula.", "pt-br+m3")] * 6)
        tree.put("aula.wav", long.read_bytes())
        self._sources = tree.names()
        self._runs: list[Run] = []
        self._finish("--output-dir", folder / "undisturbed")
        self._wanted = {name: document(folder / "undisturbed" / f"{Path(name).stem}.json") for name in self._sources}
        self._runs.clear()

    def run_until(self, kills: int) -> Counts:
        """Kill runs this many times."""
        pair = [self._start(), self._start()]
        while self.counts.kills < kills:
            self._wait_for_work(pair)
            time.sleep(self.chance.uniform(0.0, 1.5))
            if all(run.process.poll() is not None for run in pair):
                self._check_tree()
                pair = [self._start(), self._start()]
                continue
            for slot in {self.chance.randrange(2), self.chance.randrange(2)}:
                if pair[slot].process.poll() is None:
                    pair[slot].kill(self.chance)
                    self.counts.kills += 1
                    self._count_leftovers()
                    self._check_as_listed()
                pair[slot] = self._start()
        for run in pair:
            run.process.wait(PATIENCE)
        self._check_tree()
        return self.counts

    def _start(self, *options: str | Path) -> Run:
        log = self._logs / f"{len(list(self._logs.iterdir())):03}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command(["run", self._tree.url, *OPTIONS, "--state-dir", self._logs.parent / "state", *options]),
                env=environment({**self._tree.env, "TMPDIR": str(self._scratch)}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                start_new_session=True,
            )
        self._runs.append(Run(process, log))
        return self._runs[-1]

    def _finish(self, *options: str | Path) -> Run:
        run = self._start(*options)
        assert run.process.wait(PATIENCE) == 0, run.log.read_text()
        return run

    def _wait_for_work(self, pair: list[Run]) -> None:
        """Wait until both runs have a plan or, half of the time, until one has written a transcript; or both have ended."""
        deadline = time.monotonic() + PATIENCE
        ready = any if self.chance.random() < 0.5 else all
        event = "recording_done" if ready is any else "run_started"
        while not ready(run.events(event) for run in pair) and any(run.process.poll() is None for run in pair):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _count_leftovers(self) -> None:
        names = self._tree.names()
        self.counts.temporary += sum(name.endswith(".tmp") for name in names)
        self.counts.leases += sum(name.endswith(".transcribe-lease") for name in names)

    def _check_as_listed(self) -> None:
        """At any time: a transcript is complete, and the outputs that it lists match it or do not exist."""
        documents = [self._tree.get(name) for name in self._tree.names() if name.endswith(".json")]
        for data in filter(None, documents):
            for name, digest in json.loads(data)["outputs"].items():
                rendering = self._tree.get(name)
                if rendering is not None and hashlib.sha256(rendering).hexdigest() != digest:
                    self.counts.problems.append(f"{name} does not match its transcript")

    def _check_tree(self) -> None:
        """After the last of several runs: all outputs are there, as in an undisturbed run; then remove them."""
        for run in self._runs:
            if not run.killed and run.process.returncode not in (0, 6):
                self.counts.problems.append(f"exit code {run.process.returncode}: {run.log.read_text()[-300:]}")
        for path in self._scratch.iterdir():
            os.utime(path, (0, 0))  # as old as at the next night's run
        self._finish()
        copy = self._logs.parent / f"tree {self.counts.trees}"
        copy.mkdir()
        for name, data in self._tree.files().items():
            (copy / name).write_bytes(data)
        for name in self._sources:
            if check_set(copy / Path(name).stem) | IGNORED != self._wanted[name] | IGNORED:
                self.counts.problems.append(f"{name} differs from the undisturbed run")
            if document(copy / f"{Path(name).stem}.json")["job"]["fingerprint"] != self._wanted[name]["job"]["fingerprint"]:
                self.counts.problems.append(f"{name} has a different spec")
        outputs = {f"{Path(name).stem}.{ending}" for name in self._sources for ending in ("json", "srt", "vtt")}
        left = self._tree.names() - self._sources - outputs
        left |= {path.name for path in self._scratch.iterdir()}
        self.counts.problems += [f"{name} was left behind" for name in sorted(left)]
        self._count_work()
        for name in outputs:
            self._tree.remove(name)
        self._runs.clear()
        self.counts.trees += 1
        self.counts.recordings += len(self._sources)

    def _count_work(self) -> None:
        """Count recordings that were done or started twice: only killed runs may start one and not finish it."""
        done = Counter(
            event["recording"] for run in self._runs for event in run.events("recording_done") if not event["rendered"]
        )
        self.counts.reported_done += done.total()
        self.counts.done_twice += sum(count - 1 for count in done.values())
        for run in self._runs:
            started = Counter(event["recording"] for event in run.events("recording_started"))
            finished = Counter(event["recording"] for event in run.events("recording_done") if not event["rendered"])
            self.counts.started += started.total()
            self.counts.in_other_run += len(run.events("recording_elsewhere"))
            if not run.killed:
                self.counts.started_twice += (started - finished).total()


def document(path: Path) -> dict[str, Any]:
    """The JSON document in a file."""
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content
