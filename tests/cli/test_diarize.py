"""`transcribe run --diarize`: speakers in every format, and what is repeated when something changes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recordings import state, unfinished
from tests.conftest import EXAMPLES, Ran, command, environment
from tests.fork_server import command_runner
from tests.speakers.diarizers.fake_hub import GOOD_TOKEN, FakeHub
from tests.speakers.diarizers.recording_proxy import Proxy
from transcribe_cli.speakers.diarizers.loading import TELEMETRY_VARIABLE
from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER
from transcribe_cli.spec import DEFAULT_DIARIZER

Transcribe = Callable[..., Ran]
PLAIN = ("--model", "demo")
DIARIZED = (*PLAIN, "--diarize", "--diarize-model", "demo")
EVENTS = ("--log-format", "json")
THREE = ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]
# As examples/references/hearing.txt has them.
JUDGE, LAWYER, WITNESS = "juiz explica", "não concordo", "projeto de lei"


@pytest.fixture
def transcribe(tmp_path: Path) -> Transcribe:
    """The program, in a process with PyTorch imported."""
    return command_runner(tmp_path, pytorch=True)


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Ran, Proxy]]:
    """The example of three voices, in all formats: its folder, the result of the run, and a proxy that saw its requests."""
    folder = tmp_path_factory.mktemp("hearing") / "in"
    folder.mkdir()
    shutil.copy(EXAMPLES / "hearing.wav", folder)
    with Proxy() as proxy:
        arguments = command(["run", folder / "hearing.wav", *DIARIZED, "-f", "all", *EVENTS, "--json"])
        # This tool never sends metrics, even if the variable enables them.
        variables = proxy.variables | {TELEMETRY_VARIABLE: "1"}
        ran = subprocess.run(arguments, env=environment(variables), capture_output=True, text=True)
        yield folder, Ran(ran.returncode, ran.stdout, ran.stderr), proxy


@pytest.fixture
def folder(hearing: tuple[Path, Ran, Proxy], tmp_path: Path) -> Path:
    """A copy of the folder with the same file times."""
    return Path(shutil.copytree(hearing[0], tmp_path / "in"))


@pytest.fixture(scope="module")
def text_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, transcribed without --diarize."""
    folder = tmp_path_factory.mktemp("plain") / "in"
    folder.mkdir()
    shutil.copy(EXAMPLES / "hearing.wav", folder)
    assert command_runner(folder)("run", folder, *PLAIN, "-f", "json,txt").code == 0
    return folder


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """A local hub that has the demo diarizer under the official names."""
    with FakeHub() as fake:
        yield fake


def document(folder: Path) -> Any:
    """The transcript of the example."""
    return json.loads((folder / "hearing.json").read_text(encoding="utf-8"))


def events(said: str) -> list[Any]:
    """Events of a run."""
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def names(said: str) -> list[str]:
    """Names of these events."""
    return [event["event"] for event in events(said)]


def speaker_of(document: Any, text: str) -> str:
    """The speaker of the segment with this text."""
    [speaker] = {segment["speaker"] for segment in document["segments"] if text in segment["text"]}
    return str(speaker)


def spoken_words(document: Any) -> list[tuple[str, float, float]]:
    """The words with their times, without speakers."""
    return [(word["word"], word["start"], word["end"]) for segment in document["segments"] for word in segment["words"]]


def test_every_format_has_the_speakers(hearing: tuple[Path, Ran, Proxy]) -> None:
    folder, ran, _ = hearing
    assert ran.code == 0, ran.err
    found = document(folder)
    assert found["speakers"] == THREE
    assert {turn["speaker"] for turn in found["turns"]} == set(THREE)
    voices = [speaker_of(found, text) for text in (JUDGE, LAWYER, WITNESS)]
    assert voices == THREE
    assert all(word["speaker"] == segment["speaker"] for segment in found["segments"] for word in segment["words"])
    assert found["flags"] == []
    assert found["timing"]["diarization"] > 0
    assert "SPEAKER_01: Eu não concordo." in (folder / "hearing.srt").read_text()
    assert "<v SPEAKER_01>Eu não concordo." in (folder / "hearing.vtt").read_text()
    assert "\n\nSPEAKER_01: Eu não concordo.\n\n" in (folder / "hearing.txt").read_text()
    assert (folder / "hearing.tsv").read_text().startswith("start\tend\ttext\tspeaker\n")
    rttm = (folder / "hearing.rttm").read_text().splitlines()
    assert [line.split()[7] for line in rttm] == [turn["speaker"] for turn in found["turns"]]


