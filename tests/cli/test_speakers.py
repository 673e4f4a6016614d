"""An enrolled voice is named in every recording of a batch, and no other voice is."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recordings import check_harmless
from tests.conftest import Ran, command, environment, lecture
from tests.fork_server import command_runner
from transcribe_cli.batch.enrollment import enroll
from transcribe_cli.errors import UsageError
from transcribe_cli.events import ignore_event
from transcribe_cli.settings import Settings

pytestmark = pytest.mark.slow
Transcribe = Callable[..., Ran]

# Variants that neither demo model was trained with.
ANA, RUI, STRANGER = "pt-br+linda", "pt-br+marcelo", "pt-br+robert"
LINES = (
    "Bom dia a todos. Vamos começar a aula de hoje.",
    "O professor explica a lição de hoje para a turma.",
    "A professora apresenta o trabalho da semana.",
    "Alguma pergunta sobre a matéria de ontem?",
    "Vamos fazer o exercício da página dez agora.",
)
OTHERS = (
    "A aluna estuda a carta da família.",
    "O juiz comenta a música nova na segunda feira.",
    "Hoje o tempo está bom para estudar em casa.",
    "O senhor pode repetir a pergunta, por favor?",
)


@pytest.fixture
def transcribe(tmp_path: Path) -> Transcribe:
    """The program, in a process with PyTorch imported."""
    return command_runner(tmp_path, pytorch=True)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each voice alone, and two talks: Ana with Rui, and a stranger with Ana, with other sentences than alone."""
    folder = tmp_path_factory.mktemp("voices")
    lecture(folder / "alone" / "ana.wav", [(line, ANA) for line in LINES], 0.4)
    lecture(folder / "alone" / "rui.wav", [(line, RUI) for line in LINES], 0.4)
    lecture(folder / "talks" / "first.wav", [(line, voice) for line in OTHERS for voice in (RUI, ANA)], 0.4)
    lecture(folder / "talks" / "second.wav", [(line, voice) for line in OTHERS for voice in (ANA, STRANGER)], 0.4)
    return folder


@pytest.fixture(scope="module")
def library(recordings: Path) -> Path:
    """A state folder in which Ana is enrolled."""
    state = recordings / "state"
    ran = speakers(state, "enroll", "Ana", recordings / "alone" / "ana.wav", "--diarize-model", "demo")
    assert ran.code == 0, ran.err
    assert ran.err.startswith("enrolled  Ana  ")
    return state


def speakers(state: Path, *arguments: str | Path) -> Ran:
    """`transcribe speakers` with the voices of this folder."""
    ran = command_runner(Path.cwd(), pytorch=True)("speakers", *arguments, "--state-dir", state)
    check_harmless(ran.err.encode())
    return ran


def talks(transcribe: Transcribe, recordings: Path, state: Path, out: Path, *more: str | Path) -> tuple[dict[str, Any], Ran]:
    """Run over both talks; the documents by name, and the result of the command."""
    options = ("--model", "demo", "--diarize", "--diarize-model", "demo", "-f", "json,txt", "-o", out, "--state-dir", state)
    ran = transcribe("run", recordings / "talks", *options, *more)
    assert ran.code == 0, ran.err
    return {path.stem: json.loads(path.read_text()) for path in out.glob("*.json")}, ran


def test_a_known_voice_is_named_in_every_recording_and_a_stranger_in_none(
    recordings: Path, library: Path, transcribe: Transcribe, tmp_path: Path
) -> None:
    """In all formats; the JSON keeps the labels and the similarity."""
    found, ran = talks(transcribe, recordings, library, tmp_path)
    assert found["first"]["speakers"] == found["second"]["speakers"] == ["SPEAKER_00", "SPEAKER_01"]
    # Rui speaks first in the first talk, Ana in the second.
    assert found["first"]["speaker_names"] == {"SPEAKER_01": "Ana"}
    assert found["second"]["speaker_names"] == {"SPEAKER_00": "Ana"}
    for document in found.values():
        [likeness] = document["quality"]["voices"]
        assert likeness["sure"]
        assert likeness["name"] == "Ana"
        assert "speaker_doubtful" not in document["flags"]
    assert (tmp_path / "second.txt").read_text().startswith("Ana: ")
    assert "SPEAKER_01: " in (tmp_path / "second.txt").read_text()
    assert "voices    second.wav  SPEAKER_00 is Ana (" in ran.err


