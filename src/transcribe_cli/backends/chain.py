"""Builds the backends that the settings name, with their wrappers and one meter, in order of preference."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from transcribe_cli.backends import Backend, BackendFactory
from transcribe_cli.backends.breaker import Breaker
from transcribe_cli.backends.failover import Failover
from transcribe_cli.backends.metered import Metered
from transcribe_cli.backends.priority import Priority
from transcribe_cli.backends.retry import Retry
from transcribe_cli.costs.estimate import Speed
from transcribe_cli.costs.remote_meter import LOCAL, RemoteMeter
from transcribe_cli.events import Emit
from transcribe_cli.registry import BACKENDS
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

# The speed of a backend with these tariffs; None where it is unknown.
SpeedLookup = Callable[[str, tuple[str, ...]], Speed | None]


def remote_backend(
    spec: JobSpec, settings: Settings, emit: Emit, meter: RemoteMeter, speed: SpeedLookup = lambda name, tariffs: None
) -> Backend:
    """The backend of `transcribe remote`: `--backend`, then each of `--fallback`, unless `--priority` orders them.

    Raises:
        MissingExtra: a backend needs a package that is not installed.
    """
    names = dict.fromkeys((settings.backend, *settings.fallback))
    backends = [_wrapped(name, spec, settings, emit, meter) for name in names]
    if len(backends) == 1:
        return backends[0]
    priority = Priority(settings.priority, meter, speed, emit) if settings.priority else None
    return Failover(backends, emit, priority)


def _wrapped(name: str, spec: JobSpec, settings: Settings, emit: Emit, meter: RemoteMeter) -> Backend:
    backend = cast("BackendFactory", BACKENDS.load(name))(spec, settings, emit)
    if name == LOCAL:  # the meter follows its events
        return backend
    return Retry(Breaker(Metered(backend, meter, settings, emit), emit), settings.attempts, emit)
