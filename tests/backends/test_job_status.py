"""The status of a job, in all the shapes in which the queue reports it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from transcribe_cli.backends.runpod.job_status import JobState, JobStatus
from transcribe_cli.backends.runpod.native_dialect import NativeDialect
from transcribe_cli.errors import BackendFailed, NotReady, TooLong


@pytest.mark.parametrize(
    ("status", "state", "final"),
    [
        ("IN_QUEUE", JobState.QUEUED, False),
        ("IN_PROGRESS", JobState.RUNNING, False),
        ("RUNNING", JobState.RUNNING, False),
        ("SOMETHING_NEW", JobState.RUNNING, False),
        (None, JobState.RUNNING, False),
        ("COMPLETED", JobState.COMPLETED, True),
        ("FAILED", JobState.FAILED, True),
        ("CANCELLED", JobState.CANCELLED, True),
        ("TIMED_OUT", JobState.TIMED_OUT, True),
    ],
)
def test_unknown_states_are_not_final(status: str | None, state: JobState, *, final: bool) -> None:
    parsed = JobStatus.parse({"id": "a", "status": status})
    assert (parsed.state, parsed.state.is_final) == (state, final)


def test_times_are_milliseconds() -> None:
    parsed = JobStatus.parse({"id": "a", "status": "COMPLETED", "delayTime": 2100, "executionTime": 3500.0, "retries": 2})
    assert (parsed.queued_seconds, parsed.compute_seconds, parsed.retries) == (2.1, 3.5, 2)
    odd = JobStatus.parse({"id": "a", "status": "COMPLETED", "delayTime": "soon", "executionTime": None, "retries": True})
    assert (odd.queued_seconds, odd.compute_seconds, odd.retries) == (None, None, 0)


_EXCEPTION = {"error_type": "<class 'ValueError'>", "error_message": "no GPU", "error_traceback": "Traceback …", "hostname": "h"}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (None, ""),
        ("job timed out", "job timed out"),
        (json.dumps(_EXCEPTION), "no GPU"),
        (_EXCEPTION, "no GPU"),
        (["Unexpected input. diarize is not a valid input option."], "Unexpected input. diarize is not a valid input option."),
        ({"message": {"error": ["deep", "down"]}}, "deep; down"),
        ("{not json", "{not json"),
        ("two\nlines  and spaces", "two lines and spaces"),
        (17, "17"),
        ({"other": 1}, '{"other": 1}'),
    ],
)
def test_an_error_of_any_shape_is_one_line(error: Any, text: str) -> None:
    parsed = JobStatus.parse({"id": "a", "status": "FAILED", "error": error})
    assert parsed.error_text == text
    assert isinstance(NativeDialect().error(parsed), BackendFailed)


def test_a_very_long_error_is_truncated() -> None:
    assert len(JobStatus.parse({"id": "a", "status": "FAILED", "error": "x" * 9000}).error_text) == 300


@pytest.mark.parametrize(
    ("of", "kind"), [("recording", TooLong), ("place", BackendFailed), ("setup", NotReady), ("somebody", BackendFailed)]
)
def test_our_worker_reports_what_failed(of: str, kind: type[Exception]) -> None:
    document = json.dumps({"of": of, "code": "too_long", "message": "It is too long.", "hint": "Cut it."})
    error = NativeDialect().error(JobStatus.parse({"id": "a", "status": "FAILED", "error": document}))
    assert type(error) is kind
    assert "too long" in str(error)
