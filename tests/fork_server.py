"""Runs the program in forks of a process that has already imported its libraries, which saves one second a run, or five with PyTorch.

    python -m tests.fork_server MODULE…    imports them; for each line of standard input forks, runs the program, prints its exit code

A run with environment variables of its own starts a new process, because libraries read variables when they are imported.
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
# Variables that are read at run time, not at import.
_RUN_TIME_VARIABLES = ("TRANSCRIBE_", "TMPDIR", "RUNPOD_API_KEY", "OPENAI_API_KEY", "GROQ_API_KEY")


def command_runner(folder: Path, *, pytorch: bool = False) -> Callable[..., Ran]:
    """The function behind the fixture `transcribe`: runs the program, by default in `folder`."""

    def run(
        *arguments: str | Path | bytes, cwd: Path | None = None, env: dict[str, str] | None = None, stdin: bytes = b""
    ) -> Ran:
        if not all(name.startswith(_RUN_TIME_VARIABLES) for name in env or ()):
            ran = subprocess.run(command(arguments), cwd=cwd or folder, env=environment(env), input=stdin, capture_output=True)
            return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())
        with tempfile.TemporaryDirectory() as streams:
            stdin_file, out, err = (Path(streams, name) for name in ("in", "out", "err"))
            stdin_file.write_bytes(stdin)
            request = {
                "arguments": [os.fsdecode(argument) for argument in arguments],
                "folder": str(cwd or folder),
                "variables": environment(env),
                "streams": [str(stdin_file), str(out), str(err)],
            }
            code = _request_run(_PYTORCH if pytorch else _LIBRARIES, request)
            return Ran(code, out.read_bytes().decode(), err.read_bytes().decode())

    return run


def _request_run(modules: tuple[str, ...], request: Mapping[str, object]) -> int:
    """Run the program in a fork of the server with these modules; its exit code."""
    process = _server(modules)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    return int(process.stdout.readline())


@cache
def _server(modules: tuple[str, ...]) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "tests.fork_server", *modules]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    atexit.register(process.communicate)  # closes its stdin, which ends it
    return process


def _serve(modules: list[str]) -> None:
    for name in modules:
        import_module(name)
    gc.freeze()  # otherwise the collector of each fork touches, and so copies, all memory
    for line in sys.stdin:
        process = get_context("fork").Process(target=_run_program, kwargs=json.loads(line))
        process.start()
        process.join()
        sys.stdout.write(f"{process.exitcode}\n")
        sys.stdout.flush()


def _run_program(arguments: list[str], folder: str, variables: Mapping[str, str], streams: list[str]) -> NoReturn:
    """Run the program in the forked process."""
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
