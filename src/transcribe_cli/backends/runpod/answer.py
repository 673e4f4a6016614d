"""What the queue says about a job: its state, times, output or error, in whatever shape it comes.

https://docs.runpod.io/serverless/endpoints/job-states. The body of an error is not documented: it may be a text, a text that holds JSON
(of an exception in the worker), a list, or what a worker gave.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_LONGEST = 300


class State(StrEnum):
    """Where a job is. What the queue may say beyond the documented states counts as `running`."""

    QUEUED = "IN_QUEUE"
    RUNNING = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the job."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Answer:
    """A job's status. `queued` and `computing` in seconds, None where it does not say; `output` of a running job is its last progress."""

    id: str
    state: State
    output: Any = None
    error: Any = None
    queued: float | None = None
    computing: float | None = None
    retries: int = 0

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Answer:
        """From the body of an answer, of which only `id` and `status` are sure to be there."""
        try:
            state = State(str(document.get("status")))
        except ValueError:
            state = State.RUNNING
        return cls(
            id=str(document.get("id") or ""),
            state=state,
            output=document.get("output"),
            error=document.get("error"),
            queued=_seconds(document.get("delayTime")),
            computing=_seconds(document.get("executionTime")),
            retries=int(_number(document.get("retries")) or 0),
        )

    @property
    def complaint(self) -> str:
        """The error as a line for people."""
        return " ".join(_text(self.error).split())[:_LONGEST]

    @property
    def failure(self) -> Mapping[str, Any] | None:
        """The error as our worker tells it; None when it is another's."""
        document = _parsed(self.error)
        return document if isinstance(document, dict) and {"of", "code", "message"} <= document.keys() else None


def _text(error: Any) -> str:  # noqa: ANN401 - any JSON
    document = _parsed(error)
    if isinstance(document, dict):
        known = [document[key] for key in ("error_message", "message", "error") if document.get(key)]
        return _text(known[0]) if known else json.dumps(document, ensure_ascii=False)
    if isinstance(document, list):
        return "; ".join(_text(part) for part in document)
    return "" if document is None else str(document)


def _parsed(error: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(error, str) and error.lstrip().startswith(("{", "[")):
        try:
            return json.loads(error)
        except ValueError:
            return error
    return error


def _seconds(milliseconds: Any) -> float | None:  # noqa: ANN401 - any JSON
    number = _number(milliseconds)
    return None if number is None else number / 1000


def _number(value: Any) -> float | None:  # noqa: ANN401 - any JSON
    real = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    return float(value) if real else None
