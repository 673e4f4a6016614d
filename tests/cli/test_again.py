"""What happens when a tree is run again (docs/again.md), with the demo model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.recordings import state
from tests.conftest import Ran, spoken
from tests.fork_server import command_runner

Transcribe = Callable[..., Ran]
NAMES = ("aula", "talk")


@pytest.fixture(scope="module")
def transcribed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that was run with a model and another option; tests use copies of it."""
    folder = tmp_path_factory.mktemp("tree") / "aulas"
    folder.mkdir()
    (folder / "aula.wav").write_bytes(spoken("Bom dia a todos.", "pt-br+m3"))
    (folder / "talk.wav").write_bytes(spoken("Good morning, everyone.", "en-us+f2"))
    ran = command_runner(folder)("run", folder, "--model", "demo", "--beam-size", "1", "-f", "srt,txt,tsv")
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture
def tree(transcribed: Path, tmp_path: Path) -> Path:
    """A copy with the same file times."""
    return Path(shutil.copytree(transcribed, tmp_path / "aulas"))


def made_at(tree: Path) -> list[int]:
    """When the transcripts were written."""
    return [(tree / f"{name}.json").stat().st_mtime_ns for name in NAMES]


def test_forgotten_options_do_nothing(tree: Path, transcribe: Transcribe) -> None:
    """Neither the model nor the beams were typed again. `plan` and `status` say how the transcripts were made."""
    status = transcribe("status", tree)
    assert status.code == 0
    assert "2 of these  (demo, beam size 1)" in status.out
    assert transcribe("status", tree, "-f", "vtt").code == 3
    ran = transcribe("run", tree)
    assert ran.code == 0
    assert "2 to render" in ran.err  # the VTT is among the default formats
    assert transcribe("plan", tree).out.count("done (demo, beam size 1)") == 2
    record = json.loads(transcribe("status", tree, "--json").out)["recordings"][0]
    assert (record["state"], record["reason"]) == ("done", "(demo, beam size 1)")


def test_an_option_that_has_no_effect_does_nothing(tree: Path, transcribe: Transcribe) -> None:
    """The vote said the same language, and the words have times."""
    before = made_at(tree)
    voted = {name: json.loads((tree / f"{name}.json").read_text())["language"] for name in NAMES}
    for name, language in voted.items():
        assert transcribe("run", tree / f"{name}.wav", "-l", language, "--word-timestamps", "-f", "srt").code == 0
    assert made_at(tree) == before


@pytest.mark.parametrize("place", ["flag", "file"])
def test_what_is_set_and_differs_is_done_again_and_said_first(tree: Path, transcribe: Transcribe, place: str) -> None:
    """Wherever it is set. `--keep` leaves the transcripts. Afterwards, everything is done."""
    options = ["--model", "demo"]
    if place == "flag":
        options += ["--beam-size", "2"]
    else:
        (tree / "transcribe.toml").write_text("beam_size = 2\n")
    before = made_at(tree)
    assert transcribe("plan", tree, *options).out.count("outdated: beam_size 1 -> 2") == 2
    assert "outdated: beam_size 1 -> 2" in transcribe("status", tree, *options).out
    assert transcribe("run", tree, *options, "--keep").code == 0
    assert made_at(tree) == before
    ran = transcribe("run", tree, *options)
    lines = ran.err.splitlines()
    said = lines.index("2 have transcripts of beam_size 1; they are done again with beam_size 2. --keep leaves them.")
    assert said < min(number for number, line in enumerate(lines) if line.startswith("done "))
    assert ran.code == 0
    assert "2 done already" in transcribe("run", tree, *options).err


def test_all_formats_other_options_and_all_formats_again(tree: Path, transcribe: Transcribe) -> None:
    """Formats that one run does not request are not left from the old transcript; they were in the way of the third run."""
    (tree / "aula.txt").unlink()
    assert transcribe("run", tree, "--model", "demo", "--beam-size", "2", "-f", "srt").code == 0
    ran = transcribe("run", tree, "--model", "demo", "--beam-size", "2", "-f", "srt,txt,tsv")
    assert ran.code == 0, ran.err
    assert (tree / "aula.txt").read_text()
    assert "2 done already" in transcribe("run", tree, "-f", "srt,txt,tsv").err


def test_update_also_does_what_differs_by_defaults(tree: Path, transcribe: Transcribe) -> None:
    """And what another version of the tool made. Once."""
    assert transcribe("plan", tree, "--model", "demo", "--update").out.count("outdated: beam_size 1 -> 5") == 2
    ran = transcribe("run", tree, "--model", "demo", "--update")
    assert ran.code == 0, ran.err
    assert "2 done already" in transcribe("run", tree, "--model", "demo", "--update").err
    path = tree / "aula.json"
    path.write_text(path.read_text().replace('"tool": "transcribe-cli ', '"tool": "transcribe-cli 0.'))
    assert "2 done already" in transcribe("run", tree, "--model", "demo").err
    assert "outdated: version 0." in transcribe("plan", tree, "--model", "demo", "--update").out


