"""Limits that end a run before its work is done: a cost, a number of hours, a time of day.

At a limit, no recording is started and no running one is waited for. Finished recordings are written, finished clips are kept
(`checkpoint`), and the same command continues from there. A machine that is needed at six is free at six, not when a lecture ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from transcribe_cli.errors import UsageError
from transcribe_cli.settings import Settings

# The options that set limits, and the exit code of a run that reached one.
LIMIT_OPTIONS = ("max_cost", "max_hours", "until")
EXIT_LIMIT_REACHED = 5


class Limits:
    """The limits of a run that starts now.

    Args:
        spent: returns the cost so far in USD; None when the price is unknown.
        clock: returns seconds, to measure the duration of the run.
        now: returns the local time.

    Raises:
        UsageError: the cost is limited, but the price is unknown.
    """

    def __init__(
        self,
        settings: Settings,
        spent: Callable[[], float | None],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._max_cost = settings.max_cost
        self._spent = spent
        if self._max_cost is not None and spent() is None:
            message = "--max-cost cannot be enforced: the hourly price of this machine is unknown."
            raise UsageError(message, "Set it with --price-per-hour, or in a file for --prices.")
        self._clock = clock
        self._end_clock = None if settings.max_hours is None else clock() + settings.max_hours * 3600
        self._now = now
        self._until = None if settings.until is None else _next_time(settings.until, now())

    def reached(self) -> str | None:
        """The option whose limit is reached, or None. Cheap enough to be called for every message."""
        if self._end_clock is not None and self._clock() >= self._end_clock:
            return "max_hours"
        if self._until is not None and self._now().astimezone() >= self._until:
            return "until"
        if self._max_cost is not None and (self._spent() or 0.0) >= self._max_cost:
            return "max_cost"
        return None

    def __str__(self) -> str:
        """The notice at the start of the run, such as `Stops at 06:00 or at $2.50.`; empty without limits."""
        parts = [f"at {self._until:%H:%M}"] if self._until else []
        parts += [f"after {timedelta(seconds=round(self._end_clock - self._clock()))}"] if self._end_clock is not None else []
        parts += [f"at ${self._max_cost:g}"] if self._max_cost is not None else []
        return f"Stops {' or '.join(parts)}." if parts else ""


def _next_time(clock: str, now: datetime) -> datetime:
    """The next time when the clock shows this time of day, in the local time zone, also across a change to or from summer time."""
    hour, minute = map(int, clock.split(":"))
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (today if today > now else today + timedelta(days=1)).astimezone()
