"""Whether a server has a model, for how long, and what it charges by: its own list, then ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from transcribe_cli.backends.openai.models import Server
from transcribe_cli.costs.prices import PriceList
from transcribe_cli.errors import NotReady, UsageError
from transcribe_cli.events import Emit, Notice

# So many days before a model ends, people are told.
WARNING_DAYS = 180
_SHOWN = 8


def check_standing(
    server: Server,
    model: str,
    listed: Sequence[Mapping[str, Any]] | None,
    prices: PriceList,
    emit: Emit,
    today: date | None = None,
) -> tuple[str, ...]:
    """What the server charges by, as `prices` calls it; () where nothing is known.

    Args:
        server: which one.
        model: as the user calls it.
        listed: what the server says of its models; None where it does not say.
        prices: with the last days that were announced.
        emit: is told of a model that ends soon, or is not in the list.
        today: the day here, unless said otherwise.

    Raises:
        NotReady: a service that does not have it.
        UsageError: it has ended.
    """
    name = server.name_of(model)
    entry = next((item for item in listed or () if item.get("id") == name), None)
    if listed is not None and entry is None:
        _tell_missing(server, name, listed, emit)
    service = next((key for key, found in prices.openai.items() if found.base_url.rstrip("/") == server.base_url), "")
    priced = prices.openai[service].models.get(name) if service else None
    told = _day(entry.get("shutdown_date")) if entry else None
    ends = told or (priced.ends if priced else server.model(model).ends)
    if ends is not None:
        now = today or datetime.now(UTC).astimezone().date()
        _check_end(server, name, ends, now, sure=told is not None or entry is None, emit=emit)
    return (f"{service}.{name}",) if priced else ()


def _check_end(server: Server, name: str, ends: date, today: date, *, sure: bool, emit: Emit) -> None:
    """`sure` is not a day that we know of while the server has the model all the same."""
    service = server.service
    who = service.name if service else server.host
    successor = f" Its successor is {service.successor}." if service and service.successor else ""
    if today >= ends and sure:
        raise UsageError(f"The model {name} at {who} ended on {ends}.{successor}", "Choose another with --model.")
    if (ends - today).days <= WARNING_DAYS:
        ended = f"was to end on {ends}" if today >= ends else f"ends on {ends}"
        emit(Notice(f"The model {name} at {who} {ended}.{successor}", "warning"))


def _tell_missing(server: Server, name: str, listed: Sequence[Mapping[str, Any]], emit: Emit) -> None:
    """A service's list is whole; others list what they have loaded, and take more, or other names."""
    names = [str(item.get("id")) for item in listed]
    if server.service is not None:
        raise NotReady(
            f"{server.service.name} has no model {name}.", f"Use --model with one of {', '.join(server.service.models)}."
        )
    more = ", …" if len(names) > _SHOWN else ""
    emit(Notice(f"{server.host} does not list the model {name}, but {', '.join(names[:_SHOWN])}{more}.", "warning"))


def _day(told: Any) -> date | None:  # noqa: ANN401 - any JSON
    """A day in ISO 8601, or in seconds since the epoch; None where it is neither."""
    try:
        if isinstance(told, int | float) and not isinstance(told, bool):
            return datetime.fromtimestamp(told, UTC).date()
        return datetime.fromisoformat(told).date() if isinstance(told, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def is_loopback(server: Server) -> bool:
    """Whether it is on this machine."""
    host = urlsplit(server.base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
