"""Ctrl-C, SIGTERM and a terminal that closes: unwind, so that scratch files go, but end within seconds.

Python runs its signal handlers between two steps of the main thread, which may be inside one long call of the recognizer. A watcher
thread hears of the signal at once (`signal.set_wakeup_fd`) and ends the process when unwinding takes too long, or at the second signal.
Nothing is lost by that: outputs are written whole or not at all, and what is left on scratch is swept by the next run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

GRACE_SECONDS = 5.0
# A terminal signals the whole group, and `uv run`, `make` and the like pass it on: the same Ctrl-C comes twice. Unwinding takes less.
SAME_SECONDS = 1.0
_AGAIN_SECONDS = 0.02
# 128 + the signal's number, as shells count.
EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
# Where the names of threads stand that may be inside a library for long, should their modules be imported at all.
_THREADS = {"transcribe_cli.recognition.scheduler": "THREAD_NAME", "transcribe_cli.pipeline.diarizing": "THREAD_NAME"}
_SHOW_CURSOR = "\x1b[?25h"


def unwind_on_signals() -> None:
    """Make SIGTERM and SIGHUP unwind as Ctrl-C does, all within `GRACE_SECONDS`. For the main thread, once.

    A signal that whoever started us had ignored (`nohup`, `&` in a script) stays ignored.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    unwinding = _Unwinding()
    sys.unraisablehook = unwinding.ignored
    for number in EXIT_CODES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, unwinding)
    threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()


def leave(code: int) -> NoReturn:
    """End the process; at once when a thread is still inside a long call of the recognizer or the diarizer.

    The interpreter's ordinary end would pull the ground from under it.
    """
    names = {getattr(sys.modules[module], name) for module, name in _THREADS.items() if module in sys.modules}
    if any(thread.name in names for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


class _Unwinding:
    """The handler: raises once. A second exception would break into the cleaning up that the first one asked for."""

    def __init__(self) -> None:
        self._begun: int | None = None

    def ignored(self, what: sys.UnraisableHookArgs) -> None:
        """Python drops what is raised in a destructor or the callback of a weak reference; that was no place to unwind from: again."""
        if self._begun is not None and isinstance(what.exc_value, KeyboardInterrupt | SystemExit):
            number, self._begun = self._begun, None
            threading.Timer(_AGAIN_SECONDS, signal.pthread_kill, (threading.main_thread().ident, number)).start()
        else:
            sys.__unraisablehook__(what)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._begun is not None:
            return
        self._begun = number
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(EXIT_CODES[signal.Signals(number)])


def _watch(reader: int) -> None:
    """End the process at the second signal, or when the first one has not ended it in time."""
    code = _next(reader)
    began = time.monotonic()
    patience = threading.Timer(GRACE_SECONDS, _end, (code, "Stopped in the middle of a batch; what is finished is written."))
    patience.daemon = True
    patience.start()
    while _next(reader) and time.monotonic() - began < SAME_SECONDS:
        pass
    _end(code, "Stopped at once; what is finished is written.")


def _next(reader: int) -> int:
    """Wait for a signal that ends the process; its exit code."""
    while True:
        number = os.read(reader, 1)[0]
        if number in EXIT_CODES:
            return EXIT_CODES[signal.Signals(number)]


def _end(code: int, line: str) -> None:
    with contextlib.suppress(OSError):
        if sys.stderr.isatty():
            line = f"{_SHOW_CURSOR}{line}"
        os.write(sys.stderr.fileno(), f"transcribe: {line}\n".encode())
    os._exit(code)
