"""`transcribe run`: what it writes, when it does nothing, and what its options change."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran, spoken
from tests.fork_server import command_runner

Transcribe = Callable[..., Ran]


@pytest.fixture(scope="module")
def transcribed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transcribed tree; tests use copies of it."""
    folder = tmp_path_factory.mktemp("tree") / "aulas"
    (folder / "sub").mkdir(parents=True)
    (folder / "aula.wav").write_bytes(spoken())
    (folder / "sub" / "talk.wav").write_bytes(spoken("Good morning, everyone. Any questions?", "en-us+f2"))

    assert command_runner(folder)("run", folder, "--model", "demo").code == 0
    return folder


@pytest.fixture
def tree(transcribed: Path, tmp_path: Path) -> Path:
    """A copy of the transcribed tree with the same file times."""
    return Path(shutil.copytree(transcribed, tmp_path / "aulas"))


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of every file."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_gets_json_srt_and_vtt_next_to_each_recording(tree: Path) -> None:
    """And nothing else."""
    names = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    expected = {f"{stem}.{ending}" for stem in ("aula", "sub/talk") for ending in ("wav", "json", "srt", "vtt")}
    assert names == expected
    assert "aula" in (tree / "aula.srt").read_text()
    assert json.loads((tree / "sub" / "talk.json").read_text())["language"] == "en"


def test_the_same_command_again_touches_nothing_and_loads_no_model(tree: Path, transcribe: Transcribe) -> None:
    """Not even when the model could not be loaded."""
    before = state(tree)
    ran = transcribe("run", tree, "--model", "demo", "--log-format", "json")
    events = [json.loads(line)["event"] for line in ran.err.splitlines()]
    assert ran.code == 0
    assert "model_loaded" not in events
    assert state(tree) == before


