"""Calls to an fsspec file system, with a time limit, retries and mapped errors.

The asynchronous file systems take `timeout=`; without it, s3fs may wait forever.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from transcribe_cli.errors import TranscribeError
from transcribe_cli.storage.errors import diagnose, map_error
from transcribe_cli.storage.transfer import CallbackFailed, ConditionNotMet, RangeNotSatisfiable, RangesNotSupported

# Time limit of a request.
CALL_SECONDS = 60.0
ATTEMPTS = 4
# Errors of ours, which are not retried or mapped.
_FINAL = (RangesNotSupported, TranscribeError)


class Client:
    """An fsspec file system.

    Synchronous file systems are not thread-safe, so that their calls run one at a time.

    Args:
        fs: the fsspec file system.
        family: its kind of storage, see `kinds`.
    """

    def __init__(self, fs: Any, family: str) -> None:
        self._fs, self._family = fs, family
        self._lock = contextlib.nullcontext() if fs.async_impl else threading.RLock()

    def call(self, uri: str, method: str, *args: Any, seconds: float = CALL_SECONDS, **options: Any) -> Any:
        """Call a method of the file system. `uri` is the subject of error messages."""
        if self._fs.async_impl:
            options["timeout"] = seconds
        return self.retry(uri, lambda: getattr(self._fs, method)(*args, **options))

    def wait_for(self, coroutine: Callable[[], Any], seconds: float | None = CALL_SECONDS) -> Any:
        """Run a coroutine in fsspec's event loop and return its result. None: it has a time limit of its own."""
        from fsspec.asyn import sync

        return sync(self._fs.loop, coroutine, timeout=seconds)

    def retry(self, uri: str, function: Callable[[], Any], attempts: int = ATTEMPTS, *, conditional: bool = False) -> Any:
        """Call a function, and again after transient errors.

        Raises:
            FileNotFoundError, StorageNotReady: see `errors.map_error`.
            RangeNotSatisfiable, RangesNotSupported: the range cannot be read.
            ConditionNotMet: only if `conditional`.
        """
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

        handled = sys.exception()
        retrying = Retrying(
            retry=retry_if_exception(
                lambda error: not isinstance(error, _FINAL) and diagnose(error, self._family, handled).transient
            ),
            wait=wait_random_exponential(0.3, max=10.0),
            stop=stop_after_attempt(attempts),
            before_sleep=lambda _: self._reconnect(),
            reraise=True,
        )
        try:
            with self._lock:
                return retrying(function)
        except _FINAL:
            raise
        except Exception as error:
            diagnosis = diagnose(error, self._family, handled)
            if diagnosis.range_not_satisfiable:
                raise RangeNotSatisfiable from error
            if diagnosis.condition_not_met and conditional:
                raise ConditionNotMet from error
            raise map_error(error, uri, self._family, handled) from error

    @contextlib.contextmanager
    def single_attempt(self, uri: str) -> Iterator[None]:
        """Map the errors of a transfer that is not retried here. Errors of its callback are raised unchanged."""
        handled = sys.exception()
        with self._lock:
            try:
                yield
            except CallbackFailed as failed:
                raise failed.reason from None
            except Exception as error:
                self._reconnect()
                raise map_error(error, uri, self._family, handled) from error

    def _reconnect(self) -> None:
        """Open a new SSH connection: paramiko does not reconnect a broken one."""
        if self._family == "sftp":
            with contextlib.suppress(Exception):
                self._fs._connect()
