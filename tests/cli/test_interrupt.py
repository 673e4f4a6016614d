"""Ctrl-C, SIGTERM and SIGKILL during a run: finished work is kept, nothing is half-written, and the next run continues."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest

from tests.audio.media import long_silence
from tests.cli.recordings import SHORT, check_harmless, check_set, state, unfinished
from tests.conftest import command, environment, spoken
from transcribe_cli.cli import signals

COUNT = 8


@dataclass
class Tree:
    """Recordings, a scratch folder, and runs over them in their own process groups, as a terminal starts them."""

    path: Path
    scratch: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def names(self) -> list[str]:
        """Of all recordings."""
        return [f"{number:02}.wav" for number in range(COUNT)]

    def done(self) -> set[str]:
        """Recordings whose transcript is in place."""
        return {f"{path.stem}.wav" for path in self.path.glob("*.json")}

    def start(self, *options: str | Path, variables: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A run, one clip at a time."""
        process = subprocess.Popen(
            command(["run", self.path, "--model", "demo", "--batch-size", "1", *options]),
            env=environment({"TMPDIR": str(self.scratch), **(variables or {})}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def finish(self) -> str:
        """Run the same command to its end; its standard error."""
        process = self.start()
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return check_harmless(err)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """Eight short recordings; whatever a test leaves running is ended."""
    tree = Tree(tmp_path / "aulas", tmp_path / "scratch")
    tree.path.mkdir()
    tree.scratch.mkdir()
    speech = repeated(spoken(SHORT), 4)  # so that several are left when the first is done; a loop, so its verdict is bad
    for name in tree.names():
        (tree.path / name).write_bytes(speech)
    yield tree
    for process in tree.running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def repeated(speech: bytes, times: int) -> bytes:
    """A WAV that says it several times."""
    with wave.open(io.BytesIO(speech)) as once:
        parameters, frames = once.getparams(), once.readframes(once.getnframes())
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams(parameters)
        file.writeframes(frames * times)
    return target.getvalue()


def read_until(process: subprocess.Popen[bytes], wanted: Callable[[str], bool]) -> str:
    """Standard error of a run up to a matching line."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line.decode()
        if wanted(line.decode()):
            return said
    raise AssertionError(said)


def children(pid: int) -> list[int]:
    """Processes that a process started. A thread may end while they are read: its children then belong to another thread."""
    started: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            started.update(map(int, (task / "children").read_text().split()))
    return sorted(started)


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Poll until the condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_end(pids: list[int], seconds: float = 5.0) -> None:
    """Wait until processes that are not our children have ended."""
    wait_until(lambda: not any(map(_is_alive, pids)), seconds)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "Interrupted."), (signal.SIGTERM, 143, "Terminated."), (signal.SIGHUP, 129, "Terminated.")],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
def test_a_signal_ends_the_run_cleanly_and_the_same_command_continues(tree: Tree, number: int, code: int, word: str) -> None:
    """Within seconds, with a summary; the next run does the rest and does not touch finished files."""
    process = tree.start()
    said = read_until(process, lambda line: line.startswith("done"))
    started = children(process.pid)
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert out == b""

    lines = check_harmless(said.encode() + err).splitlines()
    done = {line.split()[1] for line in lines if line.startswith("done")}
    assert tree.done() == done
    assert 0 < len(done) < COUNT
    assert re.fullmatch(rf"{word} {len(done)} transcribed \(.*\); {COUNT - len(done)} not tried; {len(done)} bad\.", lines[-1])
    for name in done:
        check_set(tree.path / Path(name).stem)
    assert {path.stem for path in tree.path.iterdir()} == {Path(name).stem for name in tree.names()}
    assert unfinished(tree.path, tree.scratch) == []
    assert list(tree.scratch.iterdir()) == []
    wait_for_end(started)

    before = state(tree.path)
    again = tree.finish()
    after = state(tree.path)
    assert f"{len(done)} done already" in again
    assert f"{COUNT - len(done)} transcribed" in again
    assert {path: after[path] for path in before} == before
    for name in tree.names():
        check_set(tree.path / Path(name).stem)
    assert list(tree.scratch.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(("hours", "decoded"), [(8, 1), (2, 2 * 3600 * 32_000)], ids=["decoding", "finding speech"])
def test_a_signal_stops_the_preparation_of_a_long_recording(tree: Tree, hours: int, decoded: int) -> None:
    """Neither decoding nor speech detection delays the exit."""
    for name in tree.names():
        (tree.path / name).unlink()
    long_silence(tree.path / "long.wav", hours * 3600, rate=8_000)
    process = tree.start("--log-format", "json")
    read_until(process, lambda line: "recording_started" in line)
    wait_until(lambda: any(path.stat().st_size >= decoded for path in tree.scratch.iterdir()))
    started = children(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(err.splitlines()[-1])["stopped_by"] == "interrupted"
    assert b"recording_prepared" not in err
    assert list(tree.scratch.iterdir()) == []
    wait_for_end(started)


@pytest.mark.slow
def test_a_duplicated_ctrl_c_counts_as_one(tree: Tree) -> None:
    """`uv run` or `make` forward it: the run unwinds normally."""
    process = tree.start()
    read_until(process, lambda line: line.startswith("done"))
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert check_harmless(err).splitlines()[-1].startswith("Interrupted. ")
    assert unfinished(tree.path, tree.scratch) == []


@pytest.mark.slow
def test_a_second_ctrl_c_ends_a_run_that_hangs_without_a_traceback(tree: Tree) -> None:
    """Immediately; here the main thread hangs and cannot unwind."""
    script = (
        "import os, signal, sys, time\n"
        "from transcribe_cli.cli.signals import unwind_on_signals\n"
        "unwind_on_signals()\n"
        "try:\n    print('ready', file=sys.stderr, flush=True); time.sleep(60)\n"
        "finally:\n    print('unwinding', file=sys.stderr, flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, env=environment(), start_new_session=True)
    tree.running.append(process)
    read_until(process, lambda line: line == "ready\n")
    os.killpg(process.pid, signal.SIGINT)
    read_until(process, lambda line: line == "unwinding\n")
    deadline = time.monotonic() + 10
    while process.poll() is None:
        assert time.monotonic() < deadline
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.2)
    assert process.returncode == 130
    assert process.stderr is not None
    assert "Stopped" in check_harmless(process.stderr.read())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_whose_exception_python_ignores_is_repeated(number: signal.Signals) -> None:
    """In the callback of a weak reference, which are frequent during imports."""
    script = (
        "import os, signal, sys, time, weakref\n"
        "from transcribe_cli.cli.signals import unwind_on_signals\n"
        "class Thing: pass\n"
        f"def called(_): os.kill(os.getpid(), {number:d}); time.sleep(0.01)\n"
        "unwind_on_signals()\n"
        "thing = Thing(); seen = weakref.ref(thing, called)\n"
        "try:\n    del thing; time.sleep(60)\n"
        "finally:\n    print('unwound', flush=True)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, timeout=30)
    assert ran.stdout == "unwound\n"
    assert ran.returncode == (143 if number == signal.SIGTERM else -signal.SIGINT)  # as Python ends by itself
    assert "ignored" not in ran.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_a_library_wraps_in_an_error_ends_the_run(tree: Tree, tmp_path: Path, number: int, code: int) -> None:
    """Extensions such as those of CTranslate2 and ONNX Runtime do this during import."""
    (tmp_path / "ctranslate2.py").write_text(
        "import os, time\n"
        f"try: os.kill(os.getpid(), {number:d}); time.sleep(60)\n"
        "except BaseException as stop: raise ImportError('initialization failed') from stop\n"
    )
    process = tree.start("--log-format", "json", variables={"PYTHONPATH": str(tmp_path)})
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert json.loads(err.splitlines()[-1])["stopped_by"] == {130: "interrupted", 143: "terminated"}[code]
    assert list(tree.scratch.iterdir()) == []


def test_a_signal_that_was_ignored_from_the_start_stays_ignored(tree: Tree) -> None:
    """Ctrl-C in the terminal does not stop a script's `transcribe … &`."""
    script = "import signal; from transcribe_cli.cli.signals import unwind_on_signals; unwind_on_signals()\n"
    script += "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    ran = subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$0" -c "$1"', sys.executable, script], env=environment(), capture_output=True, text=True
    )
    assert ran.stdout == "True\n"


@pytest.mark.slow
def test_repeated_sigkill_loses_nothing_and_leaves_nothing_behind(tree: Tree) -> None:
    """Eight kills at random moments: an incomplete set never counts as done, and the last run removes leftovers."""
    chance = random.Random(2)
    whole: dict[Path, tuple[int, int, bytes]] = {}
    kept = 0
    overwritten = False
    for round_number in range(8):
        again = round_number == 5 or len(tree.done()) == COUNT
        overwritten = overwritten or again
        process = tree.start("--overwrite") if again else tree.start()
        if round_number % 2:
            read_until(process, lambda line: line.startswith("done"))  # there is one more at every other round
        else:
            read_until(process, lambda line: "to transcribe" in line)
        time.sleep(chance.uniform(0, 0.6))  # a random moment
        started = children(process.pid)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        wait_for_end(started)
        for path in tree.path.glob("*.json"):
            check_set_as_listed(path)
        if not overwritten:
            now = state(tree.path)
            transcripts = [path for path in whole if path.suffix == ".json"]
            assert all(now[path] == whole[path] for path in transcripts), "a finished transcript was touched"
            kept = max(kept, len(transcripts))
            whole = now
    assert kept > 0
    for path in tree.scratch.iterdir():
        os.utime(path, (0, 0))  # as old as they would be at the next night's run
    tree.finish()  # also where the last kill came after the last recording
    for name in tree.names():
        check_set(tree.path / Path(name).stem)
    assert unfinished(tree.path, tree.scratch) == []
    assert list(tree.scratch.iterdir()) == []
    before = state(tree.path)
    assert f"{COUNT} done already" in tree.finish().splitlines()[-1]
    assert state(tree.path) == before


def check_set_as_listed(json_file: Path) -> None:
    """Check that the renderings of a transcript match its hashes or do not exist."""
    for name, digest in json.loads(json_file.read_text())["outputs"].items():
        rendering = json_file.with_name(name)
        if rendering.exists():
            assert hashlib.sha256(rendering.read_bytes()).hexdigest() == digest


def test_the_threads_that_a_stop_does_not_wait_for_are_known_by_name() -> None:
    """They are looked up by the names of their modules, which no type checker follows."""
    for module in signals._THREAD_MODULES:
        assert isinstance(import_module(module).THREAD_NAME, str)
