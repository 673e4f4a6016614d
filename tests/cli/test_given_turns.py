"""`--diarize-model rttm`: who speaks is what the user says in an RTTM file, never what the tool wrote itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran, lecture

Transcribe = Callable[..., Ran]
ARGUMENTS = ("--model", "demo", "--language", "pt", "--threads", "1")
GIVEN = ("--diarize", "--diarize-model", "rttm")
TURNS = "SPEAKER aula 1 0 {half} <NA> <NA> Ana <NA> <NA>\nSPEAKER aula 1 {half} 60 <NA> <NA> Rui <NA> <NA>\n"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sentences with three seconds of silence after each, by two voices; the second begins after `HALF` seconds."""
    parts = [("Bom dia a todos. Vamos começar a aula.", "pt-br+m3"), ("Alguma pergunta?", "pt-br+f2")]
    return lecture(tmp_path_factory.mktemp("recorded") / "aula.wav", parts)


HALF = 4.5


@pytest.fixture
def aula(recorded: Path, tmp_path: Path) -> Path:
    """The recording in a folder of its own."""
    (tmp_path / "aulas").mkdir()
    return Path(shutil.copy2(recorded, tmp_path / "aulas"))


def document(recording: Path) -> dict[str, Any]:
    """Its transcript."""
    found: dict[str, Any] = json.loads(recording.with_suffix(".json").read_text())
    return found


def said(recording: Path) -> list[tuple[str | None, str]]:
    """Who said what."""
    return [(segment.get("speaker"), segment["text"]) for segment in document(recording)["segments"]]


def failures(ran: Ran) -> list[str]:
    """The lines of recordings that failed."""
    return [line for line in ran.err.splitlines() if line.startswith("FAILED")]


def test_the_speakers_are_those_of_the_file(aula: Path, transcribe: Transcribe) -> None:
    """With the names that it gives them, in the subtitles too; the file stays as it is, and nothing is done twice."""
    turns = aula.with_suffix(".rttm")
    turns.write_text(TURNS.format(half=HALF))
    ran = transcribe("run", aula.parent, *ARGUMENTS, *GIVEN)
    assert (ran.code, failures(ran)) == (0, [])
    assert [speaker for speaker, _ in said(aula)] == ["Ana", "Ana", "Rui"]
    assert document(aula)["speakers"] == ["Ana", "Rui"]
    assert "<v Rui>" in aula.with_suffix(".vtt").read_text()
    assert turns.read_text() == TURNS.format(half=HALF)
    assert "1 done already" in transcribe("run", aula.parent, *ARGUMENTS, *GIVEN).err


def test_other_turns_are_taken_without_recognizing_anything_again(aula: Path, transcribe: Transcribe) -> None:
    """Also those of a file that was not there before."""
    transcribe("run", aula.parent, *ARGUMENTS)
    text = document(aula)["text"]
    for half, speakers in ((HALF, ["Ana", "Ana", "Rui"]), (0.1, ["Rui", "Rui", "Rui"])):
        aula.with_suffix(".rttm").write_text(TURNS.format(half=half))
        ran = transcribe("run", aula.parent, *ARGUMENTS, *GIVEN, "--log-format", "json")
        events = [json.loads(line)["event"] for line in ran.err.splitlines()]
        assert ran.code == 0
        assert "model_loaded" not in events
        assert ([speaker for speaker, _ in said(aula)], document(aula)["text"]) == (speakers, text)


def test_a_recording_without_its_file_has_its_text_and_a_line(aula: Path, transcribe: Transcribe) -> None:
    """The line names the file; the others have their speakers. Once the file exists, the next run uses it."""
    other = Path(shutil.copy2(aula, aula.with_name("outra.wav")))
    other.with_name("outra.wav.rttm").write_text(TURNS.format(half=HALF))
    ran = transcribe("run", aula.parent, *ARGUMENTS, *GIVEN)
    assert ran.code == 3
    [line] = failures(ran)
    assert f"There is no {aula.with_suffix('.rttm')}." in line
    assert document(aula)["flags"] == ["no_diarization"]
    assert [speaker for speaker, _ in said(aula)] == [None, None, None]
    assert [speaker for speaker, _ in said(other)] == ["Ana", "Ana", "Rui"]
    aula.with_suffix(".rttm").write_text(TURNS.format(half=HALF))
    assert transcribe("run", aula.parent, *ARGUMENTS, *GIVEN).code == 0
    assert (said(aula), document(aula)["flags"]) == (said(other), [])


