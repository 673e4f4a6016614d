"""The base class of backends that wrap one other backend."""

from __future__ import annotations

from collections.abc import Sequence

from transcribe_cli.backends import Backend
from transcribe_cli.plan import Job


class Wrapper:
    """Has the name, the tariffs and the checks of the wrapped backend."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def name(self) -> str:
        """That of the wrapped backend."""
        return self._backend.name

    @property
    def tariffs(self) -> tuple[str, ...]:
        """Those of the wrapped backend."""
        return self._backend.tariffs

    def check(self, jobs: Sequence[Job]) -> None:
        """See `Backend.check`."""
        self._backend.check(jobs)
