"""Standard streams that can be counted on: there, able to write every name, and no reason to stop when nobody listens any more."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO, cast

_MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}


def prepare_streams() -> None:
    """Open those that were closed (`>&-`) on nothing, and let what their encoding lacks be written as an escape.

    Left closed, the next file opened would take their number, and whatever a library prints would land in it.
    """
    for number, (name, mode) in enumerate(_MODES.items()):
        stream = getattr(sys, name)
        if stream is None:
            _redirect_to_nothing(number)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - for the whole program
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stderr = cast("TextIO", _Unfailing(sys.stderr))


def mute_stdout() -> None:
    """Nobody reads it any more (`| head`): say nothing more there, and keep the interpreter from trying when it ends."""
    _redirect_to_nothing(1)


class _Unfailing:
    """Where people are told what happens. That its reader goes away, or its disk fills up, must not end the work."""

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


def _redirect_to_nothing(number: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, number)
    if nothing == number:
        os.set_inheritable(number, True)
    else:
        os.close(nothing)
