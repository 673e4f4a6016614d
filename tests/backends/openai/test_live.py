"""Tests against OpenAI, with a key: `OPENAI_API_KEY=… pytest -m live tests/backends/openai`. They cost less than a cent.

Set `TEST_BASE_URL` and `TRANSCRIBE_API_KEY` for another server, and `TEST_API_MODELS` for other models, separated by commas.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import command, environment

pytestmark = pytest.mark.live

URL = os.environ.get("TEST_BASE_URL", "https://api.openai.com/v1")
MODELS = os.environ.get("TEST_API_MODELS", "whisper-1,gpt-transcribe").split(",")
KEYS = {name: os.environ[name] for name in ("OPENAI_API_KEY", "GROQ_API_KEY", "TRANSCRIBE_API_KEY") if os.environ.get(name)}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("upload", ["original", "opus"])
def test_a_recording_is_transcribed(tmp_path: Path, say: Callable[..., Path], model: str, upload: str) -> None:
    say(tmp_path / "um.wav", "Bom dia a todos. O professor explica a lição de hoje.")
    line = command(["remote", tmp_path, "--backend", "openai", "--base-url", URL, "-m", model, "-l", "pt", "--upload", upload])
    ran = subprocess.run(line, env=environment(KEYS), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "professor" in (tmp_path / "um.srt").read_text()


def test_a_wrong_key_is_reported(tmp_path: Path, say: Callable[..., Path]) -> None:
    say(tmp_path / "um.wav", "Bom dia.")
    line = command(["remote", tmp_path, "--backend", "openai", "--base-url", URL, "-m", MODELS[0]])
    ran = subprocess.run(line, env=environment({"TRANSCRIBE_API_KEY": "sk-wrong"}), capture_output=True, text=True)
    assert ran.returncode == 4
    assert "does not accept the key" in ran.stderr
