"""Process settings that make long computations faster. All were measured; none changes a result."""

from __future__ import annotations

import ctypes
import gc
import os

# <malloc.h>
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MAX_KEPT_BYTES = 1 << 30


def tune() -> None:
    """Collect garbage less often, multiply small matrices in one thread, and keep freed memory for reuse.

    Call this before NumPy is imported and threads are started. Environment variables set by the user take precedence.
    """
    # Objects created by imports are never garbage. Scanning them again and again takes a sixth of PyTorch's import time of five seconds,
    # and of the start without PyTorch. mypy does the same.
    gc.set_threshold(20_000, 10, 10)
    # Products of small matrices: OpenBLAS threads mostly wait for each other, which costs CPU time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not any(name == "GLIBC_TUNABLES" or name.startswith("MALLOC_") for name in os.environ):
        _keep_memory()


def _keep_memory() -> None:
    """Make glibc keep freed memory instead of returning it: each batch needs hundreds of megabytes.

    Mapping, zeroing and unmapping them for each batch took a quarter of the CPU time of a small model. Only the first arena can be that
    large. https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl and macOS do not have it
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _MAX_KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _MAX_KEPT_BYTES)
