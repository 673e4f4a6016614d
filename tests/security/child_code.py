"""Code of an attacker in the sandbox of the decoder: each attempt is made there, and the test gets what happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audio.media import tone, wav
from transcribe_cli.audio import Decoder
from transcribe_cli.errors import NotAudio

_HEADER = """
import ctypes, fcntl, json, os, resource, socket, stat, subprocess, threading

libc = ctypes.CDLL(None, use_errno=True)
x86 = os.uname().machine == "x86_64"

def call(number, *arguments):
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if libc.syscall(ctypes.c_long(number), *arguments) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def either(on_x86, on_arm, *arguments):
    call(on_x86 if x86 else on_arm, *arguments)
"""
_TRY_ALL = """
def try_all():
    found = {}
    for name, attempt in ATTEMPTS.items():
        try:
            attempt()
            found[name] = "done"
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    return json.dumps(found)
"""
_IN_THE_CHILD = """
import transcribe_cli.audio.container as container
from transcribe_cli.errors import NotAudio

def attack(*arguments, **named):
    global source, scratch
    source = arguments[0] if isinstance(arguments[0], int) else 0
    scratch = next(number for number in range(3, 64) if number != source and is_written(number))
    raise NotAudio(try_all())

def is_written(number):
    try:
        return stat.S_ISREG(os.fstat(number).st_mode) and fcntl.fcntl(number, fcntl.F_GETFL) & 3
    except OSError:
        return False

container.open_container = attack
"""
_IN_THE_FALLBACK = """
from pathlib import Path
from transcribe_cli.audio import sandbox

sandbox.enter("cp", Path(recording))
print(try_all())
"""


def attack(attempts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **variables: object) -> dict[str, str]:
    """Make the attempts in the child, and return "done" or the error of each.

    Args:
        attempts: Python code that sets ATTEMPTS, a dictionary of functions. They have `variables`, `parent` (its process id), and the
            descriptors `source` and `scratch`.
        tmp_path: for the code and a recording.
        monkeypatch: puts the code on the import path.
        variables: their values have a `repr` that is Python.
    """
    code = tmp_path / "code"
    code.mkdir()
    (code / "sitecustomize.py").write_text(_program(attempts, _IN_THE_CHILD, variables))
    monkeypatch.syspath_prepend(code)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Decoder(scratch=scratch, fallback=False) as decoder, pytest.raises(NotAudio) as caught:
        decoder.decode(wav(tmp_path / "a.wav", tone(0.1)))
    found: dict[str, str] = json.loads(caught.value.message)
    return found


def attack_in_fallback(attempts: str, tmp_path: Path, **variables: object) -> dict[str, str]:
    """The same in the sandbox of the fallback, where a program may run and read its libraries and one recording."""
    recording = wav(tmp_path / "a.wav", tone(0.1))
    with recording.open("rb") as source, (tmp_path / "a.s16").open("wb") as scratch:
        files = source.fileno(), scratch.fileno()
        variables |= {"source": files[0], "scratch": files[1], "recording": str(recording)}
        ran = subprocess.run(
            [sys.executable, "-c", _program(attempts, _IN_THE_FALLBACK, variables)],
            stdin=subprocess.PIPE,
            capture_output=True,
            text=True,
            pass_fds=files,
            start_new_session=True,
        )
    assert ran.stdout, ran.stderr
    found: dict[str, str] = json.loads(ran.stdout)
    return found


def _program(attempts: str, place: str, variables: dict[str, object]) -> str:
    lines = [f"{name} = {value!r}" for name, value in {"parent": os.getpid(), **variables}.items()]
    return "\n".join([*lines, _HEADER, attempts, _TRY_ALL, place])


def not_refused(found: dict[str, str]) -> dict[str, str]:
    """The attempts that did not end with EPERM or EACCES."""
    return {name: said for name, said in found.items() if not said.startswith("PermissionError")}
