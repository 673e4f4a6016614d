"""The verdict in the header of a transcript: few bytes, whatever is in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.formats.documents import spoken, transcript
from tests.verdicts import HOSTILE, give_verdict, quality, reason
from transcribe_cli.sinks import files, read_header
from transcribe_cli.sinks.header import Header
from transcribe_cli.text.verdicts import Assessment

LONG = transcript(*(spoken("Bom dia a todos.", start=10.0 * number) for number in range(2000)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A long transcript of an earlier version: its quality is behind the text."""
    file = tmp_path / "aula.json"
    file.write_text(LONG.dumps(), "utf-8")
    return file


def assessment(path: Path) -> Assessment:
    """What the header says."""
    header = read_header(path)
    assert header is not None
    return header.assessment


def read_bytes(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The bytes that are read for the header."""
    counted: list[int] = []
    local = files.files_of(path)
    original = type(local).read

    def read(self: Any, path: Path, *window: int) -> bytes:
        data = original(self, path, *window)
        counted.append(len(data))
        return data

    with monkeypatch.context() as patch:
        patch.setattr(type(local), "read", read)
        read_header(path)
    return sum(counted)


def test_verdict_and_reasons_are_in_the_first_4_kib(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a document of any length; the worst reason is first."""
    give_verdict(path, "bad", reason("Loops.", (1.0, 2.0)), reason(HOSTILE, level="bad"))
    found = assessment(path)
    assert found.verdict == "bad"
    assert [(one.detail, one.spans) for one in found.reasons] == [(HOSTILE, ()), ("Loops.", ((1.0, 2.0),))]
    assert read_bytes(path, monkeypatch) <= 4096


def test_a_transcript_of_an_earlier_version_has_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text begins in the first 4 KiB, so the rest is not read."""
    assert assessment(path) == Assessment()
    assert read_bytes(path, monkeypatch) <= 4096
    give_verdict(path, None)
    assert assessment(path) == Assessment()


def test_many_reasons_take_more_reads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is lost, and the text is not read."""
    many = [reason(f"Place {number}", *((float(second), second + 1.0) for second in range(50))) for number in range(40)]
    give_verdict(path, "check", *many)
    assert len(assessment(path).reasons) == 40
    assert all(len(one.spans) == 50 for one in assessment(path).reasons)
    assert read_bytes(path, monkeypatch) < 100_000 < path.stat().st_size


@pytest.mark.parametrize("verdict", ["superb", 3, ["bad"], {"bad": 1}, True])
def test_a_verdict_that_is_none_of_ours_is_no_verdict(path: Path, verdict: object) -> None:
    """The header is read nonetheless."""
    give_verdict(path, verdict, reason("x"))
    assert assessment(path) == Assessment()


@pytest.mark.parametrize(
    "damaged",
    [
        {"code": "x"},
        {"code": "x", "level": "awful", "detail": ""},
        {"code": 1, "level": "bad", "detail": "", "spans": [[-1, 1e300]]},
    ],
)
def test_damaged_reasons_are_no_verdict(path: Path, damaged: dict[str, Any]) -> None:
    """As if an earlier version had written it; the transcript still belongs to its recording."""
    give_verdict(path, "bad", damaged)
    assert assessment(path) == Assessment()


def test_a_file_that_ends_within_its_quality_keeps_its_provenance(path: Path) -> None:
    """A copy that was interrupted."""
    give_verdict(path, "bad", *[reason("x" * 100)] * 100)
    path.write_bytes(path.read_bytes()[:6000])
    assert assessment(path) == Assessment()


def test_the_header_of_a_document_in_memory_has_the_verdict() -> None:
    """The same as that of its file."""
    document = transcript(quality=quality(reason("Loops.", (1.0, 2.0))))
    assert Header.of(document).assessment == Assessment.of("check", [reason("Loops.", (1.0, 2.0))])
    assert json.loads(document.dumps())["quality"]["verdict"] == "check"
