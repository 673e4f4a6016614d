"""The attacker's code runs in the decoder's child (test_decoder.py), and calls the kernel by number, past every library.

It opens nothing and connects nowhere. It tries what Landlock does not know: other processes of the same user, the mode, owner, times and
attributes of files, memory that processes share, the state of the machine, and the way back out of its own limits.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.security.child_code import attack, attack_in_fallback, not_refused

OTHER_PROCESSES = """
room = ctypes.create_string_buffer(256)
limit = (ctypes.c_ulong * 2)(1, 1)
one = ctypes.c_long(1)
ATTEMPTS = {
    "read its limits": lambda: either(302, 261, other, resource.RLIMIT_CPU, 0, room),
    "set its limits": lambda: either(302, 261, other, resource.RLIMIT_CPU, limit, 0),
    "set its limits, with a long number": lambda: either(302, 261, other | 1 << 32, resource.RLIMIT_CPU, limit, 0),
    "limit the parent": lambda: resource.prlimit(parent, resource.RLIMIT_CORE),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, other, 7),
    "priority of all": lambda: os.setpriority(os.PRIO_USER, 0, 0),
    "affinity": lambda: os.sched_setaffinity(other, {0}),
    "scheduler": lambda: os.sched_setscheduler(other, os.SCHED_BATCH, os.sched_param(0)),
    "scheduling parameters": lambda: os.sched_setparam(other, os.sched_param(0)),
    "scheduling attributes": lambda: either(314, 274, other, (ctypes.c_uint32 * 12)(48, 3), 0),
    "disk priority": lambda: either(251, 30, 1, other, 3 << 13),
    "signal": lambda: os.kill(other, 0),
    "signal the group": lambda: os.killpg(os.getpgid(other), 0),
    "signal everybody": lambda: os.kill(-1, 0),
    "tkill": lambda: either(200, 130, other, 0),
    "tgkill": lambda: either(234, 131, other, other, 0),
    "rt_sigqueueinfo": lambda: either(129, 138, other, 0, (ctypes.c_int * 32)(0, 0, -1)),
    "rt_tgsigqueueinfo": lambda: either(297, 240, other, other, 0, (ctypes.c_int * 32)(0, 0, -1)),
    "pidfd_open": lambda: call(434, other, 0),
    "pidfd_send_signal": lambda: call(424, 0, 0, 0, 0),
    "pidfd_getfd": lambda: call(438, 0, 0, 0),
    "have it signalled": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, other),
    "have it signalled, by thread": lambda: fcntl.fcntl(0, 15, bytes(ctypes.c_int(0)) + bytes(ctypes.c_int(other))),
    "have it signalled, by ioctl": lambda: fcntl.ioctl(0, 0x8901, bytes(ctypes.c_int(other))),
    "the signal": lambda: fcntl.fcntl(0, fcntl.F_SETSIG, 9),
    "process_madvise": lambda: call(440, 0, 0, 0, 0, 0),
    "process_mrelease": lambda: call(448, 0, 0),
    "process_vm_readv": lambda: either(310, 270, other, 0, 0, 0, 0, 0),
    "process_vm_writev": lambda: either(311, 271, other, 0, 0, 0, 0, 0),
    "kcmp": lambda: either(312, 272, other, other, 0, 0, 0),
    "migrate_pages": lambda: either(256, 238, other, 1, ctypes.byref(one), ctypes.byref(one)),
    "move_pages": lambda: either(279, 239, other, 0, 0, 0, 0, 0),
    "its robust futexes": lambda: either(274, 100, other, room, room),
    "leave the group": lambda: os.setpgid(0, 0),
    "leave the session": lambda: os.setsid(),
}
"""

METADATA = """
room = ctypes.create_string_buffer(256)
name = b"user.attacker"
path = secret.encode()
HERE = -100
def of(descriptor):
    return {
        "fchmod": lambda: os.fchmod(descriptor, 0o777),
        "fchown": lambda: os.fchown(descriptor, os.getuid(), os.getgid()),
        "futimens": lambda: os.utime(descriptor, (0, 0)),
        "fsetxattr": lambda: os.setxattr(descriptor, name, b"x"),
        "fremovexattr": lambda: os.removexattr(descriptor, name),
        "fgetxattr": lambda: os.getxattr(descriptor, name),
        "flags": lambda: fcntl.ioctl(descriptor, 0x40086602, bytes(8)),  # FS_IOC_SETFLAGS: chattr
        "clone": lambda: fcntl.ioctl(descriptor, 0x40049409, source),  # FICLONE
        "flock": lambda: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB),
        "unlock": lambda: fcntl.flock(descriptor, fcntl.LOCK_UN),
        "lock": lambda: fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB),
        "lease": lambda: fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK),
        "reserve": lambda: os.posix_fallocate(descriptor, 0, 1),
    }
