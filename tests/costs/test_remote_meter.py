"""What rented places charge: for machines while they compute, for audio when it is sent, whatever came of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from transcribe_cli.costs.prices import Price, PriceList, load_prices
from transcribe_cli.costs.remote_meter import RemoteMeter
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
def opened(clock: Clock) -> Callable[..., RemoteMeter]:
    """A meter, with places that are open."""

    def make(here: Price | None = None, **places: tuple[str, ...]) -> RemoteMeter:
        meter = RemoteMeter(prices, here, clock)
        for name, tariffs in (places or {"runpod": WORKER, "openai": AUDIO}).items():
            meter.add_backend(name, tariffs)
        return meter

    return make


def took(seconds: float | None, *, backend: str = "runpod", error: str = "", audio: float | None = 3600.0) -> Usage:
    """An attempt that ended."""
    tariffs = {"runpod": WORKER, "openai": AUDIO}.get(backend, ())
    return Usage(backend, "place", tariffs, "j1", seconds, 0.0, audio, error=error)


def done(name: str) -> RecordingDone:
    """The end of a recording."""
    return RecordingDone(name, (), "pt", 1.0, 1.0, 1, ())


def test_nothing_has_cost_nothing(opened: Callable[..., RemoteMeter]) -> None:
    """Which is known."""
    assert (opened().total_cost(), opened().cost_by_backend(), opened().recording_cost("a")) == (0.0, {}, None)


def test_a_machine_is_paid_from_when_it_takes_a_job(opened: Callable[..., RemoteMeter], clock: Clock) -> None:
    """Not while it waits in the queue; in the end what the place says counts, whatever it looked like from here."""
    meter = opened()
    meter.on_event(RecordingStarted("a", 9, backend="runpod"))
    meter.on_event(RecordingSent("a", "runpod", "j1", 9, 3600.0))
    clock.now += 1000
    assert meter.total_cost() == 0.0
    meter.on_event(RecordingTaken("a", "runpod", "j1", seconds=3.0))
    clock.now += 7
    assert meter.total_cost() == pytest.approx(0.10)
    assert meter.cost_by_backend() == {"runpod": pytest.approx(0.10)}
    assert meter.end_attempt("a", took(9.0)).cost == pytest.approx(0.09)
    clock.now += 1000
    assert meter.total_cost() == pytest.approx(0.09)


def test_audio_is_paid_when_it_is_sent(opened: Callable[..., RemoteMeter], clock: Clock) -> None:
    """However long that takes."""
    meter = opened()
    meter.on_event(RecordingSent("a", "openai", "", 9, 1800.0))
    assert meter.total_cost() == pytest.approx(0.5)
    clock.now += 1000
    assert meter.total_cost() == pytest.approx(0.5)
    assert meter.end_attempt("a", took(0.0, backend="openai", audio=1800.0)).cost == pytest.approx(0.5)
    cost = meter.recording_cost("a")
    assert cost is not None
    assert (cost.amount, cost.seconds, cost.per_audio_hour, cost.per_hour) == (pytest.approx(0.5), None, 1.0, None)


def test_a_recording_has_cost_what_all_its_attempts_did(opened: Callable[..., RemoteMeter]) -> None:
    """Also those that failed, and at other places; the price is the last one's."""
    meter = opened()
    for usage in (took(10.0, error="place_failed"), took(20.0), took(0.0, backend="openai", audio=360.0)):
        meter.end_attempt("a", usage)
    cost = meter.recording_cost("a")
    assert cost is not None
    assert (cost.amount, cost.seconds, cost.per_audio_hour) == (pytest.approx(0.4), 30.0, 1.0)
    assert meter.cost_by_backend() == {"runpod": pytest.approx(0.3), "openai": pytest.approx(0.1)}
    assert meter.total_cost() == pytest.approx(0.4)
    meter.on_event(done("a"))
    assert meter.recording_cost("a") is None
    assert meter.total_cost() == pytest.approx(0.4)


def test_what_has_no_price_is_not_known_rather_than_nothing(opened: Callable[..., RemoteMeter]) -> None:
    """Neither of the recording nor of the run, once it is used."""
    meter = opened(runpod=WORKER, other=("nobody.knows",))
    assert meter.price("other") is None
    meter.end_attempt("a", took(10.0))
    assert meter.total_cost() == pytest.approx(0.1)
    meter.on_event(RecordingSent("b", "other", "", 9, 60.0))
    assert meter.total_cost() is None
    assert meter.end_attempt("b", took(1.0, backend="other")).cost is None
    assert (meter.recording_cost("b"), meter.total_cost()) == (None, None)
    assert meter.cost_by_backend() == {"runpod": pytest.approx(0.1), "other": None}


