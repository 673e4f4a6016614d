"""Speaker names: from the command line or files, stored in the transcript, shown in every other format."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Ran
from tests.formats.documents import any_transcript, segment, shown, spoken, transcript
from transcribe_cli import sinks
from transcribe_cli.batch.rendering import TranscriptFile, check_labels
from transcribe_cli.errors import ConfigError, OutputRefused, UsageError
from transcribe_cli.formats import BINARY_FORMATS, render, render_bytes
from transcribe_cli.formats.speaker_names import (
    MAX_NAME_CHARACTERS,
    add_names,
    check_labels_exist,
    parse_names,
    read_name_files,
    replace_labels,
)
from transcribe_cli.registry import FORMATS
from transcribe_cli.transcript import Transcript, Turn

A, B = "SPEAKER_00", "SPEAKER_01"
DIALOGUE = transcript(
    spoken("Alguma pergunta?", 0.0, speaker=A),
    spoken("Sim.", 1.5, speaker=B),
    turns=(Turn(start=0.0, end=1.25, speaker=A), Turn(start=1.5, end=2.0, speaker=B)),
)


def test_names_have_the_form_label_equals_name() -> None:
    """Separated by commas, or by repeating the option; spaces around them are ignored; a name may be empty."""
    assert parse_names([f"{A}=Ana, {B} = Rui Sá", "SPEAKER_02=,"]) == {A: "Ana", B: "Rui Sá", "SPEAKER_02": ""}
    assert parse_names([]) == {}
    assert parse_names(["Ana=Ana=Souza"]) == {"Ana": "Ana=Souza"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Ana", "LABEL=NAME, not 'Ana'"),
        ("=Ana", "LABEL=NAME"),
        (f"{A}=Souza, Ana", "Put a name that contains a comma in speakers.toml"),
        (f"{A}=Ana,{A}=Eva", "two names for SPEAKER_00, 'Ana' and 'Eva'"),
        (f"{A}=A\nna", "a line break or another character"),
        (f"{A}=\x1b[2J", "a line break or another character"),
        (f"{A}=\udce7", "a line break or another character"),
        (f"{A}={'a' * (MAX_NAME_CHARACTERS + 1)}", "longer than 80 characters"),
    ],
)
def test_an_invalid_name_is_refused_in_one_line(text: str, says: str) -> None:
    """With a hint."""
    with pytest.raises(UsageError) as caught:
        parse_names([text])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_come_from_files_next_to_the_recording(tmp_path: Path) -> None:
    """From the file of the folder, then of the recording, with its suffix if stems are equal; files next to the transcript win."""
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "speakers.toml").write_text(f'\ufeff{A} = "Folder"\n{B} = "Folder"\nSPEAKER_09 = "Nobody"\n', encoding="utf-8")
    assert read_name_files(tmp_path / "aula.mp3", labels=[A, B]) == {A: "Folder", B: "Folder", "SPEAKER_09": "Nobody"}
    (tmp_path / "aula.speakers.toml").write_text(f'{A} = "Stem"\n')
    assert read_name_files(tmp_path / "aula.mp3")[A] == read_name_files(tmp_path / "aula.json")[A] == "Stem"
    (tmp_path / "aula.mp3.speakers.toml").write_text(f'{A} = " Name "\n')
    assert read_name_files(tmp_path / "aula.mp3")[A] == read_name_files(tmp_path / "aula.mp3.json")[A] == "Name"
    assert read_name_files(tmp_path / "aula.mp4")[A] == "Stem"
    (out / "speakers.toml").write_text(f'{B} = "Out"\n')
    assert {A: "Name", B: "Out"}.items() <= read_name_files(tmp_path / "aula.mp3", out / "aula.json").items()
    assert read_name_files(tmp_path / "none" / "aula.mp3") == read_name_files(tmp_path / "none" / ("a" * 300)) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'SPEAKER_00 = "Ana', "aula.speakers.toml is not TOML"),
        (b'SPEAKER_00 = "\xff"', "aula.speakers.toml is not UTF-8 text (byte 14)"),
        (b"SPEAKER_00 = 1", "aula.speakers.toml: the name of 'SPEAKER_00' is not a string"),
        (b'[aula]\nSPEAKER_00 = "Ana"', "aula.speakers.toml: the name of 'aula' is not a string"),
        (b'SPEAKER_00 = "A\\nna"', "aula.speakers.toml: the name of 'SPEAKER_00' contains a line break"),
        (b'SPEAKER_O1 = "Ana"', "Did you mean SPEAKER_01?"),
        (b'Eva = "Ana"', "Speakers: SPEAKER_00, SPEAKER_01."),
    ],
)
def test_an_invalid_file_is_refused_by_name(tmp_path: Path, text: bytes, says: str) -> None:
    """In one line."""
    (tmp_path / "aula.speakers.toml").write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        read_name_files(tmp_path / "aula.mp3", labels=[A, B])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A folder or a pipe of that name is ignored, and nothing blocks."""
    (tmp_path / "speakers.toml").mkdir()
    os.mkfifo(tmp_path / "aula.speakers.toml")
    assert read_name_files(tmp_path / "aula.mp3") == {}