def test_an_invalid_line_is_named(aula: Path, transcribe: Transcribe) -> None:
    """The text is written."""
    aula.with_suffix(".rttm").write_text(TURNS.format(half=HALF) + "SPEAKER aula 1 x 2 <NA> <NA> Ana\n")
    ran = transcribe("run", aula.parent, *ARGUMENTS, *GIVEN)
    assert ran.code == 3
    assert "aula.rttm, line 3: 'x' is not a start in seconds." in failures(ran)[0]
    assert document(aula)["flags"] == ["no_diarization"]


def test_the_file_may_lie_next_to_the_transcript(aula: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """It takes precedence over one next to the recording."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "aula.rttm").write_text(TURNS.format(half=0.1))
    aula.with_suffix(".rttm").write_text(TURNS.format(half=HALF))
    assert transcribe("run", aula, *ARGUMENTS, *GIVEN, "--output-dir", out).code == 0
    assert {speaker for speaker, _ in said(out / "aula.wav")} == {"Rui"}


@pytest.fixture
def found(aula: Path, transcribe: Transcribe) -> Path:
    """The recording with speakers that the tool itself wrote beside it, as `--diarize` by another diarizer leaves them."""
    aula.with_name("aula.wav.rttm").write_text(TURNS.format(half=HALF))
    assert transcribe("run", aula, *ARGUMENTS, *GIVEN, "-f", "rttm").code == 0
    aula.with_name("aula.wav.rttm").unlink()
    return aula


def test_rttm_files_of_the_tool_are_not_used_as_input(found: Path, transcribe: Transcribe) -> None:
    """One line says so, and the detected speakers stay; once edited by hand, the file counts as the user's."""
    before = found.with_suffix(".json").read_bytes(), found.with_suffix(".rttm").read_bytes()
    ran = transcribe("run", found, *ARGUMENTS, *GIVEN, "-f", "srt")
    assert ran.code == 3
    [line] = failures(ran)
    assert "aula.rttm was written by this tool" in line
    assert "aula.wav.rttm" in line
    assert (found.with_suffix(".json").read_bytes(), found.with_suffix(".rttm").read_bytes()) == before
    found.with_suffix(".rttm").write_text(TURNS.format(half=HALF).replace("Rui", "Eva"))
    assert transcribe("run", found, *ARGUMENTS, *GIVEN, "-f", "srt").code == 0
    assert document(found)["speakers"] == ["Ana", "Eva"]


@pytest.mark.parametrize("options", [(), ("--overwrite",)])
def test_the_users_turns_are_never_overwritten(aula: Path, transcribe: Transcribe, options: tuple[str, ...]) -> None:
    """Not even with --overwrite: they are an input of the run."""
    turns = aula.with_suffix(".rttm")
    turns.write_text(TURNS.format(half=HALF))
    ran = transcribe("run", aula, *ARGUMENTS, *GIVEN, "-f", "all", *options)
    assert ran.code == 3
    [line] = failures(ran)
    assert "aula.rttm is the RTTM input of this recording" in line
    assert turns.read_text() == TURNS.format(half=HALF)
    assert sorted(path.name for path in aula.parent.iterdir()) == ["aula.rttm", "aula.wav"]


def test_unused_rttm_files_are_not_overwritten_either(aula: Path, transcribe: Transcribe) -> None:
    """As with every file that this tool did not write."""
    turns = aula.with_suffix(".rttm")
    turns.write_text(TURNS.format(half=HALF))
    ran = transcribe("run", aula, *ARGUMENTS, "-f", "rttm")
    assert ran.code == 3
    assert "aula.rttm was not written by this tool" in failures(ran)[0]
    assert turns.read_text() == TURNS.format(half=HALF)


def test_rttm_output_is_written_next_to_turns_with_another_name(aula: Path, transcribe: Transcribe) -> None:
    """The next run does not use this output as input."""
    aula.with_name("aula.wav.rttm").write_text(TURNS.format(half=HALF))
    for _ in range(2):
        assert transcribe("run", aula, *ARGUMENTS, *GIVEN, "-f", "rttm").code == 0
    assert aula.with_suffix(".rttm").read_text().count(" Rui ") == 1
    assert document(aula)["job"]["spec"]["diarize_model"].startswith("rttm:")


def test_a_number_of_speakers_is_rejected_with_given_turns(aula: Path, transcribe: Transcribe) -> None:
    """The option would have no effect."""
    ran = transcribe("run", aula, *ARGUMENTS, *GIVEN, "--num-speakers", "2")
    assert ran.code == 2
    assert "have no effect with diarize_model rttm" in ran.err
