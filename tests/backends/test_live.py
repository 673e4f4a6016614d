"""RunPod itself. Needs a key, and costs cents: `RUNPOD_API_KEY=… TEST_RUNPOD_ENDPOINT=… TEST_RUNPOD_MODEL=… pytest -m live`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import command, environment

pytestmark = pytest.mark.live


@pytest.mark.parametrize("options", [(), ("--upload", "opus")])
def test_a_recording_is_transcribed(tmp_path: Path, say: Callable[..., Path], options: tuple[str, ...]) -> None:
    missing = [name for name in ("RUNPOD_API_KEY", "TEST_RUNPOD_ENDPOINT", "TEST_RUNPOD_MODEL") if not os.environ.get(name)]
    assert not missing, f"Set {', '.join(missing)}."
    endpoint, model = os.environ["TEST_RUNPOD_ENDPOINT"], os.environ["TEST_RUNPOD_MODEL"]
    say(tmp_path / "um.wav", "Bom dia a todos. O professor explica a lição de hoje.")
    line = command(["remote", tmp_path, "--model", model, "-l", "pt", "--runpod-endpoint", endpoint, *options])
    env = environment({"RUNPOD_API_KEY": os.environ["RUNPOD_API_KEY"]})
    ran = subprocess.run(line, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "professor" in (tmp_path / "um.srt").read_text()


def test_a_wrong_key_is_reported(tmp_path: Path, say: Callable[..., Path]) -> None:
    say(tmp_path / "um.wav", "Bom dia.")
    line = command(["remote", tmp_path, "--runpod-endpoint", os.environ.get("TEST_RUNPOD_ENDPOINT", "nowhere")])
    ran = subprocess.run(line, env=environment({"RUNPOD_API_KEY": "rpa_wrong"}), capture_output=True, text=True)
    assert ran.returncode == 4
    assert "does not accept the key" in ran.stderr
