"""What is behind an error: above all a Ctrl-C or signal that a library made an error of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def cause_chain(error: BaseException, around: BaseException | None = None) -> Iterator[BaseException]:
    """The error, what it came of, and so on.

    What was handled `around` the call that raised it is none of them, though Python says so.
    """
    seen = {id(around)}
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


@contextmanager
def unwrap_interrupts() -> Iterator[None]:
    """Raise the KeyboardInterrupt or SystemExit that an error came of, instead of the error.

    A signal may arrive while a library is imported or called, which then says what could not be done: an extension that is built with
    pybind11 raises ImportError of whatever is raised while it is initialized, and others go on from there.
    """
    try:
        yield
    except Exception as error:
        for cause in cause_chain(error):
            if isinstance(cause, KeyboardInterrupt | SystemExit):
                raise cause from None
        raise
