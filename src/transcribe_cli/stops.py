"""Ctrl-C and signals that a library made an error of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unwrapped_stops() -> Iterator[None]:
    """Raise the KeyboardInterrupt or SystemExit that an error came of, instead of the error.

    A signal may arrive while a library is imported or called, which then says what could not be done: an extension that is built with
    pybind11 raises ImportError of whatever is raised while it is initialized, and others go on from there.
    """
    try:
        yield
    except Exception as error:
        if (stop := _behind(error)) is None:
            raise
        raise stop from None


def _behind(error: BaseException) -> KeyboardInterrupt | SystemExit | None:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        if isinstance(found, KeyboardInterrupt | SystemExit):
            return found
        seen.add(id(found))
        found = found.__cause__ or found.__context__
    return None
