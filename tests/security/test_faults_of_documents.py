"""Attacks through the number of faults in a document, and through texts that are printed.

The attacker plants a transcript, or owns the endpoint that is asked for one. A list of three million wrong segments is a file of 6 MB; they
want the memory that a description of each fault takes, or their own bytes on the user's terminal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.transcripts import transcript_of
from transcribe_cli.backends.protocol import Failure, RemoteDiarization, RemoteResult
from transcribe_cli.backends.runpod.job_status import JobStatus
from transcribe_cli.errors import TranscribeError
from transcribe_cli.events import RecordingDone
from transcribe_cli.reporting.messages import message_for
from transcribe_cli.scoring.readers.json import _File
from transcribe_cli.sources import Recording
from transcribe_cli.text.first_fault import MAX_KEYS, FirstFaultModel
from transcribe_cli.text.json_data import MAX_ITEMS, parse_json
from transcribe_cli.transcript import Transcript

DOCUMENT: dict[str, Any] = json.loads(transcript_of(Recording(Path("/in/a.wav"), Path("/in"))).dumps())
MODELS: list[type[FirstFaultModel]] = [Transcript, RemoteDiarization, _File]


def faults(model: type[FirstFaultModel], document: dict[str, Any]) -> int:
    """How many faults are described."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(document)
    return caught.value.error_count()


@pytest.mark.parametrize("items", [[1] * 5_000, [{}] * 5_000, [[]] * 5_000])
@pytest.mark.parametrize("field", ["segments", "turns"])
def test_a_list_is_checked_up_to_its_first_fault(field: str, items: list[object]) -> None:
    assert faults(Transcript, DOCUMENT | {field: items}) < 10


@pytest.mark.parametrize("field", ["words", "tokens", "flags"])
def test_so_are_the_lists_in_a_list(field: str) -> None:
    """A thousand segments with a thousand faults each."""
    segment = DOCUMENT["segments"][0] | {field: [None] * 1_000}
    assert faults(Transcript, DOCUMENT | {"segments": [segment] * 1_000}) < 10


@pytest.mark.parametrize("field", ["outputs", "subtitles", "speaker_names"])
def test_a_dict_has_a_limit(field: str) -> None:
    assert faults(Transcript, DOCUMENT | {field: dict.fromkeys(map(str, range(MAX_KEYS + 1)), 5)}) == 1


@pytest.mark.parametrize("document", [{"turns": [1] * 5_000}, {"turns": [], "embeddings": {"a": ["x"] * 5_000}}])
def test_answers_of_an_endpoint_too(document: dict[str, Any]) -> None:
    assert faults(RemoteDiarization, document) < 10
    with pytest.raises(ValidationError) as caught:
        RemoteResult.model_validate({"voices": document})
    assert caught.value.error_count() < 10


def test_transcripts_of_other_tools_too() -> None:
    assert faults(_File, {"segments": [1] * 5_000, "turns": [2] * 5_000}) < 10


def test_valid_documents_are_read_as_before() -> None:
    assert json.loads(Transcript.loads(json.dumps(DOCUMENT)).dumps()) == DOCUMENT


@pytest.mark.parametrize("seconds", [-1.0, 1e308, float("inf"), float("nan")])
def test_the_time_that_an_endpoint_claims_has_a_range(seconds: float) -> None:
    with pytest.raises(ValidationError):
        RemoteResult(seconds=seconds)


@pytest.mark.parametrize(
    "change",
    [{"language": "x" * 3_000_000}, {"flags": ["x" * 3_000_000]}, {"flags": ["x"] * 3_000}],
    ids=["language", "flag", "flags"],
)
def test_what_is_printed_with_each_recording_has_a_length(change: dict[str, Any]) -> None:
    with pytest.raises(TranscribeError) as caught:
        Transcript.loads(json.dumps(DOCUMENT | change))
    assert len(str(caught.value)) < 500


def test_language_and_flags_are_escaped_on_the_terminal() -> None:
    """They come from an endpoint. OSC 52 writes the clipboard."""
    attack = "\x1b]52;c;eA==\x07\x9b31m\u202e\r\n"
    event = RecordingDone("a.wav", (), attack, 1.0, 1.0, 5, (attack,))
    line = message_for(event)
    assert line is not None
    assert line.isprintable()


def test_a_document_has_a_number_of_items() -> None:
    """Forty million empty lists in a gzip of 120 kB took eight gigabytes."""
    parse_json("[" + "[]," * 1_000 + "1]")
    for data in (b"[" + b"[]," * MAX_ITEMS + b"1]", "{" * (MAX_ITEMS + 1)):
        with pytest.raises(ValueError, match="too many items"):
            parse_json(data)


@pytest.mark.parametrize(
    "job_id", ["x" * 3_000_000, "..", ".", "../../x", "a\x1b[2J", "a b", "a/b", "\u0661", ["x"], 5, None, {}, ""]
)
@pytest.mark.parametrize("state", ["IN_QUEUE", "FAILED"])
def test_an_id_that_no_url_and_no_message_can_hold_is_none(job_id: object, state: str) -> None:
    """A long one ended the run: httpx refuses the URL."""
    assert JobStatus.parse({"id": job_id, "status": state}).id == ""


@pytest.mark.parametrize("job_id", ["j1", "0f6a3c1e-52b7-4d0e-9c53-7d7f2c1b0a11-u1", "sync-0f6a3c1e.e1"])
def test_ids_of_jobs(job_id: str) -> None:
    assert JobStatus.parse({"id": job_id}).id == job_id


def test_sentences_of_a_worker_have_a_length() -> None:
    failure = Failure.model_validate({"of": "recording", "code": "x" * 10**6, "message": "y" * 10**6, "hint": "z" * 10**6})
    assert max(map(len, (failure.code, failure.message, failure.hint))) < 1_000
