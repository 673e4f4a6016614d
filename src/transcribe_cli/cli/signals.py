"""Ctrl-C, SIGTERM and SIGHUP: unwind, so that scratch files are removed, but exit within seconds.

Python runs signal handlers only between bytecode instructions of the main thread, which may be inside a long call of the recognizer. A
watcher thread receives the signal at once (`signal.set_wakeup_fd`) and ends the process when unwinding takes too long, or at the second
signal. No finished work is lost: outputs are written whole or not at all, and the next run removes leftover scratch files.
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
# A terminal signals the whole process group, and `uv run`, `make` and others forward the signal: one Ctrl-C can arrive twice within this
# time, and the repetition is ignored. Unwinding usually takes less.
DUPLICATE_SECONDS = 1.0
_RETRY_SECONDS = 0.02
# 128 + the signal number, as in shells.
EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
# Modules whose threads (`THREAD_NAME`) may be inside a library for long; they are only looked up if already imported.
_THREAD_MODULES = ("transcribe_cli.recognition.scheduler", "transcribe_cli.pipeline.diarizing")
_SHOW_CURSOR = "\x1b[?25h"


def unwind_on_signals() -> None:
    """Make SIGTERM and SIGHUP unwind as Ctrl-C does, all within `GRACE_SECONDS`. Call once, in the main thread.

    A signal that was ignored when the process started (`nohup`, `&` in a script) stays ignored.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    handler = _UnwindHandler()
    sys.unraisablehook = handler.on_unraisable
    for number in EXIT_CODES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
    threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()


def leave(code: int) -> NoReturn:
    """Exit the process; without interpreter shutdown when a thread is still inside a call of the recognizer or the diarizer.

    Shutdown would free the memory that the call still uses.
    """
    names = {sys.modules[module].THREAD_NAME for module in _THREAD_MODULES if module in sys.modules}
    if any(thread.name in names for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


class _UnwindHandler:
    """A signal handler that raises once: a second exception would interrupt the cleanup that the first one started."""

    def __init__(self) -> None:
        self._received: int | None = None

    def on_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Signal again: Python discards an exception raised in a destructor or a weak reference callback."""
        if self._received is not None and isinstance(unraisable.exc_value, KeyboardInterrupt | SystemExit):
            number, self._received = self._received, None
            threading.Timer(_RETRY_SECONDS, signal.pthread_kill, (threading.main_thread().ident, number)).start()
        else:
            sys.__unraisablehook__(unraisable)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._received is not None:
            return
        self._received = number
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(EXIT_CODES[signal.Signals(number)])


def _watch(reader: int) -> None:
    """End the process at the second signal, or when the first has not ended it in time."""
    code = _wait_for_signal(reader)
    started = time.monotonic()
    timeout = threading.Timer(
        GRACE_SECONDS, _exit_now, (code, "Stopped in the middle of a batch. Finished recordings are written.")
    )
    timeout.daemon = True
    timeout.start()
    while _wait_for_signal(reader) and time.monotonic() - started < DUPLICATE_SECONDS:
        pass
    _exit_now(code, "Stopped immediately. Finished recordings are written.")


def _wait_for_signal(reader: int) -> int:
    """Wait for a signal that ends the process; the exit code."""
    while True:
        number = os.read(reader, 1)[0]
        if number in EXIT_CODES:
            return EXIT_CODES[signal.Signals(number)]


def _exit_now(code: int, line: str) -> None:
    with contextlib.suppress(OSError):
        if sys.stderr.isatty():
            line = f"{_SHOW_CURSOR}{line}"
        os.write(sys.stderr.fileno(), f"transcribe: {line}\n".encode())
    os._exit(code)
