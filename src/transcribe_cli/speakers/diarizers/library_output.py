"""Keeping a library that prints away from standard output, which belongs to what the user asked for, and its warnings from the user.

pyannote.audio prints help and remarks (`pyannote/audio/utils/hf_hub.py`, `pipelines/clustering.py`, `utils/vbx.py`).
`contextlib.redirect_stdout` would take what other threads write meanwhile, too.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_LOG = logging.getLogger(__name__)

# Whose warnings mean nothing to users: broken torchcodec (not used), TF32 switched off, a count out of bounds (the caller says so),
# standard deviations of one frame.
_MODULES = r"(pyannote|torch|torchaudio|torchcodec|lightning|pytorch_lightning|pytorch_metric_learning|asteroid_filterbanks)\b"
# What numpy says when a recording is too short for any embedding.
_EMPTY_MEAN = r"Mean of empty slice|invalid value encountered"
_LOGGERS = ("lightning", "lightning.pytorch", "pytorch_lightning")

_lock = threading.Lock()


class _Stdout:
    """Standard output, but for some threads, whose lines go to the log."""

    def __init__(self, real: TextIO) -> None:
        self.real = real
        self.silenced: list[int] = []

    def write(self, text: str) -> int:
        """Write text, or log it."""
        if threading.get_ident() not in self.silenced:
            return self.real.write(text)
        if text.strip():
            _LOG.debug("%s", text.strip())
        return len(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self.real, name)


@contextmanager
def library_output_to_log() -> Iterator[None]:
    """What this thread prints goes to the log, and meaningless warnings go nowhere."""
    quieten()
    proxy = _enter()
    try:
        yield
    finally:
        _leave(proxy)


def quieten() -> None:
    """Ignore the warnings, and less than errors in the logs, of the libraries under diarization; for good, as threads share both."""
    warnings.filterwarnings("ignore", module=_MODULES)
    warnings.filterwarnings("ignore", message=_EMPTY_MEAN, category=RuntimeWarning)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)


def _enter() -> _Stdout:
    with _lock:
        proxy = sys.stdout if isinstance(sys.stdout, _Stdout) else _Stdout(sys.stdout)
        sys.stdout = proxy
        proxy.silenced.append(threading.get_ident())
        return proxy


def _leave(proxy: _Stdout) -> None:
    with _lock:
        proxy.silenced.remove(threading.get_ident())
        if not proxy.silenced and sys.stdout is proxy:
            sys.stdout = proxy.real