ATTEMPTS = {
    **{f"{what} of the recording": lambda what=what: of(source)[what]() for what in of(0)},
    **{f"{what} of the scratch file": lambda what=what: of(scratch)[what]() for what in of(0)},
    "chmod": lambda: os.chmod(secret, 0o777),
    "fchmodat": lambda: either(268, 53, HERE, path, 0o777),
    "fchmodat2": lambda: call(452, HERE, path, 0o777, 0),
    "fchmodat2 of the recording": lambda: call(452, source, b"", 0o777, 0x1000),
    "chown": lambda: os.chown(secret, os.getuid(), os.getgid()),
    "lchown": lambda: os.lchown(secret, os.getuid(), os.getgid()),
    "fchownat": lambda: either(260, 54, HERE, path, os.getuid(), os.getgid(), 0),
    "fchownat of the recording": lambda: either(260, 54, source, b"", os.getuid(), os.getgid(), 0x1000),
    "utimensat": lambda: os.utime(secret, (0, 0)),
    "setxattr": lambda: os.setxattr(secret, name, b"x"),
    "lsetxattr": lambda: os.setxattr(secret, name, b"x", follow_symlinks=False),
    "setxattrat": lambda: call(463, HERE, path, 0, name, room, 16),
    "removexattr": lambda: os.removexattr(secret, name),
    "lremovexattr": lambda: os.removexattr(secret, name, follow_symlinks=False),
    "removexattrat": lambda: call(466, HERE, path, 0, name),
    "getxattr": lambda: os.getxattr(secret, name),
    "listxattr": lambda: os.listxattr(secret),
    "file_setattr": lambda: call(469, HERE, path, room, 24, 0),
    "watch": lambda: either(294, 26, 0),
    "watch all": lambda: either(300, 262, 0, 0),
    "a handle": lambda: either(303, 264, HERE, path, room, room, 0),
    "mount": lambda: either(165, 40, b"none", path, b"tmpfs", 0, 0),
}
if x86:
    ATTEMPTS |= {
        "chmod by number": lambda: call(90, path, 0o777),
        "chown by number": lambda: call(92, path, os.getuid(), os.getgid()),
        "lchown by number": lambda: call(94, path, os.getuid(), os.getgid()),
        "utime": lambda: call(132, path, 0),
        "utimes": lambda: call(235, path, 0),
        "futimesat": lambda: call(261, HERE, path, 0),
        "inotify_init": lambda: call(253),
    }
