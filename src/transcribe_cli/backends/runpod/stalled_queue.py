"""Detects jobs that wait in a queue without an active worker: reports why, and gives up after a timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from transcribe_cli.backends.runpod.job_status import JobState, JobStatus
from transcribe_cli.errors import NotReady
from transcribe_cli.events import Emit, Notice

# How long jobs wait before the workers are checked for the first time, and the interval between checks; in seconds.
CHECK_SECONDS = 60.0
# A starting image may count as unhealthy for this long.
_UNHEALTHY_SECONDS = 180.0
_ACTIVE_STATES = ("running", "idle", "ready")


class StalledQueueDetector:
    """Watches whether an endpoint has active workers. Thread-safe.

    Args:
        worker_counts: requests the number of workers by state.
        timeout: seconds without an active worker after which to give up.
        emit: receives a warning for each new reason.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        worker_counts: Callable[[], Mapping[str, int]],
        timeout: float,
        emit: Emit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._worker_counts = worker_counts
        self._timeout = timeout
        self._emit = emit
        self._clock = clock
        self._lock = threading.Lock()
        self._last_active = self._last_check = clock()
        self._last_reason = ""

    def check(self, status: JobStatus) -> None:
        """Take the status of a job into account.

        Raises:
            NotReady: no worker has been active for too long; the message gives the reason.
        """
        with self._lock:
            now = self._clock()
            if status.state is not JobState.QUEUED:
                self._last_active = now
                return
            if now - max(self._last_active, self._last_check) < CHECK_SECONDS:
                return
            self._last_check = now
            counts = self._worker_counts()
            if not counts or any(counts.get(state) for state in _ACTIVE_STATES):
                self._last_active = now
                return
            idle, reason, hint = now - self._last_active, *_reason(counts)
            unhealthy = bool(counts.get("unhealthy")) and not counts.get("initializing")
            if idle > self._timeout or (unhealthy and idle > _UNHEALTHY_SECONDS):
                raise NotReady(f"No worker of the RunPod endpoint has taken a job for {idle / 60:.0f} minutes: {reason}.", hint)
            if reason != self._last_reason:
                self._last_reason = reason
                self._emit(Notice(f"Jobs are waiting at RunPod: {reason}.", "warning"))


def _reason(counts: Mapping[str, int]) -> tuple[str, str]:
    """Why no worker is active, and a hint."""
    if counts.get("unhealthy"):
        return (
            "its workers fail to start",
            "Check their logs in the console: is the image correct, and does the model fit on the GPU?",
        )
    if counts.get("initializing"):
        return "its workers are starting", "A large image takes minutes the first time; --max-start extends the timeout."
    if counts.get("throttled"):
        return "its workers are throttled because no such GPU is available", "Add other GPU types to the endpoint, or try later."
    return "it has no workers", "Check that max workers of the endpoint is above 0, and that the account has credit."
