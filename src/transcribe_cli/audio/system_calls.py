"""Which system calls the decoder's child may make, and their numbers.

A call is here if it concerns only this process: its memory, threads, clocks, identity, and files that are already open. Where it can also
reach others, seccomp.py checks its arguments. What is not here, is denied: other processes, names and metadata of files, locks, sockets,
programs, whatever processes share, and the state of the machine.

The numbers are those of asm/unistd_64.h (x86-64) and asm-generic/unistd.h (ARM64); None where a processor does not have the call.
"""

from __future__ import annotations

_Table = dict[str, tuple[int | None, int | None]]

_OPEN_FILES: _Table = {
    "read": (0, 63),
    "write": (1, 64),
    "lseek": (8, 62),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "close": (3, 57),
    "close_range": (436, 436),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "fstatfs": (138, 44),
    "ftruncate": (77, 46),
    "fadvise64": (221, 223),
    "recvmsg": (47, 212),
    "recvfrom": (45, 207),
    "getsockname": (51, 204),
    "getsockopt": (55, 209),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "epoll_create": (213, None),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "epoll_pwait2": (441, 441),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "eventfd2": (290, 19),
}
_MEMORY: _Table = {
    "brk": (12, 214),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "msync": (26, 227),
    "futex": (202, 98),
    "futex_waitv": (449, 449),
    "futex_wake": (454, 454),
    "futex_wait": (455, 455),
    "futex_requeue": (456, 456),
    "membarrier": (324, 283),
    "map_shadow_stack": (453, 453),
    "mseal": (462, 462),
}
_SELF: _Table = {
    "set_tid_address": (218, 96),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "getpriority": (140, 141),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "restart_syscall": (219, 128),
    "arch_prctl": (158, None),
    "getrlimit": (97, 163),
    "setrlimit": (160, 164),
    "getrusage": (98, 165),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "gettid": (186, 178),
    "getpgid": (121, 155),
    "getpgrp": (111, None),
    "getsid": (124, 156),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132),
    "pause": (34, None),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getcpu": (309, 168),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getrandom": (318, 278),
}
_PROGRAMS: _Table = {  # to start one, and what it needs to find its libraries and its input
    "execve": (59, 221),
    "fork": (57, None),
    "vfork": (58, None),
    "wait4": (61, 260),
    "waitid": (247, 95),
    "open": (2, None),
    "openat": (257, 56),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "stat": (4, None),
    "lstat": (6, None),
    "statfs": (137, 43),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "get_mempolicy": (239, 236),
    "set_mempolicy": (238, 237),
    "mlock": (149, 228),
    "munlock": (150, 229),
}
_CHECKED: _Table = {  # allowed with some arguments, see seccomp.py
    "clone": (56, 220),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "kill": (62, 129),
    "tgkill": (234, 131),
}
CLONE3 = 435  # from 424 on, numbers are the same on every processor
LAST_KNOWN = 469  # file_setattr, of Linux 6.17

TABLES = (_OPEN_FILES, _MEMORY, _SELF, _PROGRAMS, _CHECKED)
_COLUMNS = {"x86_64": 0, "aarch64": 1}


def allowed(machine: str, programs: bool) -> list[int]:
    """The numbers of the calls that are allowed with any arguments on this kind of processor; `programs`: it may start programs."""
    tables = (_OPEN_FILES, _MEMORY, _SELF, *((_PROGRAMS,) if programs else ()))
    return [number for table in tables for number in _numbers(table, machine).values()]


def checked(machine: str) -> dict[str, int]:
    """Name and number of the calls that are allowed with some arguments."""
    return _numbers(_CHECKED, machine)


def _numbers(table: _Table, machine: str) -> dict[str, int]:
    column = _COLUMNS[machine]
    return {name: number for name, numbers in table.items() if (number := numbers[column]) is not None}
