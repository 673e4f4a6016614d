"""How a process that computes for hours is set up, before it loads its libraries: all measured, none changes a result."""

from __future__ import annotations

import ctypes
import gc
import os

# <malloc.h>
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 1 << 30


def tune() -> None:
    """Look for garbage less often, multiply small matrices in one thread, and keep memory that will be wanted again.

    To be called before NumPy is imported and threads are made. What the user set in the environment stands.
    """
    # What libraries make when they are imported stays. To look for garbage among it all the time takes a sixth of PyTorch's five seconds,
    # and as much of the start without it. mypy does the same.
    gc.set_threshold(20_000, 10, 10)
    # The filters of log-mel features are a product so small that the threads of OpenBLAS spend it waiting for each other, and a fifth of
    # all processor time with it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not any(name == "GLIBC_TUNABLES" or name.startswith("MALLOC_") for name in os.environ):
        _keep_memory()


def _keep_memory() -> None:
    """Have glibc keep freed memory rather than return it: a batch needs hundreds of megabytes, and then the next does.

    To have them mapped, zeroed and unmapped for each took a quarter of the processor time of a small model. Only the first arena can be
    as large as that. https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl and macOS have none
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