def test_the_speakers_match_the_reference(hearing: tuple[Path, Ran, Proxy], transcribe: Transcribe) -> None:
    """Measured with `transcribe score`."""
    ran = transcribe("score", EXAMPLES.parent / "references" / "hearing.rttm", hearing[0] / "hearing.rttm", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["totals"]["der"]["rate"] < 0.1


def test_no_metrics_are_sent_and_standard_output_is_one_document(hearing: tuple[Path, Ran, Proxy]) -> None:
    """The libraries print, warn and send metrics by default."""
    _, ran, proxy = hearing
    assert proxy.requests == []
    assert json.loads(ran.out)["transcribed"] == 1
    assert len(ran.out.splitlines()) == 1
    assert len(events(ran.err)) == len(ran.err.splitlines())


def test_events_report_the_diarization(hearing: tuple[Path, Ran, Proxy]) -> None:
    told = events(hearing[1].err)
    kinds = [event["event"] for event in told]
    [loaded] = [event for event in told if event["event"] == "diarizer_loaded"]
    assert (loaded["model"], loaded["device"]) == ("demo", "cpu")
    shares = [event["share"] for event in told if event["event"] == "speakers_progress"]
    assert shares == sorted(shares)
    assert kinds.index("diarizer_loaded") < kinds.index("speakers_progress") < kinds.index("recording_done")
    [started] = [event for event in told if event["event"] == "recording_started"]
    [done] = [event for event in told if event["event"] == "recording_done"]
    assert (started["text"], started["speakers"], done["speakers"], done["diarized"]) == (True, True, 3, False)


def test_the_same_command_again_does_nothing(folder: Path, transcribe: Transcribe) -> None:
    """The same without --diarize does nothing either: a transcript with speakers is kept."""
    before = state(folder)
    for options in (DIARIZED, PLAIN):
        ran = transcribe("run", folder, *options, "-f", "all")
        assert ran.code == 0
        assert "1 done already" in ran.err
        assert state(folder) == before


def test_a_transcript_without_speakers_gets_them_and_keeps_its_text(
    text_only: Path, tmp_path: Path, transcribe: Transcribe
) -> None:
    """Recognition is not repeated; options for number and names of speakers apply; `plan` announces it."""
    folder = Path(shutil.copytree(text_only, tmp_path / "in"))
    before = document(folder)
    assert "speaker" not in before["segments"][0]
    (folder / "speakers.toml").write_text('SPEAKER_00 = "Juíza"\nSPEAKER_01 = "Somebody"\n')
    (folder / "hearing.speakers.toml").write_text('SPEAKER_01 = "Dr. Rui"\n')
    options = (*DIARIZED, "--num-speakers", "2", "-f", "json,txt,srt")
    plan = transcribe("plan", folder, *options)
    assert "diarize     hearing.wav" in plan.out
    assert "speakers missing" in plan.out
    assert "1 to diarize" in plan.out

    ran = transcribe("run", folder, *options, "--speaker-names", "SPEAKER_00=Ana", *EVENTS)
    assert ran.code == 0, ran.err
    assert "model_loaded" not in names(ran.err)
    assert "recording_progress" not in names(ran.err)
    assert events(ran.err)[-1]["diarized"] == 1
    after = document(folder)
    assert after["speakers"] == THREE[:2]
    assert after["speaker_names"] == {"SPEAKER_00": "Ana", "SPEAKER_01": "Dr. Rui"}
    assert (after["text"], spoken_words(after)) == (before["text"], spoken_words(before))
    assert {segment["speaker"] for segment in after["segments"]} == set(THREE[:2])
    assert "\n\nDr. Rui: " in (folder / "hearing.txt").read_text()
    assert "Ana: A audiência está aberta." in (folder / "hearing.srt").read_text()


def test_names_can_be_given_later_without_recognition(folder: Path, transcribe: Transcribe) -> None:
    """They are stored, and a later run keeps them."""
    ran = transcribe("render", folder, "--speaker-names", "SPEAKER_00=Ana,SPEAKER_01=Rui", "-f", "srt,vtt,txt,rttm")
    assert ran.code == 0, ran.err
    assert "<v Rui>Eu não concordo." in (folder / "hearing.vtt").read_text()
    assert "\n\nRui: Eu não concordo.\n\n" in (folder / "hearing.txt").read_text()
    assert " Ana <NA> <NA>" in (folder / "hearing.rttm").read_text()
    assert speaker_of(document(folder), JUDGE) == "SPEAKER_00"
    before = state(folder)
    assert "1 done already" in transcribe("run", folder, *DIARIZED, "-f", "all").err
    assert state(folder) == before


def test_a_failed_diarization_keeps_the_text_and_only_diarization_is_repeated(tmp_path: Path, transcribe: Transcribe) -> None:
    """Here, a checkpoint of the pipeline does not load at first."""
    pipeline = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "pipeline"))
    weights = pipeline / "embedding.safetensors"
    weights.write_bytes(b"no weights")
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("hearing.wav", "silencio.m4a"):
        shutil.copy(EXAMPLES / name, folder)
    options = (*PLAIN, "--diarize", "--diarize-model", pipeline, "-f", "json,srt,rttm")

    failed = transcribe("run", folder, *options)
    assert failed.code == 3
    assert failed.out == ""
    [line] = [line for line in failed.err.splitlines() if line.startswith("FAILED")]
    assert "hearing.wav" in line
    assert "does not load" in line
    assert "The text was written without speakers." in line
    assert "Traceback" not in failed.err
    before = document(folder)
    assert before["flags"] == ["no_diarization"]
    assert before["speakers"] == []
    assert "Eu não concordo." in (folder / "hearing.srt").read_text()
    silent = (folder / "silencio.json").read_bytes()
    assert json.loads(silent)["flags"] == ["no_speech"]

    shutil.copy(DEMO_FOLDER / weights.name, weights)
    again = transcribe("run", folder, *options, *EVENTS)
    assert again.code == 0, again.err
    assert "model_loaded" not in names(again.err)
    after = document(folder)
    assert (after["flags"], after["speakers"]) == ([], THREE)
    assert (after["text"], spoken_words(after)) == (before["text"], spoken_words(before))
    assert "SPEAKER_01: Eu não concordo." in (folder / "hearing.srt").read_text()
    assert (folder / "silencio.json").read_bytes() == silent
    assert "2 done already" in transcribe("run", folder, *options).err


