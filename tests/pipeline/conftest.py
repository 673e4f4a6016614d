"""Folders for recordings and for scratch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.runs import SECOND
from transcribe_cli.pipeline import speech_clips


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the recordings."""
    return tmp_path / "in"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The scratch folder, which must be empty at the end. Speech is detected in blocks of a second."""
    monkeypatch.setattr(speech_clips, "BLOCK_SAMPLES", SECOND)
    path = tmp_path / "scratch"
    path.mkdir()
    yield path
    assert list(path.iterdir()) == []
