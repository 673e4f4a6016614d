"""Checks whether a server has a model and when it is shut down, from the server's list and ours, and finds its tariff."""

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

# A warning appears this many days before a model's shutdown.
WARNING_DAYS = 180
_MAX_LISTED = 8


def check_model(
    server: Server,
    model: str,
    listed: Sequence[Mapping[str, Any]] | None,
    prices: PriceList,
    emit: Emit,
    today: date | None = None,
) -> tuple[str, ...]:
    """The tariffs of a model, by their keys in `prices`; () where they are unknown.

    Args:
        server: that is to have the model.
        model: by the user's name.
        listed: the server's list of models; None where it has none.
        prices: with the announced shutdown dates.
        emit: receives a warning for a model that is shut down soon, or is not in the list.
        today: default: the local date.

    Raises:
        NotReady: a service that does not have the model.
        UsageError: the model was shut down.
    """
    name = server.api_name(model)
    entry = next((item for item in listed or () if item.get("id") == name), None)
    if listed is not None and entry is None:
        _report_unlisted(server, name, listed, emit)
    service = next((key for key, candidate in prices.openai.items() if candidate.base_url.rstrip("/") == server.base_url), "")
    priced = prices.openai[service].models.get(name) if service else None
    announced = _parse_date(entry.get("shutdown_date")) if entry else None
    shutdown = announced or (priced.ends if priced else server.model(model).shutdown)
    if shutdown is not None:
        is_certain = announced is not None or entry is None
        day = today or datetime.now(UTC).astimezone().date()
        _check_shutdown(server, name, shutdown, day, is_certain=is_certain, emit=emit)
    return (f"{service}.{name}",) if priced else ()


def _check_shutdown(server: Server, name: str, shutdown: date, today: date, *, is_certain: bool, emit: Emit) -> None:
    """A date is uncertain when it is ours and the server still lists the model."""
    service = server.service
    owner = service.name if service else server.host
    successor = f" Its successor is {service.successor}." if service and service.successor else ""
    if today >= shutdown and is_certain:
        raise UsageError(f"The model {name} at {owner} ended on {shutdown}.{successor}", "Choose another one with --model.")
    if (shutdown - today).days <= WARNING_DAYS:
        ends = f"was due to end on {shutdown}" if today >= shutdown else f"ends on {shutdown}"
        emit(Notice(f"The model {name} at {owner} {ends}.{successor}", "warning"))


def _report_unlisted(server: Server, name: str, listed: Sequence[Mapping[str, Any]], emit: Emit) -> None:
    """The list of a service is complete; other servers list what they have loaded, and accept more models or other names."""
    names = [str(item.get("id")) for item in listed]
    if server.service is not None:
        raise NotReady(
            f"{server.service.name} has no model {name}.", f"Use --model with one of {', '.join(server.service.models)}."
        )
    more = ", …" if len(names) > _MAX_LISTED else ""
    message = f"{server.host} does not list the model {name}. Its list has: {', '.join(names[:_MAX_LISTED])}{more}."
    emit(Notice(message, "warning"))


def _parse_date(value: Any) -> date | None:  # noqa: ANN401 - any JSON
    """A date from ISO 8601 or from seconds since the epoch; None where it is neither."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC).date()
        return datetime.fromisoformat(value).date() if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def is_loopback(server: Server) -> bool:
    """Whether the server is on this machine."""
    host = urlsplit(server.base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
