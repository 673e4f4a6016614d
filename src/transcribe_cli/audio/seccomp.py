"""A seccomp filter: system calls that a decoder never needs fail with EPERM.

https://docs.kernel.org/userspace-api/seccomp_filter.html. It closes what Landlock leaves open: sockets of every kind, other programs,
the memory of other processes, and parts of the kernel that are known for their bugs. A list of what is allowed would break with every
new C library.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable

# The numbers of asm/unistd_64.h (x86-64) and of asm-generic/unistd.h (ARM).
_DENIED: dict[str, tuple[int, int]] = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "open_by_handle_at": (304, 265),
}
_PROGRAMS: dict[str, tuple[int, int]] = {"execve": (59, 221), "execveat": (322, 281)}

_MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}  # column, AUDIT_ARCH_…, number of seccomp(2)
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # instructions of classic BPF
_NUMBER_OFFSET, _MACHINE_OFFSET = 0, 4  # in struct seccomp_data
_X32_BIT = 0x40000000  # x86-64 has every call a second time
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | errno.EPERM
_SET_MODE_FILTER = 1
_SPEC_ALLOW = 1 << 2  # no mitigation that slows the process down, which kernels before 5.16 switch on with a filter


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def restrict(programs: bool = False) -> bool:
    """Install the filter for the calling thread and all that it starts; `programs`: it may start programs. Needs no_new_privs.

    Returns:
        Whether this kernel and this kind of processor have it.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    column, audit, call = machine
    denied = _DENIED if programs else _DENIED | _PROGRAMS
    code = _filter(audit, [numbers[column] for numbers in denied.values()])
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    return not libc.syscall(call, ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_SPEC_ALLOW), ctypes.byref(program))


def _filter(audit: int, denied: Iterable[int]) -> bytes:
    """The program: each test jumps to the last instruction, which denies; the one before it allows."""
    tests = [(_EQUAL, number) for number in denied]
    left = len(tests)
    code = [
        (_LOAD, 0, 0, _MACHINE_OFFSET),
        (_EQUAL, 0, left + 3, audit),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_AT_LEAST, left + 1, 0, _X32_BIT),
        *((kind, left - place, 0, value) for place, (kind, value) in enumerate(tests)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _DENY),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