def test_an_uncertain_match_is_reported_but_not_named(
    recordings: Path, library: Path, transcribe: Transcribe, tmp_path: Path
) -> None:
    """With a flag, the similar voice, and the similarity."""
    found, ran = talks(transcribe, recordings, library, tmp_path, "--voice-threshold", "1", "--log-format", "json")
    for document in found.values():
        assert document["speaker_names"] == {}
        assert "speaker_doubtful" in document["flags"]
        [likeness] = document["quality"]["voices"]
        assert not likeness["sure"]
        assert 0.85 <= likeness["similarity"] < 1
    events = [json.loads(line) for line in ran.err.splitlines()]
    heard = {event["recording"]: event for event in events if event["event"] == "voices_found"}
    assert heard["second.wav"]["doubtful"] == {"SPEAKER_00": "Ana"}
    assert heard["second.wav"]["similarity"] == {"SPEAKER_00": found["second"]["quality"]["voices"][0]["similarity"]}
    assert heard["second.wav"]["named"] == {}


def test_names_of_the_user_take_precedence_and_no_voices_disables_matching(
    recordings: Path, library: Path, transcribe: Transcribe, tmp_path: Path
) -> None:
    """Flags, files next to the transcript, and --no-voices; a run that only adds speakers names them, too."""
    (tmp_path / "second.speakers.toml").write_text('SPEAKER_01 = "Zé"\n')
    found, _ = talks(transcribe, recordings, library, tmp_path, "--no-voices")
    assert found["first"]["speaker_names"] == {}
    assert found["second"]["speaker_names"] == {"SPEAKER_01": "Zé"}
    assert [document["quality"]["voices"] for document in found.values()] == [[], []]
    more = ("--voices", "--max-speakers", "2", "--speaker-names", "SPEAKER_00=Eva")
    found, ran = talks(transcribe, recordings, library, tmp_path, *more)
    assert "2 to diarize" in ran.err
    assert found["first"]["speaker_names"] == {"SPEAKER_00": "Eva", "SPEAKER_01": "Ana"}
    assert found["second"]["speaker_names"] == {"SPEAKER_00": "Eva", "SPEAKER_01": "Zé"}


def test_voices_of_another_diarizer_are_not_used_and_that_is_one_line(
    recordings: Path, library: Path, transcribe: Transcribe, tmp_path: Path
) -> None:
    """However many recordings there are."""
    state = tmp_path / "state"
    (state / "voices").mkdir(parents=True)
    for path in (library / "voices").iterdir():
        (state / "voices" / path.name).write_bytes(path.read_bytes())
    toml = state / "voices" / "speakers.toml"
    embedded_by = json.loads(speakers(state, "list", "--json").out)["voices"][0]["embedded_by"]
    toml.write_text(toml.read_text().replace(embedded_by, "f" * 16).replace('"demo"', '"other"'))
    found, ran = talks(transcribe, recordings, state, tmp_path / "out")
    assert [document["speaker_names"] for document in found.values()] == [{}, {}]
    assert ran.err.count("No enrolled voice is used") == 1
    assert "enrolled with other, whose embeddings demo cannot compare. Enroll them again with --diarize-model demo" in ran.err


def test_samples_are_added_and_voices_listed_and_removed(recordings: Path, library: Path, tmp_path: Path) -> None:
    """With their sources, for users and programs; the voice of another person is not a sample of the first."""
    state, alone = tmp_path / "state", recordings / "alone"
    assert speakers(state, "list").out == ""
    assert "No voices are enrolled" in speakers(state, "list").err
    assert json.loads(speakers(state, "list", "--json").out) == {"folder": str(state / "voices"), "voices": []}
    demo = ("--diarize-model", "demo")
    assert speakers(state, "enroll", "Rui", f"{alone / 'rui.wav'}@0:00-0:12", *demo).code == 0
    again = speakers(state, "enroll", " Rui ", f"{alone / 'rui.wav'}@0:10-", *demo)
    assert again.code == 0
    assert again.err.startswith("added     Rui  ")
    assert "now 2 samples" in again.err
    wrong = speakers(state, "enroll", "Rui", alone / "ana.wav", *demo)
    assert wrong.code == 2
    assert "does not match the enrolled voice Rui" in wrong.err
    [voice] = json.loads(speakers(state, "list", "--json").out)["voices"]
    assert (voice["name"], voice["diarize_model"], voice["dimensions"]) == ("Rui", "demo", 64)
    assert [(sample["source"], sample["start"]) for sample in voice["samples"]] == [("rui.wav", 0), ("rui.wav", 10)]
    assert voice["samples"][0]["end"] == 12
    [line] = speakers(state, "list").out.splitlines()
    assert line.split("\t")[:3] == ["Rui", "demo", "2"]
    unknown = speakers(state, "forget", "Riu")
    assert (unknown.code, unknown.err) == (2, "transcribe: No voice is called 'Riu'. Did you mean Rui?\n")
    assert speakers(state, "forget", "Rui").err == "removed   Rui  2 samples\n"
    assert speakers(state, "list").out == ""


