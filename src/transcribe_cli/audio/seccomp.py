"""A seccomp filter: the decoder's child may make the system calls of system_calls.py; all others fail with EPERM.

https://docs.kernel.org/userspace-api/seccomp_filter.html. It closes what Landlock leaves open, and most of what Landlock closes, where the
kernel has none.

A list of what is allowed breaks when a C library, Python or FFmpeg begins to use another call. Three things prevent that here. Libraries
support kernels that are years old, so a call that is newer than this list is answered as such a kernel does: ENOSYS. The same holds
for clone3, whose arguments a filter cannot see; every C library then takes clone. And the list has all that a process does to itself,
not only what one version was seen to do.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable

from transcribe_cli.audio import system_calls

_MACHINES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}  # AUDIT_ARCH_…, number of seccomp(2)

_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06  # instructions of classic BPF
_NUMBER_OFFSET, _MACHINE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16  # in struct seccomp_data
_X32_BIT = 0x40000000  # x86-64 has every call a second time
_ALLOW, _DENY, _MISSING = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_SET_MODE_FILTER = 1
_SPEC_ALLOW = 1 << 2  # no mitigation that slows the process down, which kernels before 5.16 switch on with a filter

_CLONE_THREAD = 0x00010000
_CLONE_ELSEWHERE = 0x7E028000  # CLONE_NEW…: in other namespaces; CLONE_PARENT: as a child of the parent
_FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030, 1032)  # F_DUPFD, F_{GET,SET}FD, F_{GET,SET}FL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ
_IOCTL_REQUESTS = (
    0x5401,
    0x5413,
    0x541B,
    0x5421,
    0x5450,
    0x5451,
    0x802C542A,
)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIO{N,}CLEX TCGETS2
_PRCTL_OPTIONS = (
    3,
    15,
    16,
    21,
    23,
    39,
    0x53564D41,
)  # get: dumpable, name, seccomp, capabilities, no_new_privs; set: name, name of memory

_Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def restrict(programs: bool = False) -> bool:
    """Install the filter for the calling thread and all that it starts; `programs`: it may start programs. Needs no_new_privs.

    Returns:
        Whether this kernel and this kind of processor have it.
    """
    machine = platform.machine()
    if machine not in _MACHINES or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    code = filter_of(machine, programs, os.getpid())
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    number = _MACHINES[machine][1]
    return not libc.syscall(number, ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_SPEC_ALLOW), ctypes.byref(program))


def filter_of(machine: str, programs: bool, pid: int) -> bytes:
    """The program for this kind of processor: a list of eight-byte instructions. `pid`: the process that it may signal and limit."""
    code: list[_Instruction] = [
        (_LOAD, 0, 0, _MACHINE_OFFSET),
        (_EQUAL, 1, 0, _MACHINES[machine][0]),  # otherwise it is a call of a 32-bit program, and the numbers mean something else
        (_RETURN, 0, 0, _DENY),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_ABOVE, 0, 1, _X32_BIT - 1),
        (_RETURN, 0, 0, _DENY),
        (_ABOVE, 0, 1, system_calls.LAST_KNOWN),
        (_RETURN, 0, 0, _MISSING),
        *_if_number(system_calls.CLONE3, [(_RETURN, 0, 0, _MISSING)]),
    ]
    for number in system_calls.allowed(machine, programs):
        code += _if_number(number, [(_RETURN, 0, 0, _ALLOW)])
    for name, number in system_calls.checked(machine).items():
        code += _if_number(number, _check(name, programs, pid))
    code.append((_RETURN, 0, 0, _DENY))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _if_number(number: int, then: list[_Instruction]) -> list[_Instruction]:
    return [(_EQUAL, 0, len(then), number), *then]


def _check(name: str, programs: bool, pid: int) -> list[_Instruction]:
    """Which arguments of a call are allowed. All of these are 32 bits wide in the kernel, which ignores the other half of the word."""
    match name:
        case "clone":
            return _clone(programs)
        case "kill" | "prlimit64" | "tgkill":  # 0: the process itself, or its group, which its parent made for it
            return _one_of(0, (0, pid))
        case "prctl":
            return _one_of(0, _PRCTL_OPTIONS)
        case "fcntl":  # not F_SETOWN and F_SETSIG, with which the kernel signals others; not locks and leases
            return _one_of(1, _FCNTL_COMMANDS)
        case "ioctl":  # not FIOSETOWN, nor the flags and attributes of files
            return _one_of(1, _IOCTL_REQUESTS)
    raise ValueError(name)


def _one_of(argument: int, values: Iterable[int]) -> list[_Instruction]:
    code: list[_Instruction] = [_load(argument)]
    for value in values:
        code += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    return [*code, (_RETURN, 0, 0, _DENY)]


def _clone(programs: bool) -> list[_Instruction]:
    """Threads, and with `programs` also processes, but only as its own children and in its own namespaces."""
    return [
        _load(0),
        (_ANY_BIT, 0, 1, _CLONE_ELSEWHERE),
        (_RETURN, 0, 0, _DENY),
        *([] if programs else [(_ANY_BIT, 1, 0, _CLONE_THREAD), (_RETURN, 0, 0, _DENY)]),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _load(argument: int) -> _Instruction:
    """The lower half of an argument; both kinds of processor are little-endian."""
    return (_LOAD, 0, 0, _ARGUMENTS_OFFSET + 8 * argument)
