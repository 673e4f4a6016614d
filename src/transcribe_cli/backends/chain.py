"""The backends that the settings name, each with its patience, the preferred one first."""

from __future__ import annotations

from typing import cast

from transcribe_cli.backends import Backend, Opener
from transcribe_cli.backends.breaker import Breaker
from transcribe_cli.backends.failover import Failover
from transcribe_cli.backends.retry import Retry
from transcribe_cli.events import Emit
from transcribe_cli.registry import BACKENDS
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec


def elsewhere(spec: JobSpec, settings: Settings, emit: Emit) -> Backend:
    """What `transcribe remote` works with: `--backend`, and then each of `--fallback`.

    Raises:
        MissingExtra: a backend needs what is not installed.
    """
    names = dict.fromkeys((settings.backend, *settings.fallback))
    backends = [_patient(name, spec, settings, emit) for name in names]
    return backends[0] if len(backends) == 1 else Failover(backends, emit)


def _patient(name: str, spec: JobSpec, settings: Settings, emit: Emit) -> Backend:
    backend = cast("Opener", BACKENDS.load(name))(spec, settings, emit)
    return backend if name == "local" else Retry(Breaker(backend, emit), settings.attempts, emit)