"""

MACHINE = """
room = ctypes.create_string_buffer(256)
ATTEMPTS = {
    "shared memory": lambda: either(29, 194, 0, 4096, 0o1600),
    "attach to it": lambda: either(30, 196, 0, 0, 0),
    "list it": lambda: either(31, 195, 0, 14, room),
    "message queue": lambda: either(68, 186, 0, 0o1600),
    "remove one": lambda: either(71, 187, 0, 0, 0),
    "semaphores": lambda: either(64, 190, 0, 1, 0o1600),
    "remove them": lambda: either(66, 191, 0, 0, 0, 0),
    "POSIX queue": lambda: either(240, 180, b"attacker", 0o102, 0o600, 0),
    "remove a POSIX queue": lambda: either(241, 181, b"attacker"),
    "anonymous file": lambda: os.memfd_create("a"),
    "secret memory": lambda: call(447, 0),
    "userfaultfd": lambda: either(323, 282, 1),
    "io_uring": lambda: call(425, 8, room),
    "io_uring_enter": lambda: call(426, 0, 0, 0, 0, 0, 0),
    "aio": lambda: either(206, 0, 1, room),
    "BPF": lambda: either(321, 280, 0, room, 128),
    "perf": lambda: either(298, 241, room, 0, -1, -1, 0),
    "add_key": lambda: either(248, 217, b"user", b"a", b"b", 1, -3),
    "request_key": lambda: either(249, 218, b"user", b"a", 0, -3),
    "keyctl": lambda: either(250, 219, 0, -3, 0),
    "kernel log": lambda: either(103, 116, 10, 0, 0),
    "host name": lambda: either(170, 161, os.uname().nodename.encode(), len(os.uname().nodename)),
    "domain name": lambda: either(171, 162, b"(none)", 6),
    "time": lambda: either(164, 170, 0, 0),
    "clock": lambda: either(227, 112, 99, 0),
    "adjtimex": lambda: either(159, 171, room),
    "clock_adjtime": lambda: either(305, 266, 99, room),
    "reboot": lambda: either(169, 142, 0, 0, 0, 0),
    "swapon": lambda: either(167, 224, b"", 0),
    "swapoff": lambda: either(168, 225, b""),
    "quota": lambda: either(179, 60, 0, 0, 0, 0),
    "accounting": lambda: either(163, 89, b""),
    "load a module": lambda: either(175, 105, room, 0, b""),
    "unload a module": lambda: either(176, 106, b"", 0x800),
    "kexec": lambda: either(246, 104, 0, 0, 0, 0xff),
    "chroot": lambda: os.chroot("/"),
    "pivot_root": lambda: either(155, 41, b"", b""),
    "umount": lambda: either(166, 39, b"", 0),
    "fsopen": lambda: call(430, b"tmpfs", 0),
    "open_tree": lambda: call(428, -100, b"/", 0),
    "move_mount": lambda: call(429, -1, b"", -1, b"", 0),
    "mount_setattr": lambda: call(442, -1, b"", 0, room, 32),
    "statmount": lambda: call(457, room, room, 8, 0),
    "setns": lambda: either(308, 268, 0, 0),
    "unshare": lambda: either(272, 97, 0x200),
    "write everything to disk": lambda: either(306, 267, source),
    "personality": lambda: either(135, 92, 0xffffffff),
    "a message to the parent": lambda: either(44, 206, 0, b"x", 1, 0, 0, 0),
    "a file to the parent": lambda: either(46, 211, 0, room, 0),
    "a call under its second number": lambda: call(39 | 0x40000000),
}
"""

WAY_BACK = """
def fork():
    if not os.fork():
        os._exit(0)

def fork_by_number():
    child = libc.syscall(ctypes.c_long(56 if x86 else 220), *[ctypes.c_long(a) for a in (17, 0, 0, 0, 0)])
    if not child:
        os._exit(0)
    if child == -1:
        raise OSError(ctypes.get_errno(), "clone")

def prctl(*arguments):
    if libc.prctl(*map(ctypes.c_long, arguments)) == -1:
        raise OSError(ctypes.get_errno(), "prctl")

