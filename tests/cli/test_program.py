"""The program itself: help, version, completion, and the small commands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, Ran
from transcribe_cli import __version__

Transcribe = Callable[..., Ran]
HEAVY = ("torch", "ctranslate2", "faster_whisper", "onnxruntime", "av", "numpy", "huggingface_hub")


def test_help_imports_nothing_heavy() -> None:
    """It is fast."""
    code = (
        "import sys\nfrom transcribe_cli.cli import main\n"
        "try: main(['run', '--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"
    assert "--beam-size" in ran.stdout


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "plan",
        "render",
        "lint",
        "score",
        "doctor",
        "models",
        "config",
        "config show",
        "models pull",
        "speakers",
        "speakers enroll",
    ],
)
def test_every_command_has_help(command: str, transcribe: Transcribe) -> None:
    """With a sentence that says what it does."""
    ran = transcribe(*command.split(), "--help")
    assert ran.code == 0
    assert "Usage:" in ran.out


def test_the_version_is_printed(transcribe: Transcribe) -> None:
    """On standard output."""
    assert transcribe("--version").out == f"transcribe-cli {__version__}\n"


def test_no_arguments_show_the_help(transcribe: Transcribe) -> None:
    """As a usage error without a message."""
    ran = transcribe()
    assert ran.code == 2
    assert "Commands" in ran.out + ran.err
    assert "Try" not in ran.err


def test_shell_completion_knows_the_commands(transcribe: Transcribe) -> None:
    """In the protocol of bash."""
    ran = transcribe(env={"_TRANSCRIBE_COMPLETE": "complete_bash", "COMP_WORDS": "transcribe r", "COMP_CWORD": "1"})
    assert {"run", "render"} <= set(ran.out.split())


def test_a_plan_is_one_document_and_writes_nothing(tmp_path: Path, transcribe: Transcribe, say: Callable[..., Path]) -> None:
    """Each recording with duration, decision and reason; `run --dry-run` is the same."""
    say(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "b.mp3").write_text("hello")
    plan = transcribe("plan", tmp_path / "in", "--model", "demo", "--json")
    document = json.loads(plan.out)
    assert [(r["name"], r["decision"], r["reason"]) for r in document["recordings"]] == [
        ("a.wav", "transcribe", "new"),
        ("b.mp3", "transcribe", "new"),
    ]
    assert document["recordings"][0]["duration"] == pytest.approx(document["seconds_to_transcribe"])
    assert transcribe("run", tmp_path / "in", "--model", "demo", "--dry-run", "--json").out == plan.out
    assert {path.name for path in (tmp_path / "in").iterdir()} == {"a.wav", "b.mp3"}


def test_config_show_prints_the_origin_of_each_value(tmp_path: Path, transcribe: Transcribe) -> None:
    """File, profile, variable, flag, default."""
    (tmp_path / "transcribe.toml").write_text('model = "small"\n[profiles.night]\nbeam_size = 7\n')
    ran = transcribe(
        "config",
        "show",
        "--config",
        tmp_path / "transcribe.toml",
        "--profile",
        "night",
        "--task",
        "translate",
        "--json",
        env={"TRANSCRIBE_THREADS": "3"},
    )
    values = json.loads(ran.out)
    assert values["model"] == {"value": "small", "origin": str(tmp_path / "transcribe.toml")}
    assert values["beam_size"]["value"] == 7
    assert "profiles.night" in values["beam_size"]["origin"]
    assert values["threads"] == {"value": 3, "origin": "TRANSCRIBE_THREADS"}
    assert values["task"] == {"value": "translate", "origin": "--task"}
    assert values["best_of"] == {"value": 5, "origin": "default"}


def test_config_init_writes_a_file_that_changes_nothing(tmp_path: Path, transcribe: Transcribe) -> None:
    """Every option explained and at its default; an existing file is not replaced."""
    assert transcribe("config", "init", tmp_path).code == 0
    ran = transcribe("config", "show", tmp_path, "--json")
    plain = transcribe("config", "show", tmp_path, "--json", "--config", "/dev/null")
    read = {key: entry["value"] for key, entry in json.loads(ran.out).items()}
    assert read == {key: entry["value"] for key, entry in json.loads(plain.out).items()}
    again = transcribe("config", "init", tmp_path)
    assert again.code == 2
    assert "--force" in again.err


def test_doctor_finds_what_is_missing(tmp_path: Path, transcribe: Transcribe) -> None:
    """A missing model, GPU and folder: exit code 4, each with what to do."""
    well = transcribe("doctor", tmp_path, "--model", "demo")
    assert well.code == 0, well.out
    ill = transcribe(
        "doctor",
        tmp_path / "nowhere",
        "--model",
        "tiny",
        "--device",
        "cuda",
        env={"CUDA_VISIBLE_DEVICES": "", "HF_HOME": str(tmp_path)},
    )
    assert ill.code == 4
    missing = [line for line in ill.out.splitlines() if line.startswith("missing")]
    assert len(missing) == 3
    assert any("transcribe models pull tiny" in line for line in missing)


def test_render_writes_other_formats_without_a_model(tmp_path: Path, transcribe: Transcribe, say: Callable[..., Path]) -> None:
    """From a tree, a JSON file, a recording; to a folder or to standard output."""
    recording = say(tmp_path / "in" / "a.wav")
    assert transcribe("render", tmp_path / "in").code == 2
    assert transcribe("run", tmp_path / "in", "--model", "demo", "-f", "json").code == 0
    assert transcribe("render", tmp_path / "in", "-f", "srt,txt").code == 0
    assert (tmp_path / "in" / "a.srt").exists()
    text = transcribe("render", recording, "-f", "txt", "-o", "-")
    assert text.out == (tmp_path / "in" / "a.txt").read_text()
    assert transcribe("render", tmp_path / "in" / "a.json", "-f", "vtt", "-o", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "a.vtt").read_text().startswith("WEBVTT")
    (tmp_path / "in" / "a.srt").write_text("edited by hand")
    assert transcribe("render", tmp_path / "in", "-f", "srt").code == 3
    assert transcribe("render", tmp_path / "in", "-f", "srt", "--overwrite").code == 3
    assert transcribe("render", tmp_path / "in", "-f", "srt", "--replace-corrected").code == 0
    assert "-->" in (tmp_path / "in" / "a.srt").read_text()


@pytest.mark.slow
def test_the_examples_are_transcribed_like_their_references(tmp_path: Path, transcribe: Transcribe) -> None:
    """Every container of examples/audio, word error rate against examples/references."""
    import jiwer

    assert transcribe("run", EXAMPLES, "--model", "demo", "-o", tmp_path).code == 0
    for reference in sorted((EXAMPLES.parent / "references").glob("*.txt")):
        text = json.loads((tmp_path / f"{reference.stem}.json").read_text())["text"]
        expected = reference.read_text()
        if expected.strip():
            assert jiwer.wer(_words(expected), _words(text)) <= 0.08, reference.stem
        else:
            assert text == ""


def _words(text: str) -> str:
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text.lower()).split())
