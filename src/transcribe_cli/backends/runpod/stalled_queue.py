"""Jobs that wait in a queue where nobody takes them: why that is, and when to give up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from transcribe_cli.backends.runpod.answer import Answer, State
from transcribe_cli.errors import NotReady
from transcribe_cli.events import Emit, Notice

# After which people want to know why nothing happens, and how often it is looked at; in seconds.
ASK_SECONDS = 60.0
# An image that starts is not called unhealthy for so long.
_UNHEALTHY_SECONDS = 180.0
_AT_WORK = ("running", "idle", "ready")


class Watch:
    """The workers of an endpoint. From any thread.

    Args:
        workers: asks how many there are, by what they do.
        patience: seconds without any worker at work after which the endpoint is given up.
        clock: seconds, monotonic.
    """

    def __init__(
        self, workers: Callable[[], Mapping[str, int]], patience: float, emit: Emit, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._workers = workers
        self._patience = patience
        self._emit = emit
        self._clock = clock
        self._changing = threading.Lock()
        self._alive = self._asked = clock()
        self._said = ""

    def saw(self, answer: Answer) -> None:
        """A job's status.

        Raises:
            NotReady: nobody has been at work for too long; the message says why.
        """
        with self._changing:
            now = self._clock()
            if answer.state is not State.QUEUED:
                self._alive = now
                return
            if now - max(self._alive, self._asked) < ASK_SECONDS:
                return
            self._asked = now
            counts = self._workers()
            if not counts or any(counts.get(kind) for kind in _AT_WORK):
                self._alive = now
                return
            idle, why, hint = now - self._alive, *_reason(counts)
            unhealthy = bool(counts.get("unhealthy")) and not counts.get("initializing")
            if idle > self._patience or (unhealthy and idle > _UNHEALTHY_SECONDS):
                raise NotReady(f"No worker of the RunPod endpoint has taken a job for {idle / 60:.0f} minutes: {why}.", hint)
            if why != self._said:
                self._said = why
                self._emit(Notice(f"Jobs wait at RunPod: {why}.", "warning"))


def _reason(counts: Mapping[str, int]) -> tuple[str, str]:
    """Why no worker is at work, and what to do."""
    if counts.get("unhealthy"):
        return "its workers fail to start", "Look at their logs in the console: is the image right, does the model fit the GPU?"
    if counts.get("initializing"):
        return "its workers are starting", "A large image takes minutes the first time; --max-start waits longer."
    if counts.get("throttled"):
        return "its workers are throttled, because no such GPU is free", "Add other GPU types to the endpoint, or try later."
    return "it has no workers", "Is `max workers` of the endpoint above 0? Is the account in credit?"
