"""Progress reporters: a live display on a terminal, plain lines elsewhere, JSON lines for programs. All write to stderr.

Each one receives the same events (`events`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from transcribe_cli.events import Emit
from transcribe_cli.settings import Settings


@contextmanager
def open_reporter(settings: Settings, stream: TextIO) -> Iterator[Emit]:
    """The reporter for these settings and this stream; the live display is removed when the block ends."""
    if settings.log_format == "json":
        from transcribe_cli.reporting.jsonl import JsonLines

        yield JsonLines(stream).emit
    elif settings.quiet or not stream.isatty():
        from transcribe_cli.reporting.plain import PlainLines

        yield PlainLines(stream, quiet=settings.quiet).emit
    else:
        from transcribe_cli.reporting.live import LiveDisplay

        with LiveDisplay(stream) as display:
            yield display.emit
