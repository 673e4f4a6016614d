"""What rented backends charge: machines while they compute, audio when it is sent, also for failed attempts."""

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
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The current time in seconds."""
        return self.now


def prices() -> PriceList:
    """A worker costs a cent per second, an hour of audio a dollar."""
    shipped = load_prices()
    document = shipped.model_dump()
    document["runpod"]["pools"]["ADA_24"]["per_hour"] = 36.0
    document["openai"]["openai"]["models"]["whisper-1"]["per_audio_hour"] = 1.0
    return PriceList.model_validate(document)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def make_meter(clock: Clock) -> Callable[..., RemoteMeter]:
    """Returns a meter with these backends."""

    def make(local_price: Price | None = None, **backends: tuple[str, ...]) -> RemoteMeter:
        meter = RemoteMeter(prices, local_price, clock)
        for name, tariffs in (backends or {"runpod": WORKER, "openai": AUDIO}).items():
            meter.add_backend(name, tariffs)
        return meter

    return make


def ended(seconds: float | None, *, backend: str = "runpod", error: str = "", audio: float | None = 3600.0) -> Usage:
    """An attempt that ended."""
    tariffs = {"runpod": WORKER, "openai": AUDIO}.get(backend, ())
    return Usage(backend, "place", tariffs, "j1", seconds, 0.0, audio, error=error)


def done(name: str) -> RecordingDone:
    """The final event of a recording."""
    return RecordingDone(name, (), "pt", 1.0, 1.0, 1, ())


def test_a_run_without_attempts_costs_nothing(make_meter: Callable[..., RemoteMeter]) -> None:
    """The cost is 0, not unknown."""
    assert (make_meter().total_cost(), make_meter().cost_by_backend(), make_meter().recording_cost("a")) == (0.0, {}, None)


def test_a_machine_is_charged_from_when_it_takes_a_job(make_meter: Callable[..., RemoteMeter], clock: Clock) -> None:
    """Time in the queue is not charged. Once the attempt has ended, the time that the backend reports counts."""
    meter = make_meter()
    meter.on_event(RecordingStarted("a", 9, backend="runpod"))
    meter.on_event(RecordingSent("a", "runpod", "j1", 9, 3600.0))
    clock.now += 1000
    assert meter.total_cost() == 0.0
    meter.on_event(RecordingTaken("a", "runpod", "j1", seconds=3.0))
    clock.now += 7
    assert meter.total_cost() == pytest.approx(0.10)
    assert meter.cost_by_backend() == {"runpod": pytest.approx(0.10)}
    assert meter.end_attempt("a", ended(9.0)).cost == pytest.approx(0.09)
    clock.now += 1000
    assert meter.total_cost() == pytest.approx(0.09)


def test_audio_is_charged_when_it_is_sent(make_meter: Callable[..., RemoteMeter], clock: Clock) -> None:
    """However long the processing takes."""
    meter = make_meter()
    meter.on_event(RecordingSent("a", "openai", "", 9, 1800.0))
    assert meter.total_cost() == pytest.approx(0.5)
    clock.now += 1000
    assert meter.total_cost() == pytest.approx(0.5)
    assert meter.end_attempt("a", ended(0.0, backend="openai", audio=1800.0)).cost == pytest.approx(0.5)
    cost = meter.recording_cost("a")
    assert cost is not None
    assert (cost.amount, cost.seconds, cost.per_audio_hour, cost.per_hour) == (pytest.approx(0.5), None, 1.0, None)


def test_a_recording_costs_the_sum_of_its_attempts(make_meter: Callable[..., RemoteMeter]) -> None:
    """Including failed attempts and other backends; the price is the last one's."""
    meter = make_meter()
    for usage in (ended(10.0, error="place_failed"), ended(20.0), ended(0.0, backend="openai", audio=360.0)):
        meter.end_attempt("a", usage)
    cost = meter.recording_cost("a")
    assert cost is not None
    assert (cost.amount, cost.seconds, cost.per_audio_hour) == (pytest.approx(0.4), 30.0, 1.0)
    assert meter.cost_by_backend() == {"runpod": pytest.approx(0.3), "openai": pytest.approx(0.1)}
    assert meter.total_cost() == pytest.approx(0.4)
    meter.on_event(done("a"))
    assert meter.recording_cost("a") is None
    assert meter.total_cost() == pytest.approx(0.4)


