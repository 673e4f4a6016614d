"""No record of a lease, a job, a checkpoint or an answer makes a run fail in another way than with an error of ours.

The attacker may write into a folder for outputs or a state folder that several users share, or runs the server that answers.
"""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.security.hostile_data import FUZZ, ODD_JSON, VALUE, as_json, mutated, only_ours
from transcribe_cli import state_folder
from transcribe_cli.backends.job_ids import JobIdFile
from transcribe_cli.backends.openai import answer, answer_cache
from transcribe_cli.backends.protocol import RemoteJob, RemoteResult
from transcribe_cli.backends.runpod.job_status import JobStatus
from transcribe_cli.batch.failures import Failures
from transcribe_cli.batch.leases.owner import Owner
from transcribe_cli.pipeline import checkpoint
from transcribe_cli.pipeline.checkpoint import Checkpoint
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.sources import Recording
from transcribe_cli.text.json_data import parse_json

# leases, records, answers

LEASE = json.loads(Owner.this_process("2026-01-01T00:00:00Z").dumps())
JOB_ID = {
    "name": "a",
    "backend": "b",
    "place": "c",
    "id": "d",
    "sent": 1.0,
    "bytes": 1,
    "seconds": 1.0,
    "flags": ["x"],
    "skipped": 0,
}
FAILURE = {"uri": "a", "size": 1, "modified": "x", "code": "c", "message": "m", "at": "t"}
CLIP = {
    "attempt": {
        "tokens": [1],
        "text": "a",
        "temperature": 0.0,
        "avg_logprob": -0.1,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    },
    "words": [["a", 0.0, 0.5, 0.9, [1]]],
    "phrases": [["a", 0.0, 0.5, [1]]],
    "seconds": 1.0,
}
ANSWER = {
    "text": "a b",
    "language": "pt",
    "duration": 1.0,
    "words": [{"word": "a", "start": 0.0, "end": 0.5, "probability": 0.5}],
    "segments": [
        {"text": "a b", "start": 0.0, "end": 1.0, "tokens": [1], "avg_logprob": -0.1, "compression_ratio": 1.0, "words": []}
    ],
}


@FUZZ
@given(mutated(LEASE) | ODD_JSON)
def test_leases(data: bytes) -> None:
    """An empty owner for what is not a lease."""
    owner = Owner.loads(data)
    assert math.isfinite(owner.seconds / max(owner.duration, 1.0))
    assert owner.has_ended in (True, False)


@FUZZ
@given(mutated(JOB_ID) | ODD_JSON, mutated(FAILURE) | ODD_JSON)
def test_records_of_the_state_folder(tmp_path_factory: pytest.TempPathFactory, job: bytes, failure: bytes) -> None:
    """None for what is not valid."""
    folder = tmp_path_factory.getbasetemp() / "records"
    folder.mkdir(exist_ok=True)
    (folder / "job").write_bytes(job)
    record = JobIdFile(folder / "job").read()
    assert record is None or (isinstance(record.id, str) and isinstance(record.flags, tuple) and math.isfinite(record.sent))
    failures, recording = Failures(folder), Recording(Path("/x"), Path("/"), size=1, modified="x")
    path = failures._state_files.path(recording.uri)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(failure)
    found = failures.of(recording)
    assert found is None or all(isinstance(value, str) for value in (found.message, found.code, found.at))


@FUZZ
@given(st.lists(mutated({"key": "k", "answer": ANSWER, "clip": "[]"}) | ODD_JSON, max_size=3))
def test_checkpoints_and_answers_on_disk(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    """Lines that are not valid are skipped."""
    path = tmp_path_factory.getbasetemp() / "lines.jsonl"
    path.write_bytes(b"\n".join(lines))
    assert all(isinstance(record, dict) for record in state_folder.read_records(path))
    assert all(isinstance(found, dict) for found in answer_cache._read(path).values())
    Checkpoint(path).close()


@FUZZ
@given(mutated(CLIP))
def test_clips_in_checkpoints(data: bytes) -> None:
    """The errors that count as another version, or numbers in range."""
    try:
        result = checkpoint._result(cast("Clip", None), parse_json(data))
    except (ValueError, KeyError, TypeError):
        return
    assert all(0 <= word.start <= 1e8 and word.text + "" == word.text for word in result.words)


@FUZZ
@given(mutated(ANSWER))
def test_answers_of_a_server(data: bytes) -> None:
    """Numbers in range, whatever the server says."""
    try:
        document = parse_json(data)
    except ValueError:
        return
    if isinstance(document, dict):
        answer.language_of(document)
        answer.has_times(document)
        for segment in answer._segments(document):
            assert answer._span(segment) is not None
            answer._tokens(segment)


@FUZZ
@given(
    mutated(
        {
            "id": "x",
            "status": "COMPLETED",
            "output": {},
            "error": '{"error_message": "x"}',
            "delayTime": 1,
            "executionTime": 2,
            "retries": 1,
        }
    ),
    VALUE,
)
def test_jobs_of_a_queue(data: bytes, value: object) -> None:
    """Of RunPod; and the documents that client and worker exchange."""
    try:
        document = parse_json(data)
    except ValueError:
        return
    if isinstance(document, dict):
        status = JobStatus.parse(document)
        assert isinstance(status.error_text, str)
        assert status.worker_failure is None or isinstance(status.worker_failure, dict)
    only_ours(lambda: RemoteJob.parse(value))
    with contextlib.suppress(ValueError):
        RemoteResult.model_validate({"transcript": value}).parse_transcript()


def test_the_lease_is_valid_before_it_is_changed() -> None:
    """So the changes reach all of the parser."""
    assert Owner.loads(as_json(LEASE)).host
