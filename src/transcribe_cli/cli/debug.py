"""`TRANSCRIBE_DEBUG=1`: the traceback of every error, on standard error. The only place where logging is set up."""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from types import TracebackType
from typing import TypeAlias

from transcribe_cli.text.printable import printable

# Libraries put whole URLs into their errors, and what comes after the path may be a signature or a token.
_QUERY = re.compile(r"(?<=\S)\?\S*=[^\s'\")]*")
_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def debugging() -> bool:
    """Whether the variable is set."""
    return bool(os.environ.get("TRANSCRIBE_DEBUG"))


def show_debug_records() -> None:
    """Write what our modules log to standard error: above all why a recording failed."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(name)s: %(message)s"))
    logger = logging.getLogger("transcribe_cli")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def traceback_of(error: BaseException) -> str:
    """The traceback, safe for a terminal: its last lines hold file names."""
    return _safe("".join(traceback.format_exception(error)))


class _Printable(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return printable(super().formatMessage(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's name
        return _safe(super().formatException(ei))


def _safe(lines: str) -> str:
    return "\n".join(printable(_QUERY.sub("?…", line)) for line in lines.rstrip("\n").split("\n"))
