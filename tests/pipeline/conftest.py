"""Folders for recordings and for scratch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.runs import SECOND
from transcribe_cli.pipeline import speech_clips


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the recordings are."""
    return tmp_path / "in"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where waveforms are, and where nothing stays; speech is looked for in each second as it comes."""
    monkeypatch.setattr(speech_clips, "BLOCK_SAMPLES", SECOND)
    made = tmp_path / "scratch"
    made.mkdir()
    yield made
    assert list(made.iterdir()) == []
