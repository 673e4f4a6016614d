"""Makes the standard streams safe: always open, able to print every file name, and never a reason to stop the work."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
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
    sys.stdout = cast("TextIO", _RememberWriteErrors(sys.stdout))
    sys.stderr = cast("TextIO", _IgnoreWriteErrors(sys.stderr))


def stdout_error() -> OSError | None:
    """Why stdout could not be written, including what is still buffered; None if everything was."""
    stdout = sys.stdout
    if not isinstance(stdout, _RememberWriteErrors):  # replaced, as by a test
        return None
    with suppress(OSError):
        stdout.flush()
    return stdout.error or stdout.buffer.error


def mute_stdout() -> None:
    """Redirect stdout to /dev/null after its reader has gone (`| head`), so that the interpreter's flush at exit does not fail."""
    _redirect_to_devnull(1)


class _Wrapper:
    """A stream with all attributes of another one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a stream has
        return getattr(self._stream, name)


class _RememberWriteErrors(_Wrapper):
    """Stdout that remembers its first write error: whatever follows from it, the cause is the stream and no bug.

    Attributes:
        error: the first write error.
    """

    error: OSError | None = None

    @cached_property
    def buffer(self) -> _RememberWriteErrors:
        """The stream below it, for bytes."""
        return _RememberWriteErrors(getattr(self._stream, "buffer", self._stream))

    def write(self, text: str) -> int:
        with self._remembered():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._remembered():
            self._stream.flush()

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.error = self.error or error
            raise


class _IgnoreWriteErrors(_Wrapper):
    """Stderr whose write errors are ignored: a closed pipe or a full disk must not stop the work."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _redirect_to_devnull(number: int) -> None:
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, number)
    if devnull == number:
        os.set_inheritable(number, True)
    else:
        os.close(devnull)