def test_labels_stay_in_the_transcript() -> None:
    """With their names; unknown labels are ignored; an empty name removes the name."""
    ana = add_names(DIALOGUE, {A: "Ana", "SPEAKER_07": "Nobody"})
    assert ana == DIALOGUE.model_copy(update={"speaker_names": {A: "Ana"}})
    assert add_names(add_names(ana, {B: "Rui"}), {A: "Eva"}).speaker_names == {A: "Eva", B: "Rui"}
    assert add_names(ana, {A: ""}) == add_names(DIALOGUE, {B: ""}) == DIALOGUE
    document = json.loads(render("json", ana))
    assert (document["speakers"], document["speaker_names"]) == ([A, B], {A: "Ana"})
    assert [part["speaker"] for part in document["segments"]] == [A, B]
    assert Transcript.loads(ana.dumps()) == ana


def test_every_other_format_shows_the_names() -> None:
    """And the labels of speakers without a name."""
    ana = add_names(DIALOGUE, {A: "Ana Sá"})
    for name in FORMATS.names():
        if name != "json":
            seen = shown(name, ana)
            assert A not in seen, name
            assert B in seen, name
            assert ("Ana_Sá" if name == "rttm" else "Ana Sá") in seen, name


def test_two_labels_with_one_name_are_one_speaker() -> None:
    """This corrects a speaker whom diarization split in two."""
    one = add_names(DIALOGUE, {A: "Ana", B: "Ana"})
    assert replace_labels(one).speakers == ("Ana",)
    assert render("txt", one) == "Ana: Alguma pergunta? Sim.\n"
    assert render("srt", one).count("Ana") == 1


@settings(max_examples=40, deadline=None)
@given(any_transcript, st.dictionaries(st.sampled_from(["SPEAKER_00", "Ana", "\n", "{} {0}"]), st.text(max_size=100), max_size=3))
def test_only_speakers_are_renamed(document: Transcript, names: dict[str, str]) -> None:
    """Text and times stay; segments without a speaker keep none; every format can be written with any names."""
    called = add_names(document, names)
    shown = replace_labels(called)
    assert [(part.text, part.start, part.speaker is None) for part in shown.segments] == [
        (part.text, part.start, part.speaker is None) for part in document.segments
    ]
    assert all(render_bytes(name, called) is not None for name in FORMATS.names() if name not in BINARY_FORMATS)


# In place, as `transcribe render` does it.


def put(
    folder: Path, document: Transcript = DIALOGUE, formats: tuple[str, ...] = ("srt", "txt"), stem: str = "aula"
) -> TranscriptFile:
    """A transcript on disk, with renderings."""
    source = document.source.model_copy(update={"name": f"{stem}.mp3", "uri": (folder / f"{stem}.mp3").as_uri()})
    whole = document.model_copy(update={"source": source})
    output = sinks.Output(folder, stem)
    sinks.commit(output, whole, {name: render_bytes(name, whole) for name in formats})
    return TranscriptFile(output.path("json"), folder)


