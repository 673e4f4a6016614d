"""The order of backends by cost or speed."""

from __future__ import annotations

from typing import cast

import pytest

from tests.backends.test_wrappers import NAMES, FakeBackend, jobs, outcomes
from transcribe_cli.backends.failover import Failover
from transcribe_cli.backends.priority import Priority
from transcribe_cli.costs.estimate import Speed
from transcribe_cli.costs.prices import Price, load_prices
from transcribe_cli.costs.remote_meter import RemoteMeter
from transcribe_cli.errors import NotReady
from transcribe_cli.events import Event

# RunPod: $1.12 an hour. Groq: four cents for an hour of audio. The last two have no listed price.
TARIFFS = {"runpod": ("runpod.ADA_24",), "groq": ("groq.whisper-large-v3-turbo",), "other": (), "third": ()}
RTFX = {"runpod": 20.0, "groq": 216.0, "local": 5.0}


def backends(*names: str) -> list[FakeBackend]:
    """Backends that do all jobs."""
    made = [FakeBackend(name) for name in names]
    for backend in made:
        backend.tariffs = TARIFFS.get(backend.name, ())  # type: ignore[misc]
    return made


def order(by: str, *names: str, here: Price | None = None, rtfx: dict[str, float] | None = None) -> tuple[list[str], str]:
    """The names in their order, and the message."""
    meter, events = RemoteMeter(load_prices, here), list[Event]()
    made = backends(*names)
    for backend in made:
        meter.add_backend(backend.name, backend.tariffs)
    known = RTFX if rtfx is None else rtfx

    def speed(name: str, tariffs: tuple[str, ...]) -> Speed | None:
        return Speed(known[name], 1.5, "measured") if name in known else None

    priority = Priority("cost" if by == "cost" else "speed", meter, speed, events.append)
    return [backend.name for backend in priority.ordered(made)], str(events[-1].as_record()["message"])


def test_the_cheapest_for_an_hour_of_audio_is_first() -> None:
    """The cost of a machine charged by the hour depends on its speed."""
    assert order("cost", "runpod", "groq") == (
        ["groq", "runpod"],
        "Backends by cost: groq ($0.04/h of audio), then runpod ($0.056/h of audio at 20x real time, measured).",
    )
    assert order("cost", "groq", "runpod", rtfx={"runpod": 60.0})[0] == ["runpod", "groq"]


def test_this_machine_is_first_unless_it_costs_more() -> None:
    """Without a price it costs nothing."""
    assert order("cost", "groq", "local")[0] == ["local", "groq"]
    assert order("cost", "groq", "local", here=Price("me", per_hour=1.0))[0] == ["groq", "local"]


def test_the_fastest_is_first() -> None:
    """Costs do not matter."""
    names, message = order("speed", "local", "runpod", "groq")
    assert names == ["groq", "runpod", "local"]
    assert message.startswith("Backends by speed: groq (216x real time, measured), then runpod (20x")


@pytest.mark.parametrize("by", ["cost", "speed"])
def test_unknown_backends_are_last_in_the_given_order(by: str) -> None:
    """The message says that they are unknown."""
    names, message = order(by, "third", "runpod", "other", "groq")
    assert names[2:] == ["third", "other"]
    assert message.count("unknown") == 2


def test_a_price_by_the_hour_needs_a_speed() -> None:
    """Without one the cost is unknown, and the backend comes last."""
    assert order("cost", "runpod", "groq", rtfx={})[0] == ["groq", "runpod"]


def test_only_usable_backends_are_ordered() -> None:
    """Jobs that fail at the first go to the second."""
    first, second, broken = backends("groq", "runpod", "other")
    broken.not_ready = NotReady("No key.")
    meter = RemoteMeter(load_prices)
    for backend in (first, second):
        meter.add_backend(backend.name, backend.tariffs)
    priority = Priority("speed", meter, lambda name, tariffs: Speed(RTFX[name], 1.5, "measured"), lambda event: None)
    both = Failover([broken, second, first], lambda event: None, priority)
    both.check(jobs())
    assert both.name == "groq"
    assert sorted(outcomes(both)) == sorted(NAMES)
    assert (cast("FakeBackend", first).tried, second.tried, broken.tried) == (list(NAMES), [], [])
