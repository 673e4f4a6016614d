"""What the queue says about jobs, in all its shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from transcribe_cli.backends.runpod.answer import Answer, State
from transcribe_cli.backends.runpod.native_dialect import Ours
from transcribe_cli.errors import BackendFailed, NotReady, TooLong


@pytest.mark.parametrize(
    ("status", "state", "final"),
    [
        ("IN_QUEUE", State.QUEUED, False),
        ("IN_PROGRESS", State.RUNNING, False),
        ("RUNNING", State.RUNNING, False),
        ("SOMETHING_NEW", State.RUNNING, False),
        (None, State.RUNNING, False),
        ("COMPLETED", State.COMPLETED, True),
        ("FAILED", State.FAILED, True),
        ("CANCELLED", State.CANCELLED, True),
        ("TIMED_OUT", State.TIMED_OUT, True),
    ],
)
def test_unknown_states_are_not_final(status: str | None, state: State, *, final: bool) -> None:
    answer = Answer.of({"id": "a", "status": status})
    assert (answer.state, answer.state.is_final) == (state, final)


def test_times_are_milliseconds() -> None:
    answer = Answer.of({"id": "a", "status": "COMPLETED", "delayTime": 2100, "executionTime": 3500.0, "retries": 2})
    assert (answer.queued, answer.computing, answer.retries) == (2.1, 3.5, 2)
    odd = Answer.of({"id": "a", "status": "COMPLETED", "delayTime": "soon", "executionTime": None, "retries": True})
    assert (odd.queued, odd.computing, odd.retries) == (None, None, 0)


_EXCEPTION = {"error_type": "<class 'ValueError'>", "error_message": "no GPU", "error_traceback": "Traceback …", "hostname": "h"}


@pytest.mark.parametrize(
    ("error", "complaint"),
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
def test_an_error_of_any_shape_is_one_line(error: Any, complaint: str) -> None:
    answer = Answer.of({"id": "a", "status": "FAILED", "error": error})
    assert answer.complaint == complaint
    assert isinstance(Ours().failure(answer), BackendFailed)


def test_a_very_long_error_is_cut() -> None:
    assert len(Answer.of({"id": "a", "status": "FAILED", "error": "x" * 9000}).complaint) == 300


@pytest.mark.parametrize(
    ("of", "kind"), [("recording", TooLong), ("place", BackendFailed), ("setup", NotReady), ("somebody", BackendFailed)]
)
def test_our_worker_says_whose_failure_it_is(of: str, kind: type[Exception]) -> None:
    told = json.dumps({"of": of, "code": "too_long", "message": "It is too long.", "hint": "Cut it."})
    found = Ours().failure(Answer.of({"id": "a", "status": "FAILED", "error": told}))
    assert type(found) is kind
    assert "too long" in str(found)
