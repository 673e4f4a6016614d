"""`TRANSCRIBE_DEBUG=1`: print the traceback of every error to standard error. Logging is set up only here."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from types import TracebackType
from typing import TypeAlias

from transcribe_cli.text.credentials import shown_text
from transcribe_cli.text.printable import printable

_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def is_debugging() -> bool:
    """Whether TRANSCRIBE_DEBUG is set."""
    return bool(os.environ.get("TRANSCRIBE_DEBUG"))


def log_to_stderr() -> None:
    """Write the log records of our modules to standard error, above all why a recording failed."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(name)s: %(message)s"))
    logger = logging.getLogger("transcribe_cli")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def format_traceback(error: BaseException) -> str:
    """The traceback, escaped for a terminal: its last lines contain file names."""
    return _escape("".join(traceback.format_exception(error)))


class _Printable(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return printable(shown_text(super().formatMessage(record)))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's name
        return _escape(super().formatException(ei))


def _escape(lines: str) -> str:
    return "\n".join(printable(shown_text(line)) for line in lines.rstrip("\n").split("\n"))
