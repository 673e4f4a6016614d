"""Code of an attacker in the real decoder's child: each attempt is made there, and the test gets what happened."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.audio.media import tone, wav
from transcribe_cli.audio import Decoder
from transcribe_cli.errors import NotAudio

_HEADER = """
import ctypes, fcntl, json, os, resource, socket, stat, subprocess, threading
import transcribe_cli.audio.container as container
from transcribe_cli.errors import NotAudio

libc = ctypes.CDLL(None, use_errno=True)
x86 = os.uname().machine == "x86_64"

def call(number, *arguments):
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if libc.syscall(ctypes.c_long(number), *arguments) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def either(on_x86, on_arm, *arguments):
    call(on_x86 if x86 else on_arm, *arguments)
"""
_FOOTER = """
def attack(*arguments, **named):
    global source, scratch
    source = arguments[0] if isinstance(arguments[0], int) else 0
    others = [number for number in range(3, 64) if number != source and is_file(number)]
    scratch = others[0] if others else source
    found = {}
    for name, attempt in ATTEMPTS.items():
        try:
            attempt()
            found[name] = "done"
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    raise NotAudio(json.dumps(found))

def is_file(number):
    try:
        return stat.S_ISREG(os.fstat(number).st_mode) and fcntl.fcntl(number, fcntl.F_GETFL) & 3
    except OSError:
        return False

container.open_container = attack
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
    lines = [f"{name} = {value!r}" for name, value in {"parent": os.getpid(), **variables}.items()]
    (code / "sitecustomize.py").write_text("\n".join([*lines, _HEADER, attempts, _FOOTER]))
    monkeypatch.syspath_prepend(code)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Decoder(scratch=scratch, fallback=False) as decoder, pytest.raises(NotAudio) as caught:
        decoder.decode(wav(tmp_path / "a.wav", tone(0.1)))
    found: dict[str, str] = json.loads(caught.value.message)
    return found


def not_refused(found: dict[str, str]) -> dict[str, str]:
    """The attempts that did not end with EPERM or EACCES."""
    return {name: said for name, said in found.items() if not said.startswith("PermissionError")}
