"""The JSON document: it can be read back, also by programs for openai/whisper and whisperX, and from its first bytes."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from tools.write_schema import SCHEMA, schema

from tests.formats.documents import DIALOGUE, LESSON, SILENCE, SPEC, any_transcript, segment, spoken, transcript
from tests.formats.documents import words as timed
from transcribe_cli.errors import TranscribeError
from transcribe_cli.formats import BINARY_FORMATS, MEDIA_TYPES, render
from transcribe_cli.registry import FORMATS
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Transcript

KEYS = [
    "schema_version", "source", "job", "outputs", "subtitles", "language", "language_probability", "duration", "flags", "speakers",
    "speaker_names", "quality", "text", "segments", "turns", "timing", "cost",
]  # fmt: skip


def rounded(value: Any) -> Any:
    """Every float in a structure to 3 decimals."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


@given(any_transcript)
def test_what_is_written_can_be_read_back(document: Transcript) -> None:
    """Equal to 3 decimals; writing it again results in the same bytes."""
    text = document.dumps()
    again = Transcript.loads(text)
    assert rounded(again.model_dump()) == rounded(document.model_dump())
    assert again.dumps() == text


@given(any_transcript)
def test_times_and_numbers_are_finite_and_in_order(document: Transcript) -> None:
    """No NaN, no infinity; no word ends before it starts, also after rounding."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    read = json.loads(document.dumps(), parse_constant=refuse)
    for part in read["segments"]:
        words = part.get("words", [])
        assert part["start"] <= part["end"]
        for word in words:
            assert word["start"] <= word["end"]
            assert word["score"] == word["probability"]
        assert all(before["end"] <= after["start"] for before, after in pairwise(words))


def test_the_keys_have_a_fixed_order_with_provenance_first() -> None:
    """The check for finished recordings reads only the beginning of a file."""
    assert list(json.loads(LESSON.dumps())) == KEYS


def test_provenance_is_in_the_first_4_kib_for_ordinary_specs() -> None:
    """Also with a prompt, a long path and all formats, so that one read is enough."""
    spec = JobSpec(language="pt", initial_prompt="Aula de biologia, com pontuação.", hotwords="mitocôndria, ribossomo, Lamarck")
    job = LESSON.job.model_copy(update={"spec": spec.canonical()})
    source = LESSON.source.model_copy(update={"name": "a" * 80 + ".mp3", "uri": "/" + "pasta/" * 20 + "a" * 80 + ".mp3"})
    outputs = {f"{'a' * 80}.{name}": "0" * 64 for name in ("srt", "vtt", "txt", "tsv")}
    text = transcript(*LESSON.segments, source=source, job=job, outputs=outputs).dumps()
    assert text.encode().index(b'\n"language":') < 4096 * 0.75


def test_the_spec_in_the_document_has_its_fingerprint() -> None:
    """Numbers are not rounded, disabled gates are included: the document contains everything to reproduce it."""
    spec = JobSpec(vad_threshold=0.12345, length_penalty=1.00049, compression_ratio_threshold=None)
    job = LESSON.job.model_copy(update={"spec": spec.canonical(), "fingerprint": spec.fingerprint})
    read = Transcript.loads(transcript(job=job).dumps())
    assert JobSpec(**read.job.spec).fingerprint == read.job.fingerprint


def test_text_is_unescaped_utf8_with_one_line_per_segment() -> None:
    """For people, grep and version control."""
    lines = LESSON.dumps().splitlines()
    assert len(lines) == len(KEYS) + len(LESSON.segments)
    assert "médio" in transcript(spoken("médio")).dumps()


@pytest.mark.parametrize("document", [LESSON, DIALOGUE, SILENCE])
def test_real_documents_fit_the_schema(document: Transcript) -> None:
    """Checked by an independent validator."""
    jsonschema.Draft202012Validator(json.loads(schema())).validate(json.loads(document.dumps()))


def test_the_schema_refuses_other_documents() -> None:
    """A segment without times is invalid."""
    broken = json.loads(LESSON.dumps())
    del broken["segments"][0]["start"]
    assert not jsonschema.Draft202012Validator(json.loads(schema())).is_valid(broken)


def test_the_schema_in_docs_is_current() -> None:
    """After a change of the document: python tools/write_schema.py."""
    assert SCHEMA.read_text(encoding="utf-8") == schema()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ('{"text": "", "segments": []}', "not a transcript of this tool"),
        ("[]", "not a transcript of this tool"),
        ('{"schema_version": 2}', "schema version 2"),
        ('{"schema_version": 1}', "not a complete transcript"),
        (LESSON.dumps().replace('"start": 0.0', '"start": NaN', 1), "not JSON"),
        (LESSON.dumps().replace('"start": 0.0', '"start": 1e308', 1), "not a complete transcript"),
        (LESSON.dumps()[:-200], "not JSON"),
    ],
)
def test_an_invalid_transcript_is_refused_by_name(text: str | bytes, says: str) -> None:
    """A truncated file, a file of another tool, a later version."""
    with pytest.raises(TranscribeError, match=r"aula\.json") as caught:
        Transcript.loads(text, "aula.json")
    assert says in str(caught.value)


def test_a_later_tool_may_add_keys() -> None:
    """Unknown keys are ignored."""
    document = json.loads(LESSON.dumps())
    document["chapters"] = []
    document["segments"][0]["channel"] = 1
    assert Transcript.loads(json.dumps(document)) == LESSON


# What follows reads the document with the conditions and fields of the two tools' own writers.


def whisper_cues(result: dict[str, Any]) -> Iterator[tuple[float, float, str]]:
    """As openai/whisper's `SubtitlesWriter.iterate_result` does (whisper/utils.py); if `words` is present, it is a list."""
    if len(result["segments"]) > 0 and "words" in result["segments"][0]:
        for part in result["segments"]:
            for word in part["words"]:
                yield word["start"], word["end"], word["word"]
    else:
        for part in result["segments"]:
            yield part["start"], part["end"], part["text"].strip().replace("-->", "->")


