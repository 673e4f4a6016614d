"""Sends what a library prints to the log instead of standard output, and hides its warnings.

Standard output is reserved for the results that the user requested. pyannote.audio prints help and remarks
(`pyannote/audio/utils/hf_hub.py`, `pipelines/clustering.py`, `utils/vbx.py`). `contextlib.redirect_stdout` is not used, because it would
also redirect what other threads write at the same time.
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

# Modules whose warnings do not concern users: broken torchcodec (not used), TF32 disabled, a count out of bounds (reported by the
# caller), standard deviations of one frame.
_MODULES = r"(pyannote|torch|torchaudio|torchcodec|lightning|pytorch_lightning|pytorch_metric_learning|asteroid_filterbanks)\b"
# Warnings of numpy when a recording is too short for an embedding.
_EMPTY_MEAN = r"Mean of empty slice|invalid value encountered"
_LOGGERS = ("lightning", "lightning.pytorch", "pytorch_lightning")

_lock = threading.Lock()


class _Stdout:
    """Standard output, except for some threads, whose lines go to the log."""

    def __init__(self, real: TextIO) -> None:
        self.real = real
        self.silenced_threads: list[int] = []

    def write(self, text: str) -> int:
        """Write text, or log it."""
        if threading.get_ident() not in self.silenced_threads:
            return self.real.write(text)
        if text.strip():
            _LOG.debug("%s", text.strip())
        return len(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the stream
        return getattr(self.real, name)


@contextmanager
def library_output_to_log() -> Iterator[None]:
    """Inside `with`, what this thread prints goes to the log, and the library's warnings are dropped."""
    ignore_library_warnings()
    stdout = _silence_thread()
    try:
        yield
    finally:
        _restore_thread(stdout)


def ignore_library_warnings() -> None:
    """Ignore warnings, and log messages below error, of the libraries under diarization. Permanent, because threads share both."""
    warnings.filterwarnings("ignore", module=_MODULES)
    warnings.filterwarnings("ignore", message=_EMPTY_MEAN, category=RuntimeWarning)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)


def _silence_thread() -> _Stdout:
    with _lock:
        stdout = sys.stdout if isinstance(sys.stdout, _Stdout) else _Stdout(sys.stdout)
        sys.stdout = stdout
        stdout.silenced_threads.append(threading.get_ident())
        return stdout


def _restore_thread(stdout: _Stdout) -> None:
    with _lock:
        stdout.silenced_threads.remove(threading.get_ident())
        if not stdout.silenced_threads and sys.stdout is stdout:
            sys.stdout = stdout.real
