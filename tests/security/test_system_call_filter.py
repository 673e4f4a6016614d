"""The filter of system calls for both kinds of processor, read instruction by instruction, as the kernel of either would."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from transcribe_cli.audio import seccomp, system_calls

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
HEADERS = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "/usr/include/asm-generic/unistd.h"}
PID = 4321


def answer(machine: str, number: int, *arguments: int, programs: bool = False, architecture: int | None = None) -> str:
    """What the filter says to a call: "allow", or the name of an error."""
    code = list(struct.iter_unpack("=HBBI", seccomp.filter_of(machine, programs, PID)))
    padded = [*arguments, *([0] * (6 - len(arguments)))]
    data = struct.pack("<IIQ6Q", number, architecture or ARCHITECTURES[machine], 0, *(value % 2**64 for value in padded))
    register = place = 0
    while True:
        kind, if_true, if_false, value = code[place]
        place += 1
        if kind == 0x20:
            (register,) = struct.unpack_from("<I", data, value)
        elif kind == 0x06:
            return "allow" if value == 0x7FFF0000 else errno.errorcode[value & 0xFFFF]
        else:
            holds = {0x15: register == value, 0x25: register > value, 0x45: bool(register & value)}[kind]
            place += if_true if holds else if_false


@pytest.mark.parametrize("programs", [False, True])
@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_calls_with_arguments(machine: str, programs: bool) -> None:
    """Of its own process, and no other; of the lower half of the word, which is what the kernel reads."""
    number = system_calls.checked(machine)
    expected = {
        ("kill", 0, 9): "allow",
        ("kill", PID, 9): "allow",
        ("kill", PID + 1, 9): "EPERM",
        ("kill", -1, 9): "EPERM",
        ("kill", -PID, 9): "EPERM",
        ("kill", 2**32 + 1, 9): "EPERM",
        ("tgkill", PID, 5, 6): "allow",
        ("tgkill", 1, 1, 6): "EPERM",
        ("prlimit64", 0, 7): "allow",
        ("prlimit64", 1, 7): "EPERM",
        ("prctl", 15): "allow",
        ("prctl", 4, 1): "EPERM",
        ("fcntl", 3, 2, 1): "allow",
        ("fcntl", 3, 8, 1): "EPERM",
        ("fcntl", 3, 10, 9): "EPERM",
        ("fcntl", 3, 2**32 + 8, 1): "EPERM",
        ("fcntl", 3, 1024): "EPERM",
        ("ioctl", 3, 0x5401): "allow",
        ("ioctl", 3, 0x8901): "EPERM",
        ("ioctl", 3, 0x5412): "EPERM",
        ("clone", 0x3D0F00): "allow",
        ("clone", 0x4111): "allow" if programs else "EPERM",
        ("clone", 17): "allow" if programs else "EPERM",
        ("clone", 17 | 0x8000): "EPERM",
        ("clone", 17 | 0x10000000): "EPERM",
        ("clone", 0x3D0F00 | 0x20000): "EPERM",
    }
    assert {call: answer(machine, number[call[0]], *call[1:], programs=programs) for call in expected} == expected


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_all_other_calls_of_a_kernel(machine: str) -> None:
    """Those of the list are allowed, later ones are missing, and the rest is refused."""
    for programs in (False, True):
        allowed = set(system_calls.allowed(machine, programs))
        rest = set(range(1000)) - set(system_calls.checked(machine).values())
        for number in rest:
            later = number > system_calls.LAST_KNOWN or number == system_calls.CLONE3
            assert answer(machine, number, programs=programs) == (
                "allow" if number in allowed else "ENOSYS" if later else "EPERM"
            )


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_other_kinds_of_calls(machine: str) -> None:
    """A 32-bit program's, another processor's, and those with 32-bit pointers on x86-64; 39 and 172 are getpid there."""
    for architecture in (0x40000003, 0x40000028, *(set(ARCHITECTURES.values()) - {ARCHITECTURES[machine]})):
        assert answer(machine, 39, architecture=architecture) == "EPERM"
        assert answer(machine, 172, architecture=architecture) == "EPERM"
    for number in (0x40000000, 0x40000000 | 39, 0x40000000 | 520, 0xFFFFFFFF):
        assert answer(machine, number) == "EPERM"


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_no_number_stands_twice(machine: str) -> None:
    """A call is allowed, or checked, or neither; and the filter fits into the kernel's limit."""
    numbers = [*system_calls.allowed(machine, programs=True), *system_calls.checked(machine).values()]
    assert len(numbers) == len(set(numbers))
    for programs in (False, True):
        assert len(seccomp.filter_of(machine, programs, 1)) // 8 < 4096


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_are_those_of_the_headers(machine: str) -> None:
    """Where the headers are installed; calls that are younger than they are have the same number everywhere."""
    header = Path(HEADERS[machine])
    if not header.is_file():
        pytest.skip("needs linux-libc-dev")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())
    numbers = {name: int(number) for name, number in found}
    numbers.setdefault("newfstatat", numbers.get("fstatat", -1))  # __NR3264_fstatat
    tables = system_calls.TABLES
    column = list(HEADERS).index(machine)
    for table in tables:
        for name, ours in table.items():
            assert ours[column] == numbers.get(name, ours[column] if (ours[column] or 0) > 448 else None), name