def test_names_are_written_to_the_transcript_and_its_renderings(tmp_path: Path) -> None:
    """Also formats that are not requested now; they survive the next rendering, and can be removed."""
    at = put(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert at.write(["vtt"], None, {A: "Ana"}, overwrite=False) == ["aula.vtt", "aula.srt", "aula.txt", "aula.json"]
    assert at.read().speaker_names == {A: "Ana"}
    assert all("Ana" in (tmp_path / f"aula.{name}").read_text() for name in ("srt", "txt", "vtt"))
    assert at.write(["txt"], None, {}, overwrite=False) == ["aula.txt"]
    assert "Ana" in (tmp_path / "aula.txt").read_text()
    (tmp_path / "aula.vtt").unlink()
    at.write(["srt"], None, {A: ""}, overwrite=False)
    assert {name: (tmp_path / name).read_bytes() for name in ("aula.srt", "aula.txt")}.items() <= before.items()
    assert at.read().speaker_names == {}
    assert not (tmp_path / "aula.vtt").exists()


def test_an_edited_rendering_is_not_replaced_for_a_name(tmp_path: Path) -> None:
    """The other files are replaced, the transcript has the name, and the error names the refused file."""
    at = put(tmp_path)
    (tmp_path / "aula.txt").write_text("corrected by hand")
    with pytest.raises(OutputRefused, match=r"aula\.txt was edited"):
        at.write(["srt"], None, {A: "Ana"}, overwrite=False)
    assert (tmp_path / "aula.txt").read_text() == "corrected by hand"
    assert "Ana" in (tmp_path / "aula.srt").read_text()
    assert at.read().speaker_names == {A: "Ana"}
    with pytest.raises(OutputRefused):
        at.write(["txt"], None, {}, overwrite=False)
    at.write(["txt"], None, {}, overwrite=False, replace_corrected=True)
    assert "Ana" in (tmp_path / "aula.txt").read_text()


def test_with_another_output_folder_the_transcript_is_unchanged(tmp_path: Path) -> None:
    """With --output-dir only the files there have the names."""
    at = put(tmp_path / "in")
    before = {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    at.write(["txt", "json"], tmp_path / "out", {A: "Ana"}, overwrite=False)
    assert "Ana" in (tmp_path / "out" / "aula.txt").read_text()
    assert Transcript.loads((tmp_path / "out" / "aula.json").read_text()).speaker_names == {A: "Ana"}
    assert {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before


def test_name_files_apply_next_to_the_recording_and_the_transcript(tmp_path: Path) -> None:
    """In any output folder; the command line takes precedence."""
    at = put(tmp_path / "out")
    document = at.read()
    source = document.source.model_copy(update={"uri": (tmp_path / "in" / "aula.mp3").as_uri()})
    at.path.write_text(document.model_copy(update={"source": source}).dumps())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "aula.speakers.toml").write_text(f'{A} = "Ana"\n{B} = "Rui"\n')
    assert at.with_speaker_names({}).speaker_names == {}  # the recording that the transcript describes is not there
    (tmp_path / "in" / "aula.mp3").write_bytes(bytes(source.size))
    assert at.with_speaker_names({}).speaker_names == {A: "Ana", B: "Rui"}
    assert at.with_speaker_names({B: "Eva"}).speaker_names == {A: "Ana", B: "Eva"}
    (tmp_path / "in" / "aula.speakers.toml").write_text("?")
    with pytest.raises(ConfigError):
        at.write(["txt"], None, {}, overwrite=False, replace_corrected=True)


@pytest.mark.parametrize(
    "uri", ["file:///", "file://[", "file:///a%00b.mp3", "file://", "/aula.mp3", "s3://a/b.mp3", "file:///%ff/..", ""]
)
def test_the_location_of_the_recording_may_be_invalid(tmp_path: Path, uri: str) -> None:
    """With any `source.uri`."""
    at = put(tmp_path)
    document = at.read()
    at.path.write_text(document.model_copy(update={"source": document.source.model_copy(update={"uri": uri})}).dumps())
    assert at.with_speaker_names({A: "Ana"}).speaker_names == {A: "Ana"}


def test_a_transcript_without_speakers_needs_no_names(tmp_path: Path) -> None:
    """Name files are no error then; they may be for a later run."""
    at = put(tmp_path, transcript(segment(" Sim.", 0.0, 1.0)))
    (tmp_path / "aula.speakers.toml").write_text(f'{A} = "Ana"\n')
    assert at.write(["txt"], None, {}, overwrite=False) == ["aula.txt"]
    assert at.read().speaker_names == {}


def test_an_unknown_label_is_reported(tmp_path: Path) -> None:
    """Unless one of many transcripts has it; a broken file among them is reported later."""
    found = [put(tmp_path / "a"), put(tmp_path / "b", transcript(segment(" Sim.", 0.0, 1.0, speaker="Rui")))]
    (tmp_path / "c.json").write_text("{")
    found.insert(0, TranscriptFile(tmp_path / "c.json", tmp_path))
    check_labels({A: "Ana", "Rui": "Rui Sá"}, found)
    with pytest.raises(ConfigError, match=r"--speaker-names names 'SPEAKER_2', but there is no such speaker\. Did you mean"):
        check_labels({A: "Ana", "SPEAKER_2": "Eva"}, found)
    with pytest.raises(ConfigError, match="There are no speakers: use `run --diarize`"):
        check_labels_exist({A: "Ana"}, [], "--speaker-names names")


def test_render_applies_names(tmp_path: Path, transcribe: Callable[..., Ran]) -> None:
    """From the command line: an error changes nothing, a name stays, standard output changes no file."""
    put(tmp_path)
    wrong = transcribe("render", "aula.json", "--speaker-names", "SPEAKER_7=Ana")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    shown = transcribe("render", "aula.json", "-f", "txt", "-o", "-", "--speaker-names", f"{A}=Ana")
    assert shown.out == f"Ana: Alguma pergunta?\n\n{B}: Sim.\n"
    assert "Ana" not in (tmp_path / "aula.json").read_text()
    (tmp_path / "aula.speakers.toml").write_text(f'{B} = "Rui <3 --> & Cia"\n', encoding="utf-8")
    ran = transcribe("render", ".", "-f", "vtt", "--speaker_names", f"{A}=Ana")
    assert (ran.code, ran.err) == (0, "rendered  aula.vtt, aula.srt, aula.txt, aula.json\n")
    assert "<v Rui &lt;3 --&gt; &amp; Cia>Sim." in (tmp_path / "aula.vtt").read_text()
    assert "\nRui <3 -> & Cia: Sim.\n" in (tmp_path / "aula.srt").read_text()
    (tmp_path / "aula.speakers.toml").write_text("?")
    broken = transcribe("render", ".", "-f", "vtt")
    assert broken.code == 3
    assert broken.err.startswith("FAILED    aula.json  aula.speakers.toml is not TOML")
