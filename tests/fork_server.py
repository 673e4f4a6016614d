"""The program in a process that has imported its libraries already: that takes a second, with PyTorch five, and the tests need it often.

    python -m tests.fork_server MODULE…    imports them; for each line of standard input forks, runs the program, prints its exit code

A run whose environment is a test's own is started cold, as users do, because libraries read variables when they are imported.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import NoReturn

from tests.conftest import Ran, command, environment

_LIBRARIES = (
    "transcribe_cli.cli",
    "transcribe_cli.batch.run",
    "transcribe_cli.recognition.engines.faster_whisper",
    "transcribe_cli.ledger.database",
)
_PYTORCH = (*_LIBRARIES, "tests.preload_pytorch", "transcribe_cli.speakers.diarizers.demo_models")
# Read while the program runs, not when something is imported.
_READ_LATE = ("TRANSCRIBE_", "TMPDIR", "RUNPOD_API_KEY", "OPENAI_API_KEY", "GROQ_API_KEY")


def command_runner(folder: Path, *, pytorch: bool = False) -> Callable[..., Ran]:
    """What the fixture `transcribe` is: the program in `folder` unless told otherwise."""

    def run(
        *arguments: str | Path | bytes, cwd: Path | None = None, env: dict[str, str] | None = None, stdin: bytes = b""
    ) -> Ran:
        if not all(name.startswith(_READ_LATE) for name in env or ()):
            cold = subprocess.run(command(arguments), cwd=cwd or folder, env=environment(env), input=stdin, capture_output=True)
            return Ran(cold.returncode, cold.stdout.decode(), cold.stderr.decode())
        with tempfile.TemporaryDirectory() as streams:
            given, out, err = (Path(streams, name) for name in ("in", "out", "err"))
            given.write_bytes(stdin)
            request = {
                "arguments": [os.fsdecode(argument) for argument in arguments],
                "folder": str(cwd or folder),
                "variables": environment(env),
                "streams": [str(given), str(out), str(err)],
            }
            code = _asked(_PYTORCH if pytorch else _LIBRARIES, request)
            return Ran(code, out.read_bytes().decode(), err.read_bytes().decode())

    return run


def _asked(modules: tuple[str, ...], request: Mapping[str, object]) -> int:
    """The exit code of the program in the process that has these modules."""
    process = _started(modules)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    return int(process.stdout.readline())


@cache
def _started(modules: tuple[str, ...]) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "tests.fork_server", *modules]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    atexit.register(process.communicate)  # whose end of input is its end
    return process


def _serve(modules: list[str]) -> None:
    for name in modules:
        import_module(name)
    gc.freeze()  # otherwise each process that is forked copies what its collector touches
    for line in sys.stdin:
        process = get_context("fork").Process(target=_become, kwargs=json.loads(line))
        process.start()
        process.join()
        sys.stdout.write(f"{process.exitcode}\n")
        sys.stdout.flush()


def _become(arguments: list[str], folder: str, variables: Mapping[str, str], streams: list[str]) -> NoReturn:
    """Be the program, in the forked process."""
    from transcribe_cli.cli import main

    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    tempfile.tempdir = None
    for number, path in enumerate(streams):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for the whole program
    main(arguments)


if __name__ == "__main__":
    _serve(sys.argv[1:])