def test_silence_has_no_speakers_and_needs_no_diarizer(tmp_path: Path, transcribe: Transcribe) -> None:
    shutil.copy(EXAMPLES / "silencio.m4a", tmp_path)
    ran = transcribe("run", tmp_path, *DIARIZED, "-f", "json,rttm", *EVENTS)
    assert ran.code == 0, ran.err
    assert "diarizer_loaded" not in names(ran.err)
    found = json.loads((tmp_path / "silencio.json").read_text())
    assert (found["speakers"], found["turns"], found["flags"]) == ([], [], ["no_speech"])
    assert (tmp_path / "silencio.rttm").read_text() == ""
    assert "1 done already" in transcribe("run", tmp_path, *DIARIZED, "-f", "json,rttm").err


def test_a_run_without_speakers_imports_no_pytorch(tmp_path: Path) -> None:
    """It takes seconds and half a gigabyte."""
    shutil.copy(EXAMPLES / "hearing.wav", tmp_path)
    code = (
        "import sys\nfrom transcribe_cli.cli import main\n"
        "for arguments in (['plan', *sys.argv[1:], '--diarize'], ['run', *sys.argv[1:]]):\n"
        "    try: main(arguments)\n    except SystemExit: pass\n"
        "print([name for name in ('torch', 'torchaudio', 'pyannote.audio') if name in sys.modules])"
    )
    arguments = [sys.executable, "-c", code, tmp_path, *PLAIN, "--quiet"]
    ran = subprocess.run(arguments, env=environment(), capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / "hearing.json").exists()


@pytest.mark.parametrize(
    ("trouble", "variables", "said"),
    [
        ("no token", {}, f"https://huggingface.co/{DEFAULT_DIARIZER}"),
        ("no token", {}, "https://huggingface.co/settings/tokens"),
        ("wrong token", {"HF_TOKEN": "hf_wrong"}, "https://huggingface.co/settings/tokens"),
        ("terms", {"HF_TOKEN": GOOD_TOKEN}, f"Accept the terms at https://huggingface.co/{DEFAULT_DIARIZER}"),
        ("offline", {"HF_TOKEN": GOOD_TOKEN, "HF_HUB_OFFLINE": "1"}, "--diarize-model"),
        ("down", {"HF_TOKEN": GOOD_TOKEN}, "--diarize-model"),
    ],
)
def test_requirements_of_the_hub_are_reported_before_recognition(
    hub: FakeHub, tmp_path: Path, transcribe: Transcribe, trouble: str, variables: dict[str, str], said: str
) -> None:
    """Exit code 4, one line with the URL or the option; the token is never shown."""
    shutil.copy(EXAMPLES / "hearing.wav", tmp_path)
    hub.repositories[DEFAULT_DIARIZER].closed = trouble == "terms"
    hub.is_down = trouble == "down"
    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), **variables}
    ran = transcribe("run", tmp_path, *PLAIN, "--diarize", *EVENTS, env=env)
    *told, last = ran.err.splitlines()
    assert ran.code == 4
    assert last.startswith("transcribe: ")
    assert said in last
    assert [json.loads(line)["event"] for line in told] == ["run_started", "run_finished"]
    assert ran.out == ""
    assert "hf_wrong" not in ran.err
    assert GOOD_TOKEN not in ran.err
    assert not (tmp_path / "hearing.json").exists()


