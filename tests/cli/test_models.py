"""`transcribe models`: installed and available models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran
from transcribe_cli.recognition.engines.models import DEMO_FOLDER

Transcribe = Callable[..., Ran]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A model cache with the demo model in place of `tiny`, laid out by the hub's client, and an interrupted download."""
    for repository, target in (("faster-whisper-tiny", DEMO_FOLDER), ("faster-whisper-base", None)):
        folder = tmp_path / "cache" / f"models--Systran--{repository}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text("abc123")
        (folder / "snapshots").mkdir()
        if target is None:
            (folder / "snapshots" / "abc123").mkdir()
        else:
            (folder / "snapshots" / "abc123").symlink_to(target)
    return tmp_path / "cache"


def test_the_models_of_a_cache_are_listed(cache: Path, transcribe: Transcribe) -> None:
    """The bundled one first; an interrupted download is not listed."""
    ran = transcribe("models", "list", "--model-dir", cache)
    assert [line.split()[0] for line in ran.out.splitlines()] == ["demo", "tiny"]
    assert "base" in ran.err


def test_a_cached_model_is_found_without_a_network(cache: Path, transcribe: Transcribe) -> None:
    """`path` needs no network; `pull` of a complete model prints its folder."""
    ran = transcribe("models", "path", "tiny", "--model-dir", cache)
    assert (ran.code, Path(ran.out.strip()).resolve()) == (0, DEMO_FOLDER.resolve())
    assert transcribe("models", "path", "demo").out.strip() == str(DEMO_FOLDER)


def test_a_model_from_the_cache_recognizes(cache: Path, transcribe: Transcribe, say: Callable[..., Path]) -> None:
    """By its usual name."""
    say(cache.parent / "in" / "a.wav")
    ran = transcribe("run", cache.parent / "in", "--model", "tiny", "--model-dir", cache, "--offline")
    assert ran.code == 0, ran.err
    assert "aula" in (cache.parent / "in" / "a.srt").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("path", "base"), 4, "transcribe models pull base"),
        (("pull", "base"), 4, "cannot be reached"),
        (("path", "bsae"), 2, "Did you mean base?"),
        (("path", "./nowhere"), 2, "no model folder"),
        (("path", "Systran/faster-whisper-large-v2"), 4, "not on this machine"),
    ],
)
def test_an_unavailable_model_is_reported(
    cache: Path, transcribe: Transcribe, arguments: tuple[str, str], code: int, says: str
) -> None:
    """With what to do."""
    ran = transcribe("models", *arguments, "--model-dir", cache)
    assert ran.code == code
    assert says in ran.err
    assert ran.out == ""


def test_the_error_for_a_missing_model_does_not_recommend_the_demo_model(transcribe: Transcribe, cache: Path) -> None:
    """It names the download, also by hand, and how to try the tool. On a real lecture the demo model writes a page of nonsense."""
    (cache.parent / "a.wav").touch()
    for arguments in (("run", cache.parent, "--model-dir", cache, "--offline", "--model", "base"), ("doctor", "--model", "base")):
        ran = transcribe(*arguments)
        assert ran.code == 4
        for part in ("transcribe models pull base", "https://huggingface.co/Systran/faster-whisper-base", "make demo"):
            assert part in ran.err + ran.out
        assert "--model demo" not in ran.err + ran.out
    assert "demo," not in transcribe("models", "path", "qqqq").err
    assert "only for the examples" in transcribe("models", "list", "--model-dir", cache).out