def test_a_run_with_nothing_to_do_removes_leftovers_of_a_crash(
    tree: Path, transcribe: Transcribe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed after its last recording left its scratch files to the next one."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    left = tmp_path / "transcribe-1-crashed0.s16"
    left.write_bytes(bytes(4))
    os.utime(left, (0, 0))
    assert transcribe("run", tree, "--model", "demo").code == 0
    assert not left.exists()


def test_only_a_deleted_file_is_written_again(tree: Path, transcribe: Transcribe) -> None:
    """Rendered from the JSON, which is not touched."""
    before = state(tree)
    (tree / "aula.srt").unlink()
    ran = transcribe("run", tree, "--model", "demo")
    assert ran.code == 0
    after = state(tree)
    assert {name for name in before if before[name] != after[name]} == {"aula.srt"}
    assert after["aula.srt"][1] == before["aula.srt"][1]
    assert "rendered" in ran.err
    assert "Model" not in ran.err


def test_another_format_is_rendered_without_a_model(tree: Path, transcribe: Transcribe) -> None:
    """`--output-format` with a list, repeated, and all."""
    assert transcribe("run", tree, "--model", "demo", "--output-format", "txt,tsv").code == 0
    assert (tree / "aula.txt").read_text().startswith("Bom dia")
    assert (tree / "aula.tsv").read_text().startswith("start\tend\ttext\n")
    assert "Model" not in transcribe("run", tree, "--model", "demo", "-f", "srt", "-f", "all").err


def test_a_changed_spec_is_transcribed_again_with_the_reason(tree: Path, transcribe: Transcribe) -> None:
    """`plan` names what changed; `run` replaces the files."""
    before = state(tree)
    plan = transcribe("plan", tree, "--model", "demo", "--beam-size", "1")
    assert "beam_size" in plan.out
    assert transcribe("run", tree, "--model", "demo", "--beam-size", "1").code == 0
    assert json.loads((tree / "aula.json").read_text())["job"]["spec"]["beam_size"] == 1
    assert state(tree)["aula.json"] != before["aula.json"]


def test_a_changed_recording_is_transcribed_again(tree: Path, transcribe: Transcribe) -> None:
    """Only that one."""
    (tree / "aula.wav").write_bytes(spoken("Até a próxima aula.", "pt-br+m3"))
    before = state(tree)
    assert transcribe("run", tree, "--model", "demo").code == 0
    assert "próxima" in (tree / "aula.srt").read_text()
    assert state(tree)["sub/talk.json"] == before["sub/talk.json"]


def test_overwrite_does_everything_again(tree: Path, transcribe: Transcribe) -> None:
    """Also files of other tools."""
    (tree / "aula.txt").write_text("official subtitles")
    refused = transcribe("run", tree, "--model", "demo", "-f", "txt")
    assert refused.code == 3
    assert (tree / "aula.txt").read_text() == "official subtitles"
    assert transcribe("run", tree, "--model", "demo", "-f", "txt", "--overwrite").code == 0
    assert "Bom dia" in (tree / "aula.txt").read_text()


def test_an_output_folder_mirrors_the_tree(tree: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """The folder of the recordings is not changed."""
    before = state(tree)
    assert transcribe("run", tree, "--model", "demo", "--output-dir", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "sub" / "talk.vtt").read_text().startswith("WEBVTT")
    assert state(tree) == before
    assert "2 done already" in transcribe("run", tree, "--model", "demo", "-o", tmp_path / "out").err


def test_include_and_exclude_choose_recordings(tree: Path, transcribe: Transcribe) -> None:
    """By globs on name or path."""
    assert "1 recording:" in transcribe("run", tree, "--model", "demo", "--include", "aula*").err
    assert "1 recording:" in transcribe("run", tree, "--model", "demo", "--exclude", "sub/**").err


def test_sources_may_be_given_in_every_form(tree: Path, transcribe: Transcribe) -> None:
    """Each recording once, also when several sources contain it: folder, file, glob, list, manifest, standard input."""
    (tree / "list.txt").write_text(f"# lectures\n{tree / 'aula.wav'}\n")
    (tree / "list.jsonl").write_text('{"uri": "sub/talk.wav"}\n')
    sources = (tree, tree / "aula.wav", f"{tree}/**/*.wav", f"@{tree / 'list.txt'}", tree / "list.jsonl", "-")
    ran = transcribe("run", *sources, "--model", "demo", stdin=b"aula.wav\0", cwd=tree)
    assert ran.code == 0
    assert "2 recordings: " in ran.err


def test_a_longer_recording_than_allowed_fails(tree: Path, transcribe: Transcribe) -> None:
    """It could fill the disk."""
    ran = transcribe("run", tree, "--model", "demo", "--overwrite", "--max-duration", "0.0014", "--include", "aula*")
    assert ran.code == 3
    assert "--max-duration" in ran.err


def test_fail_fast_stops_at_the_first_failure(tmp_path: Path, transcribe: Transcribe, say: Callable[..., Path]) -> None:
    """The others are not started, and the summary says so."""
    folder = tmp_path / "aulas"
    say(folder / "b.wav")
    (folder / "a.mp3").write_text("hello")
    ran = transcribe("run", folder, "--model", "demo", "--fail-fast")
    assert ran.code == 3
    assert "1 not tried" in ran.err
    assert not (folder / "b.json").exists()


def test_quiet_prints_nothing_without_failures(tree: Path, transcribe: Transcribe) -> None:
    """For cron."""
    ran = transcribe("run", tree, "--model", "demo", "--overwrite", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_events_are_json_lines(tree: Path, transcribe: Transcribe) -> None:
    """From the plan to the summary, which `--json` also writes to standard output."""
    ran = transcribe("run", tree, "--model", "demo", "--overwrite", "--log-format", "json", "--json")
    events = [json.loads(line) for line in ran.err.splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "run_started"
    assert names[-1] == "run_finished"
    assert names.count("recording_done") == 2
    summary = json.loads(ran.out)
    assert summary == {key: value for key, value in events[-1].items() if key != "time"}
    assert summary["transcribed"] == 2


def test_spellings_of_whisper_and_whisperx_are_understood(tree: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """Underscores, and booleans with a word."""
    ran = transcribe(
        "run", tree, "--model", "demo", "--output_dir", tmp_path / "out", "--output_format", "srt", "--word_timestamps", "False",
        "--vad_filter=True", "--beam_size", "2", "--compute_type", "int8", "--logprob_threshold", "-1.5",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    document = json.loads((tmp_path / "out" / "aula.json").read_text())
    assert document["job"]["spec"]["log_prob_threshold"] == -1.5
    assert "words" not in document["segments"][0]


def test_an_unsupported_flag_of_whisper_says_what_to_do(tree: Path, transcribe: Transcribe) -> None:
    """It is not ignored."""
    ran = transcribe("run", tree, "--fp16", "False")
    assert ran.code == 2
    assert "--compute-type" in ran.err


def test_an_unavailable_model_ends_the_run_before_it_starts(tree: Path, transcribe: Transcribe) -> None:
    """Exit code 4 within seconds, one line with both solutions; the demonstration model is none."""
    ran = transcribe("run", tree, "--model", "tiny", env={"HF_HOME": str(tree / "nothing")})
    assert ran.code == 4
    assert "transcribe models pull tiny" in ran.err
    assert "--model FOLDER" in ran.err
    assert "--model demo" not in ran.err


def test_a_missing_gpu_is_reported_before_the_run(tree: Path, transcribe: Transcribe) -> None:
    """`--device cuda` on a machine without one."""
    ran = transcribe("run", tree, "--model", "demo", "--overwrite", "--device", "cuda", env={"CUDA_VISIBLE_DEVICES": ""})
    assert ran.code == 4
    assert "--device cpu" in ran.err


def test_a_clash_of_names_keeps_the_extensions(tmp_path: Path, transcribe: Transcribe, say: Callable[..., Path]) -> None:
    """Files such as `aula.wav` and `aula.mp3` never overwrite each other's outputs."""
    say(tmp_path / "in" / "aula.wav")
    shutil.copy(tmp_path / "in" / "aula.wav", tmp_path / "in" / "aula.mp3")
    assert transcribe("run", tmp_path / "in", "--model", "demo", "-f", "srt").code == 0
    names = {path.name for path in (tmp_path / "in").iterdir()}
    assert {"aula.wav.srt", "aula.mp3.srt", "aula.wav.json", "aula.mp3.json"} <= names
    assert "aula.srt" not in names
