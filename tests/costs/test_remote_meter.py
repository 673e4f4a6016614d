"""What rented places charge: for machines while they compute, for audio when it is sent, whatever came of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from transcribe_cli.costs.prices import Price, PriceList, load_prices
from transcribe_cli.costs.remote_meter import Bill
from transcribe_cli.costs.usage import Usage
from transcribe_cli.events import RecordingDone, RecordingFailed, RecordingSent, RecordingStarted, RecordingTaken

WORKER = ("runpod.ADA_24",)
AUDIO = ("openai.whisper-1",)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def prices() -> PriceList:
    """A cent a second of a worker, and a dollar for an hour of audio."""
    shipped = load_prices()
    document = shipped.model_dump()
    document["runpod"]["pools"]["ADA_24"]["per_hour"] = 36.0
    document["openai"]["openai"]["models"]["whisper-1"]["per_audio_hour"] = 1.0
    return PriceList.model_validate(document)


@pytest.fixture
def clock() -> Clock:
    """It stands still."""
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Callable[..., Bill]:
    """A bill, with places that are open."""

    def make(here: Price | None = None, **places: tuple[str, ...]) -> Bill:
        bill = Bill(prices, here, clock)
        for name, tariffs in (places or {"runpod": WORKER, "openai": AUDIO}).items():
            bill.opened(name, tariffs)
        return bill

    return make


def took(seconds: float | None, *, backend: str = "runpod", error: str = "", audio: float | None = 3600.0) -> Usage:
    """An attempt that ended."""
    tariffs = {"runpod": WORKER, "openai": AUDIO}.get(backend, ())
    return Usage(backend, "place", tariffs, "j1", seconds, 0.0, audio, error=error)


def done(name: str) -> RecordingDone:
    """The end of a recording."""
    return RecordingDone(name, (), "pt", 1.0, 1.0, 1, ())


def test_nothing_has_cost_nothing(opened: Callable[..., Bill]) -> None:
    """Which is known."""
    assert (opened().so_far(), opened().by_backend(), opened().share("a")) == (0.0, {}, None)


def test_a_machine_is_paid_from_when_it_takes_a_job(opened: Callable[..., Bill], clock: Clock) -> None:
    """Not while it waits in the queue; in the end what the place says counts, whatever it looked like from here."""
    bill = opened()
    bill.hear(RecordingStarted("a", 9, backend="runpod"))
    bill.hear(RecordingSent("a", "runpod", "j1", 9, 3600.0))
    clock.now += 1000
    assert bill.so_far() == 0.0
    bill.hear(RecordingTaken("a", "runpod", "j1", seconds=3.0))
    clock.now += 7
    assert bill.so_far() == pytest.approx(0.10)
    assert bill.by_backend() == {"runpod": pytest.approx(0.10)}
    assert bill.ended("a", took(9.0)).cost == pytest.approx(0.09)
    clock.now += 1000
    assert bill.so_far() == pytest.approx(0.09)


def test_audio_is_paid_when_it_is_sent(opened: Callable[..., Bill], clock: Clock) -> None:
    """However long that takes."""
    bill = opened()
    bill.hear(RecordingSent("a", "openai", "", 9, 1800.0))
    assert bill.so_far() == pytest.approx(0.5)
    clock.now += 1000
    assert bill.so_far() == pytest.approx(0.5)
    assert bill.ended("a", took(0.0, backend="openai", audio=1800.0)).cost == pytest.approx(0.5)
    cost = bill.share("a")
    assert cost is not None
    assert (cost.amount, cost.seconds, cost.per_audio_hour, cost.per_hour) == (pytest.approx(0.5), None, 1.0, None)


def test_a_recording_has_cost_what_all_its_attempts_did(opened: Callable[..., Bill]) -> None:
    """Also those that failed, and at other places; the price is the last one's."""
    bill = opened()
    for usage in (took(10.0, error="place_failed"), took(20.0), took(0.0, backend="openai", audio=360.0)):
        bill.ended("a", usage)
    cost = bill.share("a")
    assert cost is not None
    assert (cost.amount, cost.seconds, cost.per_audio_hour) == (pytest.approx(0.4), 30.0, 1.0)
    assert bill.by_backend() == {"runpod": pytest.approx(0.3), "openai": pytest.approx(0.1)}
    assert bill.so_far() == pytest.approx(0.4)
    bill.hear(done("a"))
    assert bill.share("a") is None
    assert bill.so_far() == pytest.approx(0.4)


