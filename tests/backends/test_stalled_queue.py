"""Jobs in a queue without an active worker."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.backends.conftest import RemoteRunner
from tests.backends.gateway import Gateway
from transcribe_cli.backends.runpod import stalled_queue
from transcribe_cli.backends.runpod.job_status import JobState, JobStatus
from transcribe_cli.errors import NotReady
from transcribe_cli.events import Event, Notice

QUEUED, RUNNING = JobStatus("a", JobState.QUEUED), JobStatus("b", JobState.RUNNING)


class Waiting:
    """A detector with a simulated clock."""

    def __init__(self, counts: Mapping[str, int], timeout: float = 900.0) -> None:
        self.now = 0.0
        self.counts = counts
        self.requests = 0
        self.events: list[Event] = []
        self.detector = stalled_queue.StalledQueueDetector(self._workers, timeout, self.events.append, lambda: self.now)

    def _workers(self) -> Mapping[str, int]:
        self.requests += 1
        return self.counts

    def wait(self, seconds: float, status: JobStatus = QUEUED, step: float = 10.0) -> None:
        """Check a job every `step` seconds."""
        end = self.now + seconds
        while self.now < end:
            self.now += step
            self.detector.check(status)

    @property
    def messages(self) -> list[str]:
        """The messages shown to the user."""
        return [event.message for event in self.events if isinstance(event, Notice)]


def test_a_short_wait_is_not_checked() -> None:
    waiting = Waiting({})
    waiting.wait(50)
    assert (waiting.requests, waiting.messages) == (0, [])


@pytest.mark.parametrize("counts", [{"running": 1}, {"idle": 1}, {"ready": 2, "throttled": 3}, {}])
def test_a_moving_queue_does_not_time_out(counts: dict[str, int]) -> None:
    waiting = Waiting(counts)
    waiting.wait(4 * 3600)
    assert waiting.messages == []


def test_unavailable_gpus_are_reported_once_and_then_time_out() -> None:
    waiting = Waiting({"throttled": 3})
    with pytest.raises(NotReady, match="no such GPU is available"):
        waiting.wait(3600)
    assert 900 < waiting.now < 1100
    assert waiting.messages == ["Jobs are waiting at RunPod: its workers are throttled because no such GPU is available."]


def test_an_image_that_does_not_start_times_out_early() -> None:
    waiting = Waiting({"unhealthy": 1})
    with pytest.raises(NotReady, match="fail to start"):
        waiting.wait(3600)
    assert waiting.now < 400


def test_an_image_that_is_being_pulled_does_not_time_out_early() -> None:
    waiting = Waiting({"initializing": 2, "unhealthy": 1}, timeout=1800)
    waiting.wait(1500)


def test_an_active_worker_restarts_the_timeout() -> None:
    waiting = Waiting({"throttled": 1})
    waiting.wait(800)
    waiting.wait(60, RUNNING)
    waiting.wait(800)
    with pytest.raises(NotReady):
        waiting.wait(400)


def test_workers_are_checked_once_a_minute() -> None:
    waiting = Waiting({"throttled": 1})
    waiting.wait(600, step=1.0)
    assert waiting.requests <= 10


def test_the_run_ends_when_no_worker_starts(gateway: Gateway, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalled_queue, "CHECK_SECONDS", 0.2)
    gateway.workers = {"throttled": 2}
    with pytest.raises(NotReady, match="throttled"):
        remote.run(max_start=0.02)
    assert {job.status for job in gateway.jobs.values()} == {"CANCELLED"}