def test_a_place_that_does_not_say_how_long_is_watched(opened: Callable[..., RemoteMeter], clock: Clock) -> None:
    """From when the job was seen to begin; of one that nobody saw, nothing is known, and the rest counts."""
    meter = opened()
    meter.on_event(RecordingTaken("a", "runpod", "j1"))
    clock.now += 5
    found = meter.end_attempt("a", took(None))
    assert (found.computing, found.cost) == (5.0, pytest.approx(0.05))
    lost = meter.end_attempt("b", took(None, error="perhaps_sent"))
    assert (lost.computing, lost.cost) == (None, None)
    meter.end_attempt("b", took(1.0))
    cost = meter.recording_cost("b")
    assert cost is not None
    assert cost.amount == pytest.approx(0.01)
    assert meter.total_cost() == pytest.approx(0.06)
    meter.end_attempt("c", took(None))
    assert meter.recording_cost("c") is None


def test_what_is_stopped_has_cost_until_then(opened: Callable[..., RemoteMeter], clock: Clock) -> None:
    """And what waited in the queue, nothing; what another run collects is that one's."""
    meter = opened()
    for name in "abc":
        meter.on_event(RecordingSent(name, "runpod", f"job-{name}", 9, 60.0, "ep1"))
    meter.on_event(RecordingTaken("a", "runpod", "job-a"))
    meter.on_event(RecordingTaken("c", "runpod", "job-c"))
    clock.now += 4
    meter.drop_attempt("c")
    found = dict(meter.cancel_attempts("runpod"))
    assert {name: (usage.job_id, usage.computing, usage.error) for name, usage in found.items()} == {
        "a": ("job-a", 4.0, "cancelled"),
        "b": ("job-b", 0.0, "cancelled"),
    }
    assert (found["a"].place, found["a"].cost, found["b"].cost) == ("ep1", pytest.approx(0.04), 0.0)
    assert meter.total_cost() == pytest.approx(0.04)
    assert not list(meter.cancel_attempts("runpod"))


def test_this_machine_costs_while_it_works(opened: Callable[..., RemoteMeter], clock: Clock) -> None:
    """Not while it waits for other places."""
    meter = opened(here=Price("me", per_hour=3.6))
    meter.on_event(RecordingStarted("a", 9, backend="runpod"))
    meter.end_attempt("a", took(10.0, error="place_failed"))
    clock.now += 1000
    assert meter.total_cost() == pytest.approx(0.1)
    meter.on_event(RecordingStarted("a", 9, backend="local"))
    clock.now += 20
    cost = meter.recording_cost("a")
    assert cost is not None
    assert (cost.amount, cost.seconds, cost.source) == (pytest.approx(0.12), 30.0, "me")
    meter.on_event(RecordingFailed("a", "x", "y", ""))
    clock.now += 1000
    assert meter.cost_by_backend() == {"runpod": pytest.approx(0.1), "local": pytest.approx(0.02)}


def test_a_machine_of_ones_own_has_no_bill(opened: Callable[..., RemoteMeter], clock: Clock) -> None:
    """Alone it leaves none; beside other places it adds nothing."""
    meter = opened()
    meter.on_event(RecordingStarted("a", 9, backend="local"))
    clock.now += 20
    assert (meter.total_cost(), meter.recording_cost("a")) == (None, None)
    meter.end_attempt("b", took(1.0))
    assert (meter.total_cost(), meter.cost_by_backend()) == (pytest.approx(0.01), {"runpod": pytest.approx(0.01)})


def test_prices_are_asked_for_once_and_late(clock: Clock) -> None:
    """A run with nothing to do asks nobody."""
    asked: list[bool] = []
    meter = RemoteMeter(lambda: asked.append(True) or prices(), clock=clock)
    meter.total_cost()
    assert not asked
    assert meter.add_backend("runpod", ("runpod.AMPERE_16", "runpod.ADA_24")) == meter.add_backend("runpod", WORKER)
    assert asked == [True]
    two = meter.add_backend("runpod", ("runpod.ADA_24*2",))
    assert two is not None
    assert two.per_hour == 72.0
