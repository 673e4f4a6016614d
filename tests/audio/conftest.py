"""A decoder for each test file, and the process id of its child."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from transcribe_cli.audio import Decoder


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    """One decoder per test file, as in a batch; the fallback decoder is off, so that it cannot hide a failure."""
    scratch = tmp_path_factory.mktemp("scratch")
    with Decoder(scratch=scratch, fallback=False) as decoder:
        yield decoder
    assert list(scratch.iterdir()) == []


def child_of(decoder: Decoder) -> int:
    """The process id of a decoder's child, which is not part of the public interface."""
    assert decoder._child is not None
    return decoder._child.pid


def status(pid: int, key: str) -> int:
    """A number from /proc/PID/status, such as VmHWM in kilobytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))