def test_keep_and_update_exclude_each_other(tree: Path, transcribe: Transcribe) -> None:
    """One line says so."""
    ran = transcribe("run", tree, "--keep", "--update")
    assert ran.code == 2
    assert "keep leaves transcripts as they are" in ran.err


def test_speakers_are_added_to_a_text_of_another_model(tree: Path, transcribe: Transcribe) -> None:
    """The transcript still says how its text was made."""
    path = tree / "aula.json"
    (tree / "aula.wav.rttm").write_text("SPEAKER aula 1 0.000 5.000 <NA> <NA> ana <NA> <NA>\n")
    assert transcribe("plan", path.with_suffix(".wav"), "--diarize", "--diarize-model", "rttm").out.startswith("diarize ")
    ran = transcribe("run", path.with_suffix(".wav"), "--diarize", "--diarize-model", "rttm")
    assert ran.code == 0, ran.err
    spec = json.loads(path.read_text())["job"]["spec"]
    assert (spec["model"], spec["beam_size"], spec["diarize"]) == ("demo", 1, True)
    assert "1 done already" in transcribe("run", path.with_suffix(".wav"), "--diarize", "--diarize-model", "rttm").err


def test_a_copied_tree_is_done(tree: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """All files have new times. A recording that was renamed together with its outputs is done, too."""
    assert json.loads((tree / "aula.json").read_text())["source"]["digest"].startswith("sha256:")
    copy = Path(shutil.copytree(tree, tmp_path / "copy", copy_function=shutil.copyfile))
    for path in copy.glob("talk.*"):
        path.rename(path.with_stem("lesson"))
    ran = transcribe("run", copy, "-f", "srt,txt,tsv")
    assert "2 done already" in ran.err
    (copy / "aula.wav").write_bytes(spoken("Bom dia a todas.", "pt-br+m3"))
    ran = transcribe("run", copy, "--model", "demo", "-f", "srt,txt,tsv")
    assert ran.code == 0, ran.err
    assert "1 recording has changed and is done again." in ran.err


def test_a_renamed_recording_gets_other_formats_and_a_new_transcript(tree: Path, transcribe: Transcribe) -> None:
    """Its outputs were renamed, too, and are still those of this tool."""
    for path in tree.glob("talk.*"):
        path.rename(path.with_stem("lesson"))
    recording = tree / "lesson.wav"
    assert "1 rendered" in transcribe("run", recording, "-f", "vtt").err
    assert "1 rendered" in transcribe("run", recording, "-f", "srt,vtt", "--subtitles", "bbc").err
    assert "1 done already" in transcribe("run", recording, "-f", "srt,vtt,txt", "--subtitles", "bbc").err
    ran = transcribe("run", recording, "--model", "demo", "--beam-size", "2", "-f", "srt,vtt,txt")
    assert ran.code == 0, ran.err
    document = json.loads((tree / "lesson.json").read_text())
    assert document["source"]["name"] == "lesson.wav"
    assert {"lesson.srt", "lesson.vtt", "lesson.txt", "lesson.tsv"} == set(document["outputs"])


def test_transcripts_beside_the_recordings_are_rendered_to_another_folder(
    tree: Path, transcribe: Transcribe, tmp_path: Path
) -> None:
    """Without recognition, unless another option is set. The transcripts beside the recordings are not changed."""
    before, out = state(tree), tmp_path / "out"
    arguments = (tree, "-f", "srt,txt", "--output-dir", out)
    assert transcribe("plan", *arguments).out.count("from the transcript beside the recording") == 2
    assert not out.exists()
    ran = transcribe("run", *arguments)
    assert ran.code == 0, ran.err
    assert "2 rendered." in ran.err
    assert "2 done already" in transcribe("run", *arguments).err
    assert {path.name for path in out.iterdir()} == {f"{name}.{suffix}" for name in NAMES for suffix in ("json", "srt", "txt")}
    assert set(json.loads((out / "aula.json").read_text())["outputs"]) == {"aula.srt", "aula.txt"}
    assert state(tree) == before
    other = ("--model", "demo", "--beam-size", "2", "-o", tmp_path / "other")
    assert transcribe("plan", tree, *other).out.count("transcribe ") == 2
    assert transcribe("plan", tree, "--overwrite", "-o", tmp_path / "other").out.count("overwrite") == 2


def test_a_foreign_transcript_beside_a_recording_is_not_taken(tree: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """Its digest is of another recording."""
    shutil.copy(tree / "talk.json", tree / "aula.json")
    planned = transcribe("plan", tree, "-o", tmp_path / "out").out
    assert [line.split()[0] for line in planned.splitlines()[:2]] == ["transcribe", "render"]
