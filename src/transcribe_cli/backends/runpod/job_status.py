"""The status of a job as RunPod's queue reports it: state, times, output or error, in any of the shapes that occur.

https://docs.runpod.io/serverless/endpoints/job-states. The type of `error` is not documented: it may be a text, a text that contains JSON
(an exception in the worker), a list, or what the worker returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.numbers import MAX_COUNT

_MAX_ERROR_LENGTH = 300
# An id is part of URLs, messages and records; not of dots only, which would lead elsewhere.
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,200}", re.ASCII)


class JobState(StrEnum):
    """The state of a job. States that are not documented count as `running`."""

    QUEUED = "IN_QUEUE"
    RUNNING = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def is_final(self) -> bool:
        """Whether the state cannot change any more."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class JobStatus:
    """The status of a job.

    `queued_seconds` and `compute_seconds` are None if the queue does not report them. The `output` of a running job is its latest progress.
    """

    id: str
    state: JobState
    output: Any = None
    error: Any = None
    queued_seconds: float | None = None
    compute_seconds: float | None = None
    retries: int = 0

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> JobStatus:
        """Parse the body of a response, of which only `id` and `status` are certain to be present."""
        try:
            state = JobState(str(document.get("status")))
        except ValueError:
            state = JobState.RUNNING
        return cls(
            id=_id(document.get("id")),
            state=state,
            output=document.get("output"),
            error=document.get("error"),
            queued_seconds=_seconds(document.get("delayTime")),
            compute_seconds=_seconds(document.get("executionTime")),
            retries=int(_number(document.get("retries")) or 0),
        )

    @property
    def error_text(self) -> str:
        """The error on one line."""
        return " ".join(_text(self.error).split())[:_MAX_ERROR_LENGTH]

    @property
    def worker_failure(self) -> Mapping[str, Any] | None:
        """The error as a `protocol.Failure` document; None if it is not from `transcribe worker`."""
        document = _parse_json(self.error)
        return document if isinstance(document, dict) and {"of", "code", "message"} <= document.keys() else None


def _id(given: Any) -> str:  # noqa: ANN401 - any JSON
    return given if isinstance(given, str) and _ID.fullmatch(given) else ""


def _text(error: Any) -> str:  # noqa: ANN401 - any JSON
    document = _parse_json(error)
    if isinstance(document, dict):
        known = [document[key] for key in ("error_message", "message", "error") if document.get(key)]
        return _text(known[0]) if known else json.dumps(document, ensure_ascii=False)
    if isinstance(document, list):
        return "; ".join(_text(part) for part in document)
    return "" if document is None else str(document)


def _parse_json(error: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(error, str) and error.lstrip().startswith(("{", "[")):
        try:
            return parse_json(error)
        except ValueError:
            return error
    return error


def _seconds(milliseconds: Any) -> float | None:  # noqa: ANN401 - any JSON
    number = _number(milliseconds)
    return None if number is None else number / 1000


def _number(value: Any) -> float | None:  # noqa: ANN401 - any JSON
    is_valid = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT
    return float(value) if is_valid else None
