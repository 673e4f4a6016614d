"""Run a contender: wall time, its events, and the peak memory of the process and its children."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WATCH_SECONDS = 0.5


@dataclass
class Ran:
    """The result of a process.

    Attributes:
        peak: memory of all processes in bytes; shared pages count once.
        events: JSON objects from its standard error, each with the seconds since the start of the process under `at`.
    """

    seconds: float = 0.0
    peak: int = 0
    output: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    def at(self, event: str) -> float | None:
        """When this event first occurred, in seconds since the start."""
        return next((item["at"] for item in self.events if item["event"] == event), None)


def run(
    command: Sequence[str | os.PathLike[str]],
    given: str = "",
    enough: Callable[[Mapping[str, Any]], bool] = lambda event: False,
    accepted: Collection[int] = (0,),
) -> Ran:
    """Run a command until it ends, or until `enough` returns true for an event. `accepted` are the exit codes of success.

    Raises:
        RuntimeError: it failed; the message has the end of its standard error.
    """
    ran, complaints = Ran(), []
    # The user's configuration of our command must not change the measurement.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRANSCRIBE_")}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    stopped = threading.Event()

    def listen() -> None:
        for line in process.stderr:
            try:
                event = json.loads(line)
                ran.events.append(event | {"at": time.perf_counter() - began})
            except (ValueError, TypeError):
                complaints.append(line)
            else:
                if not stopped.is_set() and enough(event):
                    stopped.set()
                    process.terminate()

    listener, watcher = threading.Thread(target=listen), threading.Thread(target=_watch, args=(process, ran))
    try:
        listener.start()
        watcher.start()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(given)
            process.stdin.close()
        ran.output = process.stdout.read()
        code = process.wait()
        ran.seconds = time.perf_counter() - began
    finally:
        process.kill()
        process.wait()
        listener.join()
        watcher.join()
        process.stdout.close()
        process.stderr.close()
    if code not in accepted and not stopped.is_set():
        raise RuntimeError(f"{Path(command[0]).name} ended with code {code}: {''.join(complaints)[-2000:]}")
    return ran


def _watch(process: subprocess.Popen[str], ran: Ran) -> None:
    while process.poll() is None:
        ran.peak = max(ran.peak, sum(_memory(pid) for pid in _tree(process.pid)))
        time.sleep(WATCH_SECONDS)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that ended since
                for child in (thread / "children").read_text().split():
                    yield from _tree(int(child))


def _memory(pid: int) -> int:
    """Proportional set size in bytes: private pages, and a share of shared pages."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
