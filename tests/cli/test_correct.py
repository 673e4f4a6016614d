"""`transcribe correct`: corrections made in a rendering come back into the transcript."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran

Transcribe = Callable[..., Ran]


@pytest.fixture
def aula(tmp_path: Path, say: Callable[..., Path], transcribe: Transcribe) -> Path:
    """A recording with JSON, SRT, VTT, TXT and MD."""
    recording = say(tmp_path / "in" / "aula.wav")
    assert transcribe("run", recording.parent, "--model", "demo", "-f", "srt,vtt,txt,md").code == 0
    return recording


def edit(path: Path, old: str = "Bom", new: str = "Mau") -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", ["aula.srt", "aula.vtt", "aula.txt"])
@pytest.mark.parametrize("whole_tree", [True, False])
def test_a_corrected_file_is_taken_over_and_the_others_follow(
    aula: Path, transcribe: Transcribe, name: str, whole_tree: bool
) -> None:
    """Everything has the correction, the run has nothing to do, and what was recognized can be shown and restored."""
    before = json.loads(aula.with_suffix(".json").read_text())
    edit(aula.with_name(name))
    ran = transcribe("correct", aula.parent if whole_tree else aula.with_name(name))
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith(f"corrected  aula.json  1 word from {name}; rendered ")
    for other in ("aula.json", "aula.srt", "aula.vtt", "aula.txt", "aula.md"):
        assert "Mau dia" in aula.with_name(other).read_text()
    document = json.loads(aula.with_suffix(".json").read_text())
    assert document["correction"]["files"] == [name]
    assert document["correction"]["words"] == 1
    first, *rest = document["segments"][0]["words"]
    assert (first["word"].strip(), first["aligned"]) == ("Mau", False)
    assert rest == before["segments"][0]["words"][1:]
    assert "1 done already" in transcribe("run", aula.parent, "--model", "demo", "-f", "srt,vtt,txt,md").err
    assert "Bom -> Mau" in transcribe("correct", "--show", aula.parent).out
    assert transcribe("correct", "--undo", aula.with_suffix(".json")).code == 0
    after = json.loads(aula.with_suffix(".json").read_text())
    assert {key: after[key] for key in ("text", "segments", "speakers", "job")} == {
        key: before[key] for key in ("text", "segments", "speakers", "job")
    }
    assert "Bom dia" in aula.with_name(name).read_text()
    assert "corrected" not in transcribe("status", aula.parent, "--model", "demo").out


def test_a_correction_by_hand_in_the_json_is_rendered(aula: Path, transcribe: Transcribe) -> None:
    """What was recognized is not known then."""
    edit(aula.with_suffix(".json"))
    assert transcribe("correct", aula.parent).code == 0
    assert "Mau dia" in aula.with_suffix(".srt").read_text()
    undone = transcribe("correct", "--undo", aula.with_suffix(".json"))
    assert undone.code == 3
    assert "what was recognized is not known" in undone.err


def test_corrections_of_several_files_are_merged_or_told(aula: Path, transcribe: Transcribe) -> None:
    """A place that was corrected in two ways names the file and the time, and that file stays as it is."""
    edit(aula.with_suffix(".srt"), "Bom", "Mau")
    edit(aula.with_suffix(".txt"), "todos", "todas")
    edit(aula.with_suffix(".vtt"), "Bom", "Péssimo")
    ran = transcribe("correct", aula.parent)
    assert ran.code == 3
    assert "kept       aula.txt, at 0:00" not in ran.err
    assert "Mau dia a todas" in aula.with_suffix(".md").read_text()
    assert "aula.vtt, at 0:00" in ran.err
    assert "Péssimo" in aula.with_suffix(".vtt").read_text()
    again = transcribe("correct", aula.parent)
    assert again.code == 3
    assert "differs from another correction" in again.err
    assert "Mau dia a todas" in aula.with_suffix(".json").read_text()


def test_a_file_that_is_older_than_a_correction_in_the_json_is_refused(aula: Path, transcribe: Transcribe) -> None:
    """Which words are newer is not known. Nothing is changed."""
    edit(aula.with_suffix(".srt"), "todos", "todas")
    edit(aula.with_suffix(".json"))
    before = {path: path.read_bytes() for path in aula.parent.iterdir()}
    ran = transcribe("correct", aula.with_suffix(".srt"))
    assert ran.code == 3
    assert "which words are newer is not known" in ran.err
    assert {path: path.read_bytes() for path in aula.parent.iterdir()} == before


def test_what_cannot_be_taken_over_is_told(aula: Path, transcribe: Transcribe) -> None:
    """A format that is not read, changed times without changed words, times that are none, a file without transcript."""
    aula.with_suffix(".md").write_text("Corrigido.\n")
    ran = transcribe("correct", aula.parent)
    assert ran.code == 3
    assert "aula.md: cannot be taken over, only srt, vtt, txt" in ran.err
    assert aula.with_suffix(".md").read_text() == "Corrigido.\n"
    edit(aula.with_suffix(".srt"), "-->", "-> ")
    assert transcribe("correct", aula.with_suffix(".srt")).code == 3
    aula.with_suffix(".srt").write_text("1\n00:00:0x --> 1\nBom dia.\n")
    assert "aula.srt, line 2: invalid subtitle times" in transcribe("correct", aula.with_suffix(".srt")).err
    (aula.parent / "other.srt").write_text("1\n")
    assert transcribe("correct", aula.parent / "other.srt").code != 0
    assert transcribe("correct", "--show", "--undo", aula.parent).code == 2


def test_a_file_whose_words_all_vanished_is_not_taken_for_a_correction(aula: Path, transcribe: Transcribe) -> None:
    """An emptied file is rather an accident."""
    aula.with_suffix(".srt").write_text("")
    ran = transcribe("correct", aula.parent)
    assert ran.code == 3
    assert "aula.srt has no words" in ran.err
    assert "Bom dia" in aula.with_suffix(".json").read_text()
