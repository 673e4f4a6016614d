"""What ends a run before its work is done: money, hours, a time of day.

At a limit nothing new begins and nothing is waited for: what is finished is written, the finished clips of what is in work are kept
(`checkpoint`), and the same command goes on from there. A machine that is needed at six is free at six, not when a lecture ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from transcribe_cli.errors import UsageError
from transcribe_cli.settings import Settings

# The options that are limits, and the exit code of a run that one of them ended.
LIMIT_OPTIONS = ("max_cost", "max_hours", "until")
EXIT_LIMIT_REACHED = 5


class Limits:
    """The limits of a run that begins now.

    Args:
        spent: USD so far; None when nobody knows what the place costs.
        clock: seconds, for the length of the run.
        now: the time of day here.

    Raises:
        UsageError: the cost is limited, and there is no price.
    """

    def __init__(
        self,
        settings: Settings,
        spent: Callable[[], float | None],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._most = settings.max_cost
        self._spent = spent
        if self._most is not None and spent() is None:
            message = "--max-cost cannot be kept: nobody said what an hour of this machine costs."
            raise UsageError(message, "Say so with --price-per-hour, or in a file for --prices.")
        self._clock = clock
        self._end = None if settings.max_hours is None else clock() + settings.max_hours * 3600
        self._now = now
        self._until = None if settings.until is None else _next(settings.until, now())

    def reached(self) -> str | None:
        """The option whose limit is reached; None while there is none. Cheap enough to be asked for each message."""
        if self._end is not None and self._clock() >= self._end:
            return "max_hours"
        if self._until is not None and self._now().astimezone() >= self._until:
            return "until"
        if self._most is not None and (self._spent() or 0.0) >= self._most:
            return "max_cost"
        return None

    def __str__(self) -> str:
        """What people are told when the run begins, such as `Stops at 06:00 or at $2.50.`; empty without limits."""
        parts = [f"at {self._until:%H:%M}"] if self._until else []
        parts += [f"after {timedelta(seconds=round(self._end - self._clock()))}"] if self._end is not None else []
        parts += [f"at ${self._most:g}"] if self._most is not None else []
        return f"Stops {' or '.join(parts)}." if parts else ""


def _next(clock: str, now: datetime) -> datetime:
    """When it is this time of day next, with this machine's time zone, whose clocks may be changed until then."""
    hour, minute = map(int, clock.split(":"))
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (today if today > now else today + timedelta(days=1)).astimezone()
