"""Jobs that nobody takes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.backends.conftest import RemoteRunner
from tests.backends.gateway import Gateway
from transcribe_cli.backends.runpod import stalled_queue
from transcribe_cli.backends.runpod.answer import Answer, State
from transcribe_cli.errors import NotReady
from transcribe_cli.events import Event, Notice

QUEUED, RUNNING = Answer("a", State.QUEUED), Answer("b", State.RUNNING)


class Waiting:
    """A watch with a clock of its own."""

    def __init__(self, counts: Mapping[str, int], patience: float = 900.0) -> None:
        self.now = 0.0
        self.counts = counts
        self.asked = 0
        self.events: list[Event] = []
        self.watch = stalled_queue.Watch(self._workers, patience, self.events.append, lambda: self.now)

    def _workers(self) -> Mapping[str, int]:
        self.asked += 1
        return self.counts

    def wait(self, seconds: float, answer: Answer = QUEUED, step: float = 10.0) -> None:
        """Look at a job again and again."""
        end = self.now + seconds
        while self.now < end:
            self.now += step
            self.watch.saw(answer)

    @property
    def said(self) -> list[str]:
        """What people were told."""
        return [event.message for event in self.events if isinstance(event, Notice)]


def test_a_short_wait_is_nobodys_business() -> None:
    waiting = Waiting({})
    waiting.wait(50)
    assert (waiting.asked, waiting.said) == (0, [])


@pytest.mark.parametrize("counts", [{"running": 1}, {"idle": 1}, {"ready": 2, "throttled": 3}, {}])
def test_a_queue_that_moves_is_waited_for(counts: dict[str, int]) -> None:
    waiting = Waiting(counts)
    waiting.wait(4 * 3600)
    assert waiting.said == []


def test_no_gpu_in_stock_is_said_once_and_then_given_up() -> None:
    waiting = Waiting({"throttled": 3})
    with pytest.raises(NotReady, match="no such GPU is free"):
        waiting.wait(3600)
    assert 900 < waiting.now < 1100
    assert waiting.said == ["Jobs wait at RunPod: its workers are throttled, because no such GPU is free."]


def test_an_image_that_does_not_start_is_given_up_soon() -> None:
    waiting = Waiting({"unhealthy": 1})
    with pytest.raises(NotReady, match="fail to start"):
        waiting.wait(3600)
    assert waiting.now < 400


def test_an_image_that_is_being_pulled_has_its_time() -> None:
    waiting = Waiting({"initializing": 2, "unhealthy": 1}, patience=1800)
    waiting.wait(1500)


def test_a_worker_that_came_and_went_begins_the_wait_anew() -> None:
    waiting = Waiting({"throttled": 1})
    waiting.wait(800)
    waiting.wait(60, RUNNING)
    waiting.wait(800)
    with pytest.raises(NotReady):
        waiting.wait(400)


def test_it_is_asked_about_once_a_minute() -> None:
    waiting = Waiting({"throttled": 1})
    waiting.wait(600, step=1.0)
    assert waiting.asked <= 10


def test_the_run_ends_when_nobody_comes(gateway: Gateway, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalled_queue, "ASK_SECONDS", 0.2)
    gateway.workers = {"throttled": 2}
    with pytest.raises(NotReady, match="throttled"):
        remote.run(max_start=0.02)
    assert {job.status for job in gateway.jobs.values()} == {"CANCELLED"}
