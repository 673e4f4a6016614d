"""Write results to stores in the background: each takes a dozen requests, and the device does not wait for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

from transcribe_cli.storage import AnyPath, Location

T = TypeVar("T")
_THREADS = 4
# Maximum number of results that wait to be written. Beyond it `add` blocks.
_MAX_PENDING = 16


class BackgroundWriter(Generic[T]):
    """Writes results: to local folders at once, to stores in the background. Use inside `with`, whose end waits for all of them.

    Args:
        write: writes one result. Called from several threads.
    """

    def __init__(self, write: Callable[[T], None]) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(_THREADS, "write")
        self._pending: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)  # an interrupt still waits for writes that have started
        if kind is None:
            for future in self._pending:
                future.result()

    def add(self, result: T, folder: AnyPath) -> None:
        """Write a result whose files go to this folder.

        Raises:
            BaseException: whatever writing this result or an earlier one raised.
        """
        if not isinstance(folder, Location):
            self._write(result)
            return
        self._pending.append(self._pool.submit(self._write, result))
        while self._pending and (len(self._pending) > _MAX_PENDING or self._pending[0].done()):
            self._pending.popleft().result()
