"""What a run did, counted as it goes, and the exit code that follows from it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from transcribe_cli.batch.limits import EXIT_LIMIT_REACHED, LIMIT_OPTIONS
from transcribe_cli.errors import RecordingError
from transcribe_cli.events import RunFinished

# Nothing failed, but other runs are still at work on some of the recordings.
EXIT_IN_PROGRESS_ELSEWHERE = 6


@dataclass
class Tally:
    """What a run did. Seconds."""

    transcribed: int = 0
    diarized: int = 0
    rendered: int = 0
    skipped: int = 0
    failed: int = 0
    elsewhere: int = 0
    tried: int = 0
    audio_seconds: float = 0.0
    stopped_by: str | None = None
    cost: float | None = None
    cost_by_backend: Mapping[str, float | None] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)

    @property
    def exit_code(self) -> int:
        """Of a run that came to its end, or to a limit."""
        if self.stopped_by in LIMIT_OPTIONS:
            return EXIT_LIMIT_REACHED
        if self.failed:
            return RecordingError.exit_code
        return EXIT_IN_PROGRESS_ELSEWHERE if self.elsewhere else 0

    def finished(self, jobs: int, exit_code: int | None = None) -> RunFinished:
        """The run's last event; `exit_code` when something else than the recordings decides it."""
        seconds = time.perf_counter() - self.began
        return RunFinished(
            transcribed=self.transcribed,
            diarized=self.diarized,
            rendered=self.rendered,
            skipped=self.skipped,
            failed=self.failed,
            elsewhere=self.elsewhere,
            not_tried=jobs - self.tried - self.elsewhere,
            audio_seconds=round(self.audio_seconds, 3),
            seconds=round(seconds, 3),
            rtfx=round(self.audio_seconds / seconds, 2) if seconds else 0.0,
            exit_code=self.exit_code if exit_code is None else exit_code,
            stopped_by=self.stopped_by,
            cost=self.cost,
            cost_by_backend=self.cost_by_backend,
        )
