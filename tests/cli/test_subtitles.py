"""Subtitle options: standards, whisper's flags, rendering a tree again, and `transcribe lint`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import srt

from tests.conftest import Ran, command, environment, spoken

Transcribe = Callable[..., Ran]
SAID = (
    "Bom dia a todos. Vamos começar a aula. O professor apresenta a lição de hoje, e a turma estuda a equação do segundo grau. "
    "A aluna comenta a pergunta vinte e dois com calma."
)


@pytest.fixture(scope="module")
def transcribed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transcribed recording; tests use copies of its folder."""
    folder = tmp_path_factory.mktemp("subtitles") / "aulas"
    folder.mkdir()
    (folder / "aula.wav").write_bytes(spoken(SAID))
    subprocess.run(
        command(["run", folder, "--model", "demo", "-f", "srt,vtt,txt"]), env=environment(), check=True, capture_output=True
    )
    return folder


@pytest.fixture
def tree(transcribed: Path, tmp_path: Path) -> Path:
    """A copy with the same file times."""
    return Path(shutil.copytree(transcribed, tmp_path / "aulas"))


def shown(tree: Path, transcribe: Transcribe, *options: str, form: str = "srt") -> str:
    """What `render` prints."""
    ran = transcribe("render", tree / "aula.json", "-f", form, "-o", "-", *options)
    assert ran.code == 0, ran.err
    return ran.out


def lines(text: str) -> list[str]:
    """Of all cues."""
    return [line for cue in srt.parse(text) for line in cue.content.split("\n")]


def test_a_standard_decides_how_long_lines_are(tree: Path, transcribe: Transcribe) -> None:
    """And single numbers of it can be changed."""
    assert max(map(len, lines(shown(tree, transcribe)))) <= 42
    assert max(map(len, lines(shown(tree, transcribe, "--subtitles", "bbc")))) <= 37
    assert max(map(len, lines(shown(tree, transcribe, "--subtitles", "bbc,max_chars=20")))) <= 20
    plain = json.loads((tree / "aula.json").read_text())["segments"]
    assert lines(shown(tree, transcribe, "--subtitles", "plain")) == [segment["text"].strip() for segment in plain]


def test_whispers_flags_mean_what_they_do_there(tree: Path, transcribe: Transcribe) -> None:
    """With hyphens or underscores; they take precedence over the standard."""
    narrow = shown(tree, transcribe, "--max-line-width", "20", "--max-line-count", "1")
    assert max(map(len, lines(narrow))) <= 20
    assert [cue.content.count("\n") for cue in srt.parse(narrow)] == [0] * len(lines(narrow))
    assert shown(tree, transcribe, "--max_line_width=20", "--max_line_count=1") == narrow
    few = shown(tree, transcribe, "--max-words-per-line", "3")
    assert max(len(cue.content.split()) for cue in srt.parse(few)) == 3
    underlined = shown(tree, transcribe, "--highlight-words")
    assert underlined.count("<u>") == underlined.count("</u>") >= len(SAID.split()) / 2
    assert shown(tree, transcribe, "--highlight_words", "True") == underlined
    sung = shown(tree, transcribe, "--karaoke", form="vtt")
    assert sung.count("<00:00:0") > 10


def test_a_tree_is_rendered_again_under_another_standard(tree: Path, transcribe: Transcribe) -> None:
    """By `render` at once; by `run` when the configuration says so; no model is loaded, and no other file is touched."""
    others = {path: path.stat().st_mtime_ns for path in (tree / "aula.txt", tree / "aula.wav")}
    before = (tree / "aula.srt").read_text()
    ran = transcribe("render", tree, "-f", "srt", "--subtitles", "bbc")
    assert (ran.code, ran.err) == (0, "rendered  aula.srt\n")
    assert (tree / "aula.srt").read_text() == shown(tree, transcribe, "--subtitles", "bbc") != before
    (tree / "transcribe.toml").write_text("[subtitles]\nstandard = 'ted'\nmax_chars = 30\n")
    planned = transcribe("plan", tree, "--model", "demo", "-f", "srt,vtt,txt")
    assert "subtitles changed: bbc -> ted" in planned.out
    ran = transcribe("run", tree, "--model", "demo", "-f", "srt,vtt,txt", env={"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"})
    assert ran.code == 0
    assert "rendered" in ran.err
    assert max(map(len, lines((tree / "aula.srt").read_text()))) <= 30
    assert transcribe("lint", tree).code == 0
    assert {path: path.stat().st_mtime_ns for path in others} == others
    assert "done" in transcribe("plan", tree, "--model", "demo", "-f", "srt,vtt,txt").out


def test_edited_subtitles_are_not_rendered_again(tree: Path, transcribe: Transcribe) -> None:
    """The user corrected them: `run` does not touch them, `render` reports them."""
    (tree / "aula.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\nCorrigido.\n\n")
    ran = transcribe("run", tree, "--model", "demo", "-f", "srt,vtt", "--subtitles", "ted")
    assert ran.code == 0
    assert "Corrigido" in (tree / "aula.srt").read_text()
    ran = transcribe("render", tree, "-f", "srt", "--subtitles", "ted")
    assert ran.code == 3
    assert "was edited since" in ran.err
    assert "Corrigido" in (tree / "aula.srt").read_text()


