"""What all backends share that hold another one."""

from __future__ import annotations

from collections.abc import Sequence

from transcribe_cli.backends import Backend
from transcribe_cli.plan import Job


class Wrapper:
    """Is called what the backend is called that it holds, charges what that charges, and can do what that can do."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def name(self) -> str:
        """That of the backend."""
        return self._backend.name

    @property
    def tariffs(self) -> tuple[str, ...]:
        """Those of the backend."""
        return self._backend.tariffs

    def check(self, jobs: Sequence[Job]) -> None:
        """See `Backend.check`."""
        self._backend.check(jobs)
