"""How long to train: steps, or minutes of this process's own time, so that a loaded machine makes no worse a model."""

import time
from collections.abc import Iterator


class Clock:
    """Iterate over it for the numbers of the steps until the time is over.

    Attributes:
        done: share of the time that is over, 0 to 1.
    """

    def __init__(self, minutes: float) -> None:
        self._seconds = 60 * minutes
        self._began = time.process_time()
        self.done = 0.0

    @property
    def rate(self) -> float:
        """What the learning rate is multiplied with: up in the first hundredth, then down to 1/50."""
        return min(1.0, 0.1 + 90 * self.done) * max(0.02, 1 - self.done)

    def __iter__(self) -> Iterator[int]:
        step = 0
        while self.done < 1:
            yield step
            step += 1
            self.done = min(1.0, (time.process_time() - self._began) / self._seconds)