def test_ffmpeg_reads_every_kind(tree: Path, transcribe: Transcribe) -> None:
    """Without a warning, and with the same number of cues."""
    for form, options in [("srt", ("--highlight-words",)), ("vtt", ("--karaoke",)), ("vtt", ("--highlight-words",))]:
        text = shown(tree, transcribe, *options, form=form)
        done = subprocess.run(
            ["ffmpeg", "-v", "warning", "-f", {"vtt": "webvtt"}.get(form, form), "-i", "-", "-f", "srt", "-"],
            input=text, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr == ""
        assert len(list(srt.parse(done.stdout))) == text.count("-->")


def test_an_unknown_standard_is_reported(tree: Path, transcribe: Transcribe) -> None:
    """In one line, with the known ones."""
    ran = transcribe("render", tree, "--subtitles", "nextflix")
    assert ran.code == 2
    assert ran.err == (
        "transcribe: --subtitles cannot be \"nextflix\": unknown standard 'nextflix'; choose from netflix, bbc, ted, plain.\n"
    )


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Subtitles of another tool, with a violation in each cue but the first."""
    path = tmp_path / "film.en.srt"
    path.write_text(
        "1\n00:00:01,000 --> 00:00:03,000\n<i>Good morning, everyone.</i>\n\n"
        "2\n00:00:03,000 --> 00:00:05,000\n{\\an8}Any questions?\n\n"
        f"3\n00:00:06,000 --> 00:00:12,000\n{'long ' * 9}\n\n"
        "4\n00:01:00,000 --> 00:01:01,000\nthis is far more than one can read\n\n",
        encoding="utf-8-sig",
    )
    return path


def test_lint_lists_each_violation_and_exits_with_3(film: Path, transcribe: Transcribe) -> None:
    """A line each: file and cue, time, rule, actual and allowed value; then the total."""
    ran = transcribe("lint", film)
    assert (ran.code, ran.err) == (3, "")
    assert ran.out.replace(f"{film.parent}/", "").splitlines() == [
        "film.en.srt:2  00:00:03.000  gap: 0.000 s after the previous cue, at least 0.083 s",
        "film.en.srt:3  00:00:06.000  line-length: 44 characters, at most 42",
        "film.en.srt:4  00:01:00.000  speed: 34.0 characters per second, at most 20",
        "3 violations of netflix (gap 1, line-length 1, speed 1) in 4 cues of 1 file.",
    ]
    assert transcribe("lint", film, "-q").out.startswith("3 violations")
    assert transcribe("lint", film, "--language", "pt", "--subtitles", "netflix,min_gap=0,max_chars=44").out.count("speed:") == 1
    clean = transcribe("lint", film, "--subtitles", "plain")
    assert (clean.code, clean.out) == (0, "0 violations of plain in 4 cues of 1 file.\n")


def test_lint_has_a_document_for_programs(film: Path, transcribe: Transcribe) -> None:
    """With numbers as numbers."""
    ran = transcribe("lint", film, "--json")
    assert ran.code == 3
    document = json.loads(ran.out)
    assert (document["standard"], document["violations"]) == ("netflix", 3)
    [file] = document["files"]
    assert (file["path"], file["language"], file["cues"]) == (str(film), "en", 4)
    assert file["violations"][1] == {
        "cue": 3, "start": 6.0, "rule": "line-length", "found": 44, "allowed": 42, "text": "44 characters, at most 42",
    }  # fmt: skip


def test_lint_knows_the_language_of_our_own(tree: Path, transcribe: Transcribe) -> None:
    """From the transcript next to them; output of this tool conforms to its standard."""
    ran = transcribe("lint", "--json", cwd=tree)
    assert ran.code == 0
    assert [(file["path"], file["language"]) for file in json.loads(ran.out)["files"]] == [("aula.srt", "pt"), ("aula.vtt", "pt")]


def test_lint_reports_what_it_cannot_check(tmp_path: Path, film: Path, transcribe: Transcribe) -> None:
    """A usage error ends it; a bad file does not, and the others are checked."""
    assert transcribe("lint", tmp_path / "nothing.srt").code == 2
    assert transcribe("lint", Path(__file__)).code == 2
    (tmp_path / "empty").mkdir()
    assert "No subtitles found." in transcribe("lint", tmp_path / "empty").err
    assert "unknown language 'klingon'" in transcribe("lint", film, "--language", "klingon").err
    (tmp_path / "bad.vtt").write_text("1\n00:00 --> 00:01\n")
    (tmp_path / "latin.srt").write_bytes("1\n00:00:01,000 --> 00:00:03,000\nlição\n".encode("latin-1"))
    ran = transcribe("lint", tmp_path)
    assert ran.code == 3
    assert "3 violations" in ran.out
    assert ran.err.count("FAILED") == 2
    assert "is not WebVTT" in ran.err
    assert "iconv" in ran.err
