"""Makes the standard streams safe: always open, able to print every file name, and never a reason to stop the work."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO, cast

_MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}


def prepare_streams() -> None:
    """Open closed streams (`>&-`) on /dev/null, and escape characters that a stream cannot encode.

    If a stream stayed closed, the next opened file would get its number, and output of libraries would be written into that file.
    """
    for number, (name, mode) in enumerate(_MODES.items()):
        stream = getattr(sys, name)
        if stream is None:
            _redirect_to_devnull(number)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - for the whole program
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stderr = cast("TextIO", _IgnoreWriteErrors(sys.stderr))


def mute_stdout() -> None:
    """Redirect stdout to /dev/null after its reader has gone (`| head`), so that the interpreter's flush at exit does not fail."""
    _redirect_to_devnull(1)


class _IgnoreWriteErrors:
    """Stderr whose write errors are ignored: a closed pipe or a full disk must not stop the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a stream has
        return getattr(self._stream, name)


def _redirect_to_devnull(number: int) -> None:
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, number)
    if devnull == number:
        os.set_inheritable(number, True)
    else:
        os.close(devnull)