def test_a_missing_extra_is_reported_with_the_pip_command(tmp_path: Path) -> None:
    """In an environment without pyannote.audio and PyTorch."""
    shutil.copy(EXAMPLES / "hearing.wav", tmp_path)
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.lower().startswith(("pyannote", "torch", "lightning", "_")):
            (packages / entry.name).symlink_to(entry)
    source = Path(__file__).parents[2] / "src"
    env = {**environment(), "PYTHONPATH": f"{source}{os.pathsep}{packages}"}
    arguments = [sys.executable, "-S", "-m", "transcribe_cli", "run", tmp_path / "hearing.wav", *DIARIZED, *EVENTS]
    ran = subprocess.run(arguments, env=env, capture_output=True, text=True)
    assert ran.returncode == 4, ran.stderr
    *told, last = ran.stderr.splitlines()
    assert "pip install 'transcribe-cli[diarization]'" in last
    assert [json.loads(line)["event"] for line in told] == ["run_started", "run_finished"]
    assert not (tmp_path / "hearing.json").exists()


def test_impossible_numbers_of_speakers_are_one_line(tmp_path: Path, transcribe: Transcribe) -> None:
    shutil.copy(EXAMPLES / "silencio.m4a", tmp_path)
    for options, said in (
        (["--diarize", "--min-speakers", "3", "--max-speakers", "2"], "more than max_speakers"),
        (["--num-speakers", "2"], "require diarize"),
        (["--diarize", "--num-speakers", "0"], "from 1 to 100"),
        (["--diarize", "--diarize-model", "dmo"], "Did you mean demo?"),
        (["--diarize", "--diarize-model", "demo", "--speaker-names", "Ana"], "LABEL=NAME"),
    ):
        ran = transcribe("run", tmp_path, *PLAIN, *options)
        assert ran.code == 2, options
        assert said in ran.err.splitlines()[-1]
        assert "Traceback" not in ran.err


def test_doctor_checks_the_diarizer(hub: FakeHub, tmp_path: Path, transcribe: Transcribe) -> None:
    """With what to do; it is only `missing` when it was requested."""
    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
    unasked = transcribe("doctor", *PLAIN, env=env)
    assert unasked.code == 0
    [line] = [line for line in unasked.out.splitlines() if "Diarization" in line]
    assert line.startswith("note ")
    assert "https://huggingface.co/settings/tokens" in line
    asked = transcribe("doctor", *PLAIN, "--diarize-model", DEFAULT_DIARIZER, env=env)
    assert asked.code == 4
    assert "missing  Diarization" in asked.out
    ready = transcribe("doctor", *PLAIN, "--diarize-model", "demo", env=env)
    assert ready.code == 0
    assert "ok       Diarization: demo, pyannote.audio 4." in ready.out


@pytest.mark.slow
def test_a_run_that_is_killed_or_stopped_during_diarization_resumes(tmp_path: Path, transcribe: Transcribe) -> None:
    """Recognition is not repeated; Ctrl-C ends the run within seconds."""
    folder, scratch, kept = tmp_path / "in", tmp_path / "scratch", tmp_path / "state"
    for path in (folder, scratch):
        path.mkdir()
    with wave.open(str(EXAMPLES / "hearing.wav")) as once, wave.open(str(folder / "hearing.wav"), "wb") as file:
        file.setparams(once.getparams())
        file.writeframes(once.readframes(once.getnframes()) * 3)  # with fewer clips there is no checkpoint
    arguments = ["run", folder, *DIARIZED, *EVENTS, "--state-dir", kept]
    variables = {"TMPDIR": str(scratch)}
    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        with subprocess.Popen(command(arguments), env=environment(variables), stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            seen: list[str] = []
            for line in process.stderr:
                seen.append(json.loads(line)["event"])
                if seen[-1] == "speakers_progress":
                    break
            assert "recording_done" not in seen
            process.send_signal(number)
            rest = process.stderr.read()
            assert process.wait(timeout=10) == code
        assert "Traceback" not in rest
        assert not (folder / "hearing.json").exists()
    assert events(rest)[-1]["stopped_by"] == "interrupted"
    for path in scratch.iterdir():
        os.utime(path, (0, 0))  # as old as at the next night's run
    ran = transcribe(*arguments, env=variables)
    assert ran.code == 0, ran.err
    assert "recording_resumed" in names(ran.err)
    assert document(folder)["speakers"] == THREE
    assert unfinished(folder, scratch) == []