def test_without_a_price_the_cost_is_unknown_instead_of_zero(make_meter: Callable[..., RemoteMeter]) -> None:
    """For the recording and the run, once the backend is used."""
    meter = make_meter(runpod=WORKER, other=("nobody.knows",))
    assert meter.price("other") is None
    meter.end_attempt("a", ended(10.0))
    assert meter.total_cost() == pytest.approx(0.1)
    meter.on_event(RecordingSent("b", "other", "", 9, 60.0))
    assert meter.total_cost() is None
    assert meter.end_attempt("b", ended(1.0, backend="other")).cost is None
    assert (meter.recording_cost("b"), meter.total_cost()) == (None, None)
    assert meter.cost_by_backend() == {"runpod": pytest.approx(0.1), "other": None}


def test_the_compute_time_is_observed_if_the_backend_does_not_report_it(
    make_meter: Callable[..., RemoteMeter], clock: Clock
) -> None:
    """From when the job was seen to start. An attempt whose start was not seen is not counted; the others are."""
    meter = make_meter()
    meter.on_event(RecordingTaken("a", "runpod", "j1"))
    clock.now += 5
    observed = meter.end_attempt("a", ended(None))
    assert (observed.computing, observed.cost) == (5.0, pytest.approx(0.05))
    lost = meter.end_attempt("b", ended(None, error="perhaps_sent"))
    assert (lost.computing, lost.cost) == (None, None)
    meter.end_attempt("b", ended(1.0))
    cost = meter.recording_cost("b")
    assert cost is not None
    assert cost.amount == pytest.approx(0.01)
    assert meter.total_cost() == pytest.approx(0.06)
    meter.end_attempt("c", ended(None))
    assert meter.recording_cost("c") is None


def test_cancelled_attempts_are_charged_until_then(make_meter: Callable[..., RemoteMeter], clock: Clock) -> None:
    """Attempts in the queue cost nothing; an attempt that another run collects is charged to that run."""
    meter = make_meter()
    for name in "abc":
        meter.on_event(RecordingSent(name, "runpod", f"job-{name}", 9, 60.0, "ep1"))
    meter.on_event(RecordingTaken("a", "runpod", "job-a"))
    meter.on_event(RecordingTaken("c", "runpod", "job-c"))
    clock.now += 4
    meter.drop_attempt("c")
    cancelled = dict(meter.cancel_attempts("runpod"))
    assert {name: (usage.job_id, usage.computing, usage.error) for name, usage in cancelled.items()} == {
        "a": ("job-a", 4.0, "cancelled"),
        "b": ("job-b", 0.0, "cancelled"),
    }
    assert (cancelled["a"].place, cancelled["a"].cost, cancelled["b"].cost) == ("ep1", pytest.approx(0.04), 0.0)
    assert meter.total_cost() == pytest.approx(0.04)
    assert not list(meter.cancel_attempts("runpod"))


def test_this_machine_is_charged_while_it_works(make_meter: Callable[..., RemoteMeter], clock: Clock) -> None:
    """Not while it waits for other backends."""
    meter = make_meter(local_price=Price("me", per_hour=3.6))
    meter.on_event(RecordingStarted("a", 9, backend="runpod"))
    meter.end_attempt("a", ended(10.0, error="place_failed"))
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


def test_a_machine_without_a_price_adds_no_cost(make_meter: Callable[..., RemoteMeter], clock: Clock) -> None:
    """On its own the cost is unknown; beside other backends it adds nothing."""
    meter = make_meter()
    meter.on_event(RecordingStarted("a", 9, backend="local"))
    clock.now += 20
    assert (meter.total_cost(), meter.recording_cost("a")) == (None, None)
    meter.end_attempt("b", ended(1.0))
    assert (meter.total_cost(), meter.cost_by_backend()) == (pytest.approx(0.01), {"runpod": pytest.approx(0.01)})


def test_prices_are_loaded_once_and_only_if_needed(clock: Clock) -> None:
    """A run with nothing to do does not load them."""
    loads: list[bool] = []
    meter = RemoteMeter(lambda: loads.append(True) or prices(), clock=clock)
    meter.total_cost()
    assert not loads
    assert meter.add_backend("runpod", ("runpod.AMPERE_16", "runpod.ADA_24")) == meter.add_backend("runpod", WORKER)
    assert loads == [True]
    two = meter.add_backend("runpod", ("runpod.ADA_24*2",))
    assert two is not None
    assert two.per_hour == 72.0
