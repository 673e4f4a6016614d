"""The program in a process that has PyTorch and pyannote.audio imported already: that takes five seconds, and the tests need it often.

The process is forked from one that has only imported them. A run whose environment is a test's own is started cold, as users do,
because libraries read variables when they are imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import Ran, command, environment

_FORKED = get_context("forkserver")
_FORKED.set_forkserver_preload(["tests.preloaded"])


def transcriber(folder: Path) -> Callable[..., Ran]:
    """What the fixture `transcribe` is, warm."""

    def run(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Ran:
        if env is not None:
            cold = subprocess.run(command(arguments), cwd=cwd or folder, env=environment(env), capture_output=True, text=True)
            return Ran(cold.returncode, cold.stdout, cold.stderr)
        with TemporaryDirectory() as streams:
            started = (list(map(str, arguments)), cwd or folder, environment(), Path(streams))
            process = _FORKED.Process(target=_become, args=started)
            process.start()
            process.join()
            out, err = (Path(streams, name).read_text("utf-8") for name in ("out", "err"))
        assert process.exitcode is not None
        return Ran(process.exitcode, out, err)

    return run


def _become(arguments: Sequence[str], folder: Path, variables: Mapping[str, str], streams: Path) -> None:
    """Be the program, in the forked process."""
    from transcribe_cli.cli import main

    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    for number, path, mode in ((0, Path(os.devnull), os.O_RDONLY), (1, streams / "out", os.O_CREAT | os.O_WRONLY)):
        os.dup2(os.open(path, mode), number)
    os.dup2(os.open(streams / "err", os.O_CREAT | os.O_WRONLY), 2)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for the whole program
    main(arguments)
