"""Ctrl-C and SIGTERM: unwind, so that what is done is told and scratch files go; but end within seconds whatever is under way.

Python runs its signal handlers between two steps of the main thread, which may be inside one long call of the recognizer. A watcher
thread hears of the signal at once (`signal.set_wakeup_fd`) and ends the process when unwinding takes too long, or at the second signal.
Nothing is lost by that: outputs are written whole or not at all, and what is left on scratch is swept by the next run.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

GRACE_SECONDS = 5.0
# 128 + the signal's number, as shells count.
EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
_SHOW_CURSOR = "\x1b[?25h"


def unwind_on_signals() -> None:
    """Make SIGTERM unwind as Ctrl-C does, both within `GRACE_SECONDS`. For the main thread, once."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, _terminate)
    threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(EXIT_CODES[signal.SIGTERM])


def _watch(reader: int) -> None:
    """End the process at the second signal, or when the first one has not ended it in time."""
    code = _next(reader)
    patience = threading.Timer(GRACE_SECONDS, _end, (code, "Stopped in the middle of a batch; what is finished is written."))
    patience.daemon = True
    patience.start()
    _end(_next(reader), "Stopped at once; what is finished is written.")


def _next(reader: int) -> int:
    """Wait for a signal that ends the process; its exit code."""
    while True:
        number = os.read(reader, 1)[0]
        if number in EXIT_CODES:
            return EXIT_CODES[signal.Signals(number)]


def _end(code: int, line: str) -> None:
    if sys.stderr.isatty():
        line = f"{_SHOW_CURSOR}{line}"
    os.write(sys.stderr.fileno(), f"transcribe: {line}\n".encode())
    os._exit(code)
