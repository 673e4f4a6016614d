"""Formats as users ask for them: with an extra that is there or missing, to a pipe, to a terminal, elsewhere."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import docx
import pytest

from tests.conftest import Ran, command, environment
from tests.formats.documents import LESSON
from transcribe_cli.registry import FORMATS, file_extension

Transcribe = Callable[..., Ran]


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A transcript on the disk, of a recording beside it."""
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "aula.json"
    source = LESSON.source.model_copy(update={"uri": (folder / "aula.mp3").as_uri()})
    path.write_text(LESSON.model_copy(update={"source": source}).dumps())
    return path


@pytest.fixture
def without_docx(tmp_path: Path) -> dict[str, str]:
    """The environment of a program that finds no python-docx."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import sys; sys.modules['docx'] = None\n")
    return {"PYTHONPATH": str(folder)}


def test_all_formats_are_written(lesson: Path, transcribe: Transcribe) -> None:
    """Each under its own ending, and listed in the transcript."""
    ran = transcribe("render", lesson, "-f", "all")
    assert (ran.code, ran.err.count("aula.")) == (0, len(FORMATS.names())), ran.err
    assert {path.name for path in lesson.parent.iterdir()} == {f"aula.{file_extension(name)}" for name in FORMATS.names()}


def test_a_missing_extra_is_reported_before_the_run(
    tmp_path: Path, lesson: Path, transcribe: Transcribe, say: Callable[..., Path], without_docx: dict[str, str]
) -> None:
    """One line with the pip command, exit code 4, nothing written; also for `render`."""
    say(tmp_path / "new" / "aula.wav")
    for arguments in (["run", tmp_path / "new", "--model", "demo"], ["render", lesson]):
        ran = transcribe(*arguments, "-f", "srt,docx", env=without_docx)
        assert ran.code == 4
        assert "output format docx needs docx, which is not installed. Try: pip install 'transcribe-cli[docx]'" in ran.err
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["aula.wav"]
    assert not lesson.with_suffix(".srt").exists()


def test_all_leaves_out_what_is_not_installed(lesson: Path, transcribe: Transcribe, without_docx: dict[str, str]) -> None:
    """An optional format does not break `all`."""
    assert transcribe("render", lesson, "-f", "all", env=without_docx).code == 0
    assert lesson.with_suffix(".html").exists()
    assert not lesson.with_suffix(".docx").exists()


def test_binary_formats_can_be_piped_but_not_printed_to_a_terminal(lesson: Path) -> None:
    """The same bytes as in a file."""
    arguments = command(["render", lesson, "-f", "docx", "-o", "-"])
    piped = subprocess.run(arguments, env=environment(), capture_output=True, check=True).stdout
    assert docx.Document(io.BytesIO(piped)).paragraphs[0].text == "aula.mp3"
    ours, theirs = os.openpty()
    shown = subprocess.run(arguments, env=environment(), stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    os.close(ours)
    assert shown.returncode == 2
    assert b"docx cannot be printed to a terminal. Redirect the output" in shown.stderr


def test_a_page_in_another_folder_links_to_its_recording(tmp_path: Path, lesson: Path, transcribe: Transcribe) -> None:
    """With a relative link, so that both trees can be moved together."""
    (tmp_path / "out").mkdir()
    assert transcribe("render", "in", "-f", "html", "-o", "out").code == 0
    assert '<source src="../in/aula.mp3">' in (tmp_path / "out" / "aula.html").read_text()
    assert transcribe("render", lesson, "-f", "html").code == 0
    assert '<source src="aula.mp3">' in lesson.with_suffix(".html").read_text()
