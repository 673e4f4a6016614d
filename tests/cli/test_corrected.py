"""What people corrected stays theirs: through runs, other models, other formats, and whatever is done again on purpose."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran

Transcribe = Callable[..., Ran]
FAST = ("--model", "demo", "--beam-size", "1")


@pytest.fixture
def aula(tmp_path: Path, say: Callable[..., Path], transcribe: Transcribe) -> Path:
    """A recording with JSON, SRT and VTT."""
    recording = say(tmp_path / "in" / "aula.wav")
    assert transcribe("run", recording.parent, "--model", "demo").code == 0
    return recording


def edit(path: Path, old: str = "Bom", new: str = "Mau") -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def edit_indented(path: Path) -> None:
    """As an editor or a script would leave it."""
    document = json.loads(path.read_text())
    document["segments"][0]["text"] = document["segments"][0]["text"].replace("Bom", "Mau")
    path.write_text(json.dumps(document, indent=2))


@pytest.mark.parametrize("change", [edit, edit_indented])
def test_a_corrected_json_is_kept_and_other_formats_follow_it(
    aula: Path, transcribe: Transcribe, change: Callable[[Path], None]
) -> None:
    """`status` names the file; the next run renders from it; another model goes beside it, once."""
    document = aula.with_suffix(".json")
    change(document)
    stated = transcribe("status", aula.parent, "--model", "demo")
    assert stated.code == 0
    assert "corrected" in stated.out
    assert "aula.json, 20" in stated.out
    assert transcribe("run", aula.parent, "--model", "demo", "-f", "srt,txt").code == 0
    for name in ("aula.srt", "aula.vtt", "aula.txt"):
        assert "Mau dia" in aula.with_name(name).read_text()
    again = transcribe("run", aula.parent, "--model", "demo", "-f", "srt,txt")
    assert "1 done already" in again.err
    ran = transcribe("run", aula.parent, *FAST)
    assert ran.code == 0
    assert "aula.json was corrected and kept; the new transcript is aula.new.json." in ran.err
    assert "Mau dia" in document.read_text()
    assert "Bom dia" in aula.with_name("aula.new.srt").read_text()
    before = {path: path.stat().st_mtime_ns for path in aula.parent.iterdir()}
    assert "1 done already" in transcribe("run", aula.parent, *FAST).err
    assert {path: path.stat().st_mtime_ns for path in aula.parent.iterdir()} == before


@pytest.mark.parametrize("name", ["aula.srt", "aula.vtt", "aula.txt", "aula.md", "aula.docx"])
def test_a_corrected_rendering_is_neither_replaced_nor_in_the_way(aula: Path, transcribe: Transcribe, name: str) -> None:
    """Also if it is not among the formats of the run, or if the JSON is newer, as in a copy."""
    assert transcribe("run", aula.parent, "--model", "demo", "-f", "srt,vtt,txt,md,docx").code == 0
    path = aula.with_name(name)
    path.write_bytes(path.read_bytes() + b"Corrigido.\n")
    os.utime(aula.with_suffix(".json"))
    edited = path.read_bytes()
    for options in (
        ("--model", "demo"),
        FAST,
        ("--model", "demo", "--overwrite"),
        ("--model", "demo", "-f", "vtt", "--overwrite"),
    ):
        assert transcribe("run", aula.parent, *options).code == 0
        assert path.read_bytes() == edited
    assert transcribe("render", aula.parent, "-f", path.suffix[1:], "--overwrite").code == 3
    assert path.read_bytes() == edited
    assert aula.with_name("aula.new.json").exists()


def test_a_corrected_new_transcript_is_kept_too(aula: Path, transcribe: Transcribe) -> None:
    """The next one goes beside that."""
    edit(aula.with_suffix(".srt"))
    assert transcribe("run", aula.parent, *FAST).code == 0
    edit(aula.with_name("aula.new.srt"), "Bom", "Péssimo")
    assert transcribe("run", aula.parent, "--model", "demo", "--beam-size", "2").code == 0
    assert "Mau" in aula.with_name("aula.srt").read_text()
    assert "Péssimo" in aula.with_name("aula.new.srt").read_text()
    assert "Bom" in aula.with_name("aula.new.new.srt").read_text()


def test_replace_corrected_is_the_only_way_to_lose_it(aula: Path, transcribe: Transcribe) -> None:
    """A found file cannot ask for it."""
    edit(aula.with_suffix(".json"))
    edit(aula.with_suffix(".srt"))
    (aula.parent / "transcribe.toml").write_text("replace_corrected = true\noverwrite = true\n")
    transcribe("run", aula.parent, "--model", "demo", "--overwrite")
    assert "Mau" in aula.with_suffix(".json").read_text()
    assert transcribe("run", aula.parent, "--model", "demo", "--overwrite", "--replace-corrected").code == 0
    assert "Mau" not in aula.with_suffix(".json").read_text() + aula.with_suffix(".srt").read_text()


def test_a_transcript_of_an_earlier_version_is_compared_with_its_renderings(aula: Path, transcribe: Transcribe) -> None:
    """It has no digest: unchanged, it is replaced as ever; a changed text stays."""
    document = aula.with_suffix(".json")

    def without_digest() -> None:
        parsed = json.loads(document.read_text())
        del parsed["job"]["text_digest"]
        document.write_text(json.dumps(parsed, ensure_ascii=False))

    without_digest()
    assert transcribe("run", aula.parent, *FAST).code == 0
    assert not aula.with_name("aula.new.json").exists()
    without_digest()
    edit(document)
    assert transcribe("run", aula.parent, "--model", "demo", "--overwrite").code == 0
    assert "Mau" in document.read_text()
    assert aula.with_name("aula.new.json").exists()


def test_a_damaged_json_is_not_replaced(aula: Path, transcribe: Transcribe) -> None:
    """A person may have broken it while correcting it."""
    document = aula.with_suffix(".json")
    document.write_text(document.read_text().replace("Bom", "Mau").replace('"segments"', '"segments', 1))
    assert transcribe("run", aula.parent, "--model", "demo", "--overwrite").code == 0
    assert "Mau" in document.read_text()
