"""Duration of training: in steps, or in minutes of CPU time, so that other load on the machine does not make the model worse."""

import time
from collections.abc import Iterator


class Clock:
    """Iterates over step numbers until the time is over.

    Attributes:
        done: elapsed share of the time, 0 to 1.
    """

    def __init__(self, minutes: float) -> None:
        self._seconds = 60 * minutes
        self._began = time.process_time()
        self.done = 0.0

    @property
    def rate(self) -> float:
        """The factor of the learning rate: rises in the first hundredth of the time, then falls to 1/50."""
        return min(1.0, 0.1 + 90 * self.done) * max(0.02, 1 - self.done)

    def __iter__(self) -> Iterator[int]:
        step = 0
        while self.done < 1:
            yield step
            step += 1
            self.done = min(1.0, (time.process_time() - self._began) / self._seconds)