def whisperx_cues(result: dict[str, Any]) -> Iterator[tuple[float, float, str]]:
    """As whisperX's writer does (whisperx/utils.py): words may lack times there; if `speaker` is present, it is a name."""
    if len(result["segments"]) > 0 and "words" in result["segments"][0]:
        for part in result["segments"]:
            start = min(word["start"] for word in part["words"] if "start" in word)
            end = max(word["end"] for word in part["words"] if "end" in word)
            assert all(0 <= word["score"] <= 1 for word in part["words"])
            text = " ".join(word["word"] for word in part["words"])
            speaker = part.get("speaker")
            yield start, end, text if speaker is None else f"[{speaker}]: {text}"
    else:
        for part in result["segments"]:
            text = part["text"].strip().replace("-->", "->")
            if "speaker" in part:
                text = f"[{part['speaker']}]: {text}"
            yield part["start"], part["end"], text


def test_programs_for_openai_whisper_accept_it() -> None:
    """It has the same keys and types; ids start at 0; words have their leading spaces."""
    result = json.loads(LESSON.dumps())
    assert isinstance(result["text"], str)
    assert result["language"] == "pt"
    for number, part in enumerate(result["segments"]):
        assert part["id"] == number
        for key in ("seek", "start", "end", "temperature", "avg_logprob", "compression_ratio", "no_speech_prob"):
            assert math.isfinite(part[key])
        assert isinstance(part["tokens"], list)
        assert "".join(word["word"] for word in part["words"]) == part["text"]
    assert [text for _, _, text in whisper_cues(result)][:4] == [" Bom", " dia", " a", " todos."]


def test_programs_for_openai_whisper_accept_it_without_words() -> None:
    """`words` is absent: null would cause a TypeError there."""
    assert next(whisper_cues(json.loads(DIALOGUE.dumps()))) == (0.0, 1.5, "Bom dia.")
    assert list(whisper_cues(json.loads(SILENCE.dumps()))) == []


def test_programs_for_whisperx_accept_it() -> None:
    """Segments and words with `speaker`, words with `score`."""
    words = tuple(word.model_copy(update={"speaker": "Ana"}) for word in timed("Bom dia."))
    document = json.loads(transcript(segment(" Bom dia.", 0.0, 1.0, words=words, speaker="Ana")).dumps())
    assert [(start, end, " ".join(text.split())) for start, end, text in whisperx_cues(document)] == [
        (0.0, 1.0, "[Ana]: Bom dia.")
    ]
    assert all({"word", "start", "end", "score", "speaker"} <= word.keys() for word in document["segments"][0]["words"])


def test_programs_for_whisperx_see_no_speaker_named_none() -> None:
    """`speaker` is absent if unknown: null would become the name None."""
    document = json.loads(transcript(segment(" Sim.", 2.0, 3.0)).dumps())
    assert list(whisperx_cues(document)) == [(2.0, 3.0, "Sim.")]


def test_only_interpolated_words_are_flagged() -> None:
    """Few words have the flag, so the document stays small."""
    words = (timed("Bom")[0], timed("dia", 0.5)[0].model_copy(update={"aligned": False}))
    document = transcript(segment(" Bom dia", 0.0, 1.0, words=words))
    assert [word.get("aligned") for word in json.loads(document.dumps())["segments"][0]["words"]] == [None, False]
    assert Transcript.loads(document.dumps()) == document


# All formats.


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_format_can_be_written_as_utf8(name: str, tmp_path: Path) -> None:
    """LF, no BOM, no carriage return, also with hostile text; each format has a media type. Binary formats are archives."""
    hostile = transcript(segment(" \ufeffum\r\ndois\x00\x1b[2J", 0.0, 1.0, speaker="\r\nA"), job=LESSON.job)
    written = render(name, hostile)
    assert isinstance(written, bytes) == (name in BINARY_FORMATS)
    if isinstance(written, bytes):
        assert zipfile.ZipFile(io.BytesIO(written)).testzip() is None
        return
    assert not written.startswith("\ufeff")
    assert "\r" not in written
    assert "\x1b" not in written
    written.encode("utf-8")
    assert "/" in MEDIA_TYPES[name]


def test_an_unknown_format_is_refused_with_a_suggestion() -> None:
    """Like every other name from users."""
    with pytest.raises(TranscribeError, match="Did you mean srt"):
        render("srtt", SILENCE)


def test_the_spec_of_the_examples_is_realistic() -> None:
    """The documents above contain what a real run writes."""
    assert LESSON.job.fingerprint == SPEC.fingerprint
