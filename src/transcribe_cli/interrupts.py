"""Causes of an error, above all a Ctrl-C or signal that a library wrapped in an error of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def cause_chain(error: BaseException, around: BaseException | None = None) -> Iterator[BaseException]:
    """The error, its cause, the cause of that, and so on.

    Stops at `around`, the exception that was being handled when the failing call was made: Python sets it as the context, but it is not
    a cause.
    """
    seen = {id(around)}
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


@contextmanager
def unwrap_interrupts() -> Iterator[None]:
    """When an error was caused by a KeyboardInterrupt or SystemExit, raise that instead.

    A signal may arrive while a library is imported or called, and the library then raises an error of its own: an extension built with
    pybind11 turns any exception during its initialization into an ImportError.
    """
    try:
        yield
    except Exception as error:
        for cause in cause_chain(error):
            if isinstance(cause, KeyboardInterrupt | SystemExit):
                raise cause from None
        raise
