"""Whatever people and runs do in turn: no corrected word is lost without `--replace-corrected`."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran

Transcribe = Callable[..., Ran]
SPECS = (("--model", "demo"), ("--model", "demo", "--beam-size", "1"), ("--model", "demo", "--language", "pt"))
FORMATS = ("srt", "srt,vtt", "txt", "json", "vtt,txt,md", "srt,vtt,txt,html")
STEPS = 9


class Play:
    """A person and a program that work on one tree in turn. Every word that the person writes occurs once."""

    def __init__(self, tree: Path, transcribe: Transcribe, seed: int) -> None:
        self.tree = tree
        self.transcribe = transcribe
        self.choose = random.Random(seed)
        self.written: list[str] = []
        self.steps: list[str] = []

    def step(self) -> None:
        """Do something at random, and check."""
        action = self.choose.choice([self.edit, self.edit, self.edit, self.run, self.run, self.render, self.correct, self.touch])
        action()
        self.check()

    def edit(self) -> None:
        """Correct a word in a file that has text."""
        files = [path for path in sorted(self.tree.iterdir()) if path.suffix in {".json", ".srt", ".vtt", ".txt", ".md"}]
        if not files:
            return
        path = self.choose.choice(files)
        word = f"corrigido{len(self.written)}"
        before = path.read_text()
        text = self.edited_json(before, word) if path.suffix == ".json" else self.edited(before, word)
        if text == before:
            return
        path.write_text(text)
        self.written.append(word)
        self.steps.append(f"edit {path.name} {word}")

    def edited(self, text: str, word: str) -> str:
        """With one more word in front of a line of text, as a person would write it."""
        lines = text.split("\n")
        spoken = [n for n, line in enumerate(lines) if line[:1].isalpha() and line != "WEBVTT" and "corrigido" not in line]
        if spoken:
            number = self.choose.choice(spoken)
            lines[number] = f"{word} {lines[number]}"
        return "\n".join(lines)

    def edited_json(self, text: str, word: str) -> str:
        """With one more word in a segment, as a script or an editor would leave it; only once."""
        document = json.loads(text)
        if not document["segments"] or "corrigido" in json.dumps(document):
            return text
        segment = self.choose.choice(document["segments"])
        segment["text"] = f" {word}{segment['text']}"
        return json.dumps(document, indent=self.choose.choice([None, 2]))

    def run(self) -> None:
        """Run and state, with some options."""
        extra = self.choose.choice([(), (), ("--overwrite",)])
        self.call("run", self.tree, *self.choose.choice(SPECS), "-f", self.choose.choice(FORMATS), *extra)
        self.call("status", self.tree, *self.choose.choice(SPECS))

    def render(self) -> None:
        """Render, with some options."""
        extra = self.choose.choice([(), ("--overwrite",), ("--subtitles", "ted")])
        self.call("render", self.tree, "-f", self.choose.choice(FORMATS), *extra)

    def correct(self) -> None:
        """Take corrections over."""
        files = [path for path in sorted(self.tree.iterdir()) if path.suffix in {".json", ".srt", ".vtt", ".txt"}]
        self.call("correct", self.choose.choice([self.tree, *files]))

    def touch(self) -> None:
        """A copied or changed file."""
        path = self.choose.choice(sorted(self.tree.iterdir()))
        os.utime(path)
        self.steps.append(f"touch {path.name}")

    def call(self, *arguments: str | Path) -> None:
        """Run the program. It may refuse, but not crash."""
        ran = self.transcribe(*arguments)
        self.steps.append(f"{' '.join(map(str, arguments))} -> {ran.code}")
        assert ran.code in {0, 2, 3}, (self.steps, ran.err)

    def check(self) -> None:
        """Every word is in some file."""
        everything = "\n".join(path.read_text() for path in self.tree.iterdir() if path.suffix != ".wav")
        lost = [word for word in self.written if word not in everything]
        assert lost == [], "\n".join(self.steps)


def played(tree: Path, say: Callable[..., Path], transcribe: Transcribe, seed: int, steps: int) -> None:
    say(tree / "aula.wav", "Bom dia a todos. O professor explica.")
    play = Play(tree, transcribe, seed)
    play.call("run", tree, "--model", "demo", "-f", "srt,vtt,txt")
    for _ in range(steps):
        play.step()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_corrected_word_is_lost(tmp_path: Path, say: Callable[..., Path], transcribe: Transcribe, seed: int) -> None:
    """Random sequences of edits, runs, other options, renderings and corrections taken over."""
    played(tmp_path / "in", say, transcribe, seed, STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 30))
def test_no_corrected_word_is_lost_in_longer_sequences(
    tmp_path: Path, say: Callable[..., Path], transcribe: Transcribe, seed: int
) -> None:
    """The same, longer."""
    played(tmp_path / "in", say, transcribe, seed, 4 * STEPS)
