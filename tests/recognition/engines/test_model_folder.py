"""Folders of models that cannot work: `doctor` and `run` say so before the first recording, and never ask the network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Ran
from tests.speakers.diarizers.fake_hub import FakeHub, Repository, fake_hub
from transcribe_cli.recognition.engines.models import DEMO_FOLDER, locate, pull

Transcribe = Callable[..., Ran]
TINY = "Systran/faster-whisper-tiny"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demo model."""
    return Path(shutil.copytree(DEMO_FOLDER, tmp_path / "m"))


def cut(file: Path, size: int) -> None:
    """Leave the first bytes of a file."""
    file.write_bytes(file.read_bytes()[:size])


def change_json(file: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change the object in a file."""
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def add_token_before_the_others(file: Path) -> None:
    """Make a tokenizer that of another model: every number is one more, as from large-v2 to large-v3."""
    content = json.loads(file.read_text())
    for token in content["added_tokens"]:
        token["id"] += 1
    content["model"]["vocab"] = {"<|new|>": 0} | {token: number + 1 for token, number in content["model"]["vocab"].items()}
    file.write_text(json.dumps(content))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "half": (lambda m: cut(m / "model.bin", 500_000), "model.bin is incomplete"),
    "one byte short": (lambda m: cut(m / "model.bin", (m / "model.bin").stat().st_size - 1), "model.bin is incomplete"),
    "empty": (lambda m: cut(m / "model.bin", 0), "model.bin is empty"),
    "no weights": (lambda m: (m / "model.bin").unlink(), "model.bin is missing"),
    "no configuration": (lambda m: (m / "config.json").unlink(), "config.json is missing"),
    "PyTorch": (lambda m: (m / "model.bin").rename(m / "model.safetensors"), "ct2-transformers-converter"),
    "newer": (lambda m: (m / "model.bin").write_bytes(b"\7\0\0\0" + (m / "model.bin").read_bytes()[4:]), "newer"),
    "no tokenizer": (lambda m: (m / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    "half a tokenizer": (lambda m: cut(m / "tokenizer.json", 1000), "tokenizer.json is damaged"),
    "an empty tokenizer": (lambda m: cut(m / "tokenizer.json", 0), "tokenizer.json is damaged"),
    "another's tokenizer": (lambda m: add_token_before_the_others(m / "tokenizer.json"), "tokenizer.json"),
    "no vocabulary": (lambda m: (m / "vocabulary.json").unlink(), "vocabulary.json is missing"),
    "no heads": (lambda m: change_json(m / "config.json", lambda c: c.pop("alignment_heads")), "--no-word-timestamps"),
    "heads are null": (lambda m: change_json(m / "config.json", lambda c: c.update(alignment_heads=None)), "no-word-timestamps"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_doctor_and_run_name_the_fault_before_the_first_recording(
    transcribe: Transcribe, folder: Path, say: Callable[..., Path], fault: str
) -> None:
    """The same line, with model and file or cure, and exit code 4. The recording is not tried."""
    damage, says = FAULTS[fault]
    damage(folder)
    say(folder.parent / "in" / "a.wav")
    checked = transcribe("doctor", "--model", folder, "--device", "cpu")
    [line] = [line for line in checked.out.splitlines() if str(folder) in line]
    assert (checked.code, line.split()[0]) == (4, "missing")
    assert says in line
    ran = transcribe("run", folder.parent / "in", "--model", folder, "--device", "cpu")
    assert ran.code == 4, ran.err
    assert line.removeprefix("missing").strip() in ran.err
    assert "--compute-type" not in ran.err
    assert not (folder.parent / "in" / "a.srt").exists()


def test_without_word_times_no_heads_are_needed(transcribe: Transcribe, folder: Path, say: Callable[..., Path]) -> None:
    """The cure that is named works."""
    change_json(folder / "config.json", lambda content: content.pop("alignment_heads"))
    say(folder.parent / "in" / "a.wav")
    ran = transcribe("run", folder.parent / "in", "--model", folder, "--device", "cpu", "--no-word-timestamps")
    assert ran.code == 0, ran.err
    assert "aula" in (folder.parent / "in" / "a.srt").read_text()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that has the demo model as `tiny`."""
    with fake_hub(monkeypatch) as fake:
        fake.repositories[TINY] = Repository({path.name: path.read_bytes() for path in DEMO_FOLDER.iterdir()}, gated=False)
        yield fake


@pytest.mark.parametrize("file", ["model.bin", "tokenizer.json"])
def test_pulling_again_replaces_damaged_files(hub: FakeHub, tmp_path: Path, file: str) -> None:
    """The hub's client takes a file that is there for complete, whatever is in it."""
    folder = locate("tiny", tmp_path)
    cut((folder / file).resolve(), 1000)
    assert (pull("tiny", tmp_path) / file).read_bytes() == (DEMO_FOLDER / file).read_bytes()