def test_in_a_terminal_the_list_is_a_table(library: Path) -> None:
    """With column headings."""
    main, terminal = pty.openpty()
    subprocess.run(command(["speakers", "list", "--state-dir", library]), env=environment(), stdout=terminal, check=True)
    os.close(terminal)
    shown = os.read(main, 10_000).decode()
    os.close(main)
    assert shown.split()[:6] == ["name", "diarizer", "samples", "speech", "enrolled", "from"]
    assert "ana.wav" in shown


def test_an_unsuitable_recording_for_enrollment_is_one_line(recordings: Path, tmp_path: Path) -> None:
    """No speech, too little, two people; the message suggests an excerpt, which can then be enrolled."""
    long = lecture(tmp_path / "long.wav", [(line, RUI) for line in LINES[:4]] + [(line, ANA) for line in LINES[:4]], 0.4)
    with wave.open(str(tmp_path / "silence.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 16_000 * 10))
    alone = recordings / "alone" / "ana.wav"
    said = {
        f"{tmp_path / 'silence.wav'}": "Nobody speaks in",
        f"{alone}@0-4": "s of speech in",
        f"{alone}@1:00:00-": "starts after the end",
        f"{alone}@0:05-9:00": "ends after the recording",
        f"{tmp_path / 'nowhere.wav'}": "There is no file",
        f"{alone}@5": "is not an excerpt of",
    }
    settings = Settings(state_dir=tmp_path / "state", device="cpu")
    for where, says in said.items():
        with pytest.raises(UsageError, match=says):
            enroll("Ana", where, "demo", settings, ignore_event)
    ran = speakers(tmp_path / "state", "enroll", "Ana", long, "--diarize-model", "demo")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1), ran.err
    assert "More than one voice" in ran.err
    assert not (tmp_path / "state").exists()
    stretch = ran.err.partition("such as ")[2].partition(" (")[0]
    assert enroll("Rui", stretch, "demo", settings, ignore_event).voice.name == "Rui"
    others = Settings(state_dir=tmp_path / "other", device="cpu")
    assert enroll("Both", str(long), "demo", others, ignore_event, one_voice=True).voice.name == "Both"


def test_invalid_input_is_reported_before_any_work(recordings: Path, tmp_path: Path) -> None:
    """A name, a diarizer, a file that is not a recording, a voice library that cannot be read."""
    alone = recordings / "alone" / "ana.wav"
    text = tmp_path / "text.wav"
    text.write_text("hello")
    damaged = tmp_path / "damaged"
    (damaged / "voices").mkdir(parents=True)
    (damaged / "voices" / "speakers.toml").write_text("voices = [")
    for name, file, model, state, code, says in [
        ("", alone, "demo", tmp_path, 2, "is empty"),
        ("Ana", alone, "dmo", tmp_path, 2, "Did you mean demo?"),
        ("Ana", alone, "pyannote/speaker-diarization-community-1", tmp_path, 4, "cannot be reached"),
        ("Ana", text, "demo", tmp_path, 3, "text.wav"),
        ("Ana", alone, "demo", damaged, 2, "is not TOML"),
    ]:
        ran = speakers(state, "enroll", name, file, "--diarize-model", model)
        assert (ran.code, len(ran.err.splitlines())) == (code, 1), ran.err
        assert says in ran.err


def test_a_damaged_library_ends_a_run_before_any_recognition(recordings: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """With one line; a run without voices does not read it."""
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "speakers.toml").write_text("voices = [")
    options = ("--model", "demo", "--diarize-model", "demo", "-o", tmp_path / "out", "--state-dir", tmp_path)
    ran = transcribe("run", recordings / "alone" / "ana.wav", "--diarize", *options)
    assert ran.code == 2
    assert "is not TOML" in ran.err
    assert not (tmp_path / "out").exists()
    assert transcribe("run", recordings / "alone" / "ana.wav", *options).code == 0
