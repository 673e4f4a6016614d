"""Linux's capabilities: what root may do beyond other users.

https://man7.org/linux/man-pages/man7/capabilities.7.html. A worker often runs as root in its container.
"""

from __future__ import annotations

import ctypes

_VERSION = 0x20080522
READ_ANY_FILE = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("thread", ctypes.c_int))


class _Words(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def keep(kept: int = 0) -> bool:
    """Give up all capabilities of the calling thread, and of all that it starts, except the bits `kept` (below 32) that it has.

    Needs no_new_privs, without which root gets them back with the next program.

    Returns:
        Whether the kernel did so.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    header, words = _Header(_VERSION, 0), (_Words * 2)()
    if libc.capget(ctypes.byref(header), words):
        return False
    left = words[0].permitted & kept
    words[0] = _Words(left, left, 0)
    words[1] = _Words(0, 0, 0)
    return not libc.capset(ctypes.byref(header), words)
