"""Landlock: from now on this process can open nothing but what is named here.

https://docs.kernel.org/userspace-api/landlock.html: Linux 5.13 and later. Later versions of its interface add rights; what this
kernel does not know is left out. Files that are already open stay open. There is no way back, and every process that this one starts
is bound as well.

Three system calls through ctypes: docs/security.md says why none of the packages that wrap them is used.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # since version …: all of 1; rename, truncate, devices
_TCP_RIGHTS = {4: 0b11}  # bind, connect
_SCOPES = {6: 0b11}  # abstract Unix sockets and signals reach only processes that are bound in the same way


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("parent", ctypes.c_int32))


_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The version of Landlock's interface in this kernel; 0 if there is none, or if it is switched off."""
    return max(int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))), 0)


def restrict(readable: Iterable[Path] = (), writable: Iterable[Path] = ()) -> bool:
    """Allow this process to read and run what is in `readable`, to read and write the files `writable`, and nothing else.

    Applies to the calling thread and to all that it starts. Paths that do not exist are skipped. Needs no_new_privs.

    Returns:
        Whether this kernel does so.
    """
    supported = version()
    if not supported:
        return False
    rights = _Ruleset(_known(_FILE_RIGHTS, supported), _known(_TCP_RIGHTS, supported), _known(_SCOPES, supported))
    ruleset = int(
        _libc.syscall(_CREATE_RULESET, ctypes.byref(rights), ctypes.c_size_t(ctypes.sizeof(rights)), ctypes.c_uint32(0))
    )
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(ruleset, path, _EXECUTE | _READ_FILE | (_READ_DIR if path.is_dir() else 0))
        for path in writable:
            _allow(ruleset, path, _READ_FILE | _WRITE_FILE)
        return not _libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _known(rights: dict[int, int], supported: int) -> int:
    return sum(bits for since, bits in rights.items() if since <= supported)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = _PathBeneath(rights, descriptor)
        _libc.syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(descriptor)
