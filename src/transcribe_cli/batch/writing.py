"""Results that go to stores are written in the background: each takes a dozen requests, and the device need not wait for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

from transcribe_cli.storage import AnyPath, Location

T = TypeVar("T")
_SIDE_BY_SIDE = 4
# Results that may wait to be written; whoever brings more waits too.
_MOST = 16


class Writing(Generic[T]):
    """Writes results: at once to folders of this machine, in the background to stores. Use inside `with`, whose end waits for them.

    Args:
        write: what writes one; called in several threads.
    """

    def __init__(self, write: Callable[[T], None]) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE, "write")
        self._under_way: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)  # who is interrupted waits for those that have begun
        if kind is None:
            for future in self._under_way:
                future.result()

    def add(self, result: T, folder: AnyPath) -> None:
        """Write a result whose files go to this folder.

        Raises:
            BaseException: whatever writing this or an earlier one raised.
        """
        if not isinstance(folder, Location):
            self._write(result)
            return
        self._under_way.append(self._pool.submit(self._write, result))
        while self._under_way and (len(self._under_way) > _MOST or self._under_way[0].done()):
            self._under_way.popleft().result()