ATTEMPTS = {
    "dumpable": lambda: prctl(4, 1, 0, 0, 0),
    "a debugger": lambda: prctl(0x59616D61, -1, 0, 0, 0),  # PR_SET_PTRACER
    "adopt processes": lambda: prctl(36, 1, 0, 0, 0),
    "another filter": lambda: prctl(22, 1, 0, 0, 0),
    "seccomp": lambda: either(317, 277, 0, 0, 0),
    "landlock": lambda: call(444, 0, 0, 1),
    "more memory": lambda: either(302, 261, 0, resource.RLIMIT_AS, (ctypes.c_ulong * 2)(1 << 40, 1 << 40), 0),
    "more files": lambda: either(302, 261, 0, resource.RLIMIT_NOFILE, (ctypes.c_ulong * 2)(1000, 1000), 0),
    "another user": lambda: os.setuid(os.getuid()),
    "other groups": lambda: os.setgroups([]),
    "rights": lambda: either(126, 91, (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()),
    "fork": fork,
    "fork by number": fork_by_number,
    "a program": lambda: either(59, 221, b"/bin/true", 0, 0),
    "a program from a descriptor": lambda: either(322, 281, source, b"", 0, 0, 0x1000),
    "another folder": lambda: os.chdir("/"),
}
"""


@pytest.fixture(params=["decoder", "fallback"])
def refused(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes attempts in the child, or where it may run a program; none may succeed."""

    def check(attempts: str, **variables: object) -> None:
        if request.param == "decoder":
            found = attack(attempts, tmp_path, monkeypatch, **variables)
        else:
            found = attack_in_fallback(attempts, tmp_path, **variables)
        assert not_refused(found) == {}

    return check


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of the user."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process
        assert process.poll() is None
        process.kill()


def test_other_processes_of_the_user(other: subprocess.Popen[bytes], refused: Callable[..., None]) -> None:
    """Neither limits nor priorities nor signals nor memory; and no signal from the kernel in its name."""
    before = _state(other.pid)
    refused(OTHER_PROCESSES, other=other.pid)
    assert _state(other.pid) == before


def _state(pid: int) -> list[object]:
    limits = [resource.prlimit(pid, kind) for kind in (resource.RLIMIT_CPU, resource.RLIMIT_CORE)]
    return [limits, os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid), os.sched_getscheduler(pid)]


def test_metadata_of_files(refused: Callable[..., None], tmp_path: Path) -> None:
    """Also of the files that it was given: their mode, owner, times, attributes and locks."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    before = secret.stat()
    refused(METADATA, secret=str(secret))
    assert secret.stat() == before


def test_the_machine(refused: Callable[..., None]) -> None:
    """What processes share, what root may set, and the parts of the kernel that are known for their bugs."""
    refused(MACHINE)


def test_there_is_no_way_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the child gave up, it cannot take again, even if root runs it."""
    assert not_refused(attack(WAY_BACK, tmp_path, monkeypatch)) == {}


def test_what_decoding_needs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads, memory, clocks, its own limits, its own end; an unknown call is missing, as on an older kernel."""
    attempts = """
def future():
    try:
        call(999)
    except OSError as error:
        assert error.errno == 38, error

def new_thread():
    try:
        call(435, 0, 0)
    except OSError as error:
        assert error.errno == 38, error  # so that the C library takes clone

ATTEMPTS = {
    "thread": lambda: resource.getrlimit(resource.RLIMIT_NPROC)[0] == 0 or threading.Thread(target=int).start(),
    "memory": lambda: bytearray(1 << 26),
    "limits": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE)),
    "its group": lambda: os.killpg(0, 0),
    "itself": lambda: os.kill(os.getpid(), 0),
    "its thread": lambda: either(234, 131, os.getpid(), os.getpid(), 0),
    "processors": lambda: os.sched_getaffinity(0),
    "name": lambda: libc.prctl(15, b"decoder"),
    "flags": lambda: os.set_inheritable(source, False),
    "a terminal?": lambda: os.isatty(2),
    "future": future,
    "new thread": new_thread,
}
"""
    found = attack(attempts, tmp_path, monkeypatch)
    assert {name: said for name, said in found.items() if said != "done"} == {}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only these processors have a second entry")
def test_the_entry_of_32_bit_programs_is_closed() -> None:
    """There, the same numbers are other calls. Code for it is put into memory; 20 is getpid."""
    code = (
        "import ctypes, mmap, sys\n"
        "from transcribe_cli.audio import sandbox\n"
        "memory = mmap.mmap(-1, 4096, prot=7)\n"
        r"memory.write(b'\x53\xb8\x14\0\0\0\xcd\x80\x5b\xc3')" + "\n"
        "enter = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))\n"
        "print(enter(), flush=True)\n"
        "sandbox.enter()\n"
        "print(enter(), flush=True)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if not ran.stdout:
        pytest.skip("this kernel has no such entry")
    before, after = map(int, ran.stdout.split())
    assert before > 0
    assert after == -1