def test_what_has_no_price_is_not_known_rather_than_nothing(opened: Callable[..., Bill]) -> None:
    """Neither of the recording nor of the run, once it is used."""
    bill = opened(runpod=WORKER, other=("nobody.knows",))
    assert bill.price("other") is None
    bill.ended("a", took(10.0))
    assert bill.so_far() == pytest.approx(0.1)
    bill.hear(RecordingSent("b", "other", "", 9, 60.0))
    assert bill.so_far() is None
    assert bill.ended("b", took(1.0, backend="other")).cost is None
    assert (bill.share("b"), bill.so_far()) == (None, None)
    assert bill.by_backend() == {"runpod": pytest.approx(0.1), "other": None}


def test_a_place_that_does_not_say_how_long_is_watched(opened: Callable[..., Bill], clock: Clock) -> None:
    """From when the job was seen to begin; of one that nobody saw, nothing is known, and the rest counts."""
    bill = opened()
    bill.hear(RecordingTaken("a", "runpod", "j1"))
    clock.now += 5
    found = bill.ended("a", took(None))
    assert (found.computing, found.cost) == (5.0, pytest.approx(0.05))
    lost = bill.ended("b", took(None, error="perhaps_sent"))
    assert (lost.computing, lost.cost) == (None, None)
    bill.ended("b", took(1.0))
    cost = bill.share("b")
    assert cost is not None
    assert cost.amount == pytest.approx(0.01)
    assert bill.so_far() == pytest.approx(0.06)
    bill.ended("c", took(None))
    assert bill.share("c") is None


def test_what_is_stopped_has_cost_until_then(opened: Callable[..., Bill], clock: Clock) -> None:
    """And what waited in the queue, nothing; what another run collects is that one's."""
    bill = opened()
    for name in "abc":
        bill.hear(RecordingSent(name, "runpod", f"job-{name}", 9, 60.0, "ep1"))
    bill.hear(RecordingTaken("a", "runpod", "job-a"))
    bill.hear(RecordingTaken("c", "runpod", "job-c"))
    clock.now += 4
    bill.left("c")
    found = dict(bill.stopped("runpod"))
    assert {name: (usage.job_id, usage.computing, usage.error) for name, usage in found.items()} == {
        "a": ("job-a", 4.0, "cancelled"),
        "b": ("job-b", 0.0, "cancelled"),
    }
    assert (found["a"].place, found["a"].cost, found["b"].cost) == ("ep1", pytest.approx(0.04), 0.0)
    assert bill.so_far() == pytest.approx(0.04)
    assert not list(bill.stopped("runpod"))


def test_this_machine_costs_while_it_works(opened: Callable[..., Bill], clock: Clock) -> None:
    """Not while it waits for other places."""
    bill = opened(here=Price("me", per_hour=3.6))
    bill.hear(RecordingStarted("a", 9, backend="runpod"))
    bill.ended("a", took(10.0, error="place_failed"))
    clock.now += 1000
    assert bill.so_far() == pytest.approx(0.1)
    bill.hear(RecordingStarted("a", 9, backend="local"))
    clock.now += 20
    cost = bill.share("a")
    assert cost is not None
    assert (cost.amount, cost.seconds, cost.source) == (pytest.approx(0.12), 30.0, "me")
    bill.hear(RecordingFailed("a", "x", "y", ""))
    clock.now += 1000
    assert bill.by_backend() == {"runpod": pytest.approx(0.1), "local": pytest.approx(0.02)}


def test_a_machine_of_ones_own_has_no_bill(opened: Callable[..., Bill], clock: Clock) -> None:
    """Alone it leaves none; beside other places it adds nothing."""
    bill = opened()
    bill.hear(RecordingStarted("a", 9, backend="local"))
    clock.now += 20
    assert (bill.so_far(), bill.share("a")) == (None, None)
    bill.ended("b", took(1.0))
    assert (bill.so_far(), bill.by_backend()) == (pytest.approx(0.01), {"runpod": pytest.approx(0.01)})


def test_prices_are_asked_for_once_and_late(clock: Clock) -> None:
    """A run with nothing to do asks nobody."""
    asked: list[bool] = []
    bill = Bill(lambda: asked.append(True) or prices(), clock=clock)
    bill.so_far()
    assert not asked
    assert bill.opened("runpod", ("runpod.AMPERE_16", "runpod.ADA_24")) == bill.opened("runpod", WORKER)
    assert asked == [True]
    two = bill.opened("runpod", ("runpod.ADA_24*2",))
    assert two is not None
    assert two.per_hour == 72.0
