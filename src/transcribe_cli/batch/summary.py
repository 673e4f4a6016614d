"""What a run did, counted as it goes, and the exit code that follows from it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from transcribe_cli.batch.limits import EXIT_LIMIT_REACHED, LIMIT_OPTIONS
from transcribe_cli.errors import RecordingError
from transcribe_cli.events import RunFinished
from transcribe_cli.text.verdicts import VERDICTS, Assessment, DoubtfulRecording, Level, worst_first

# Nothing failed, but other runs are still working on some of the recordings.
EXIT_IN_PROGRESS_ELSEWHERE = 6


@dataclass
class RunSummary:
    """Counts of recordings, and the cost in USD.

    Attributes:
        elsewhere: recordings that are in progress in another run or with a remote backend.
        tried: recordings that came to an end in this run: done, skipped or failed.
        audio_seconds: duration of the recordings that were transcribed or diarized.
        stopped_by: what ended the run early: an option in `LIMIT_OPTIONS`, `fail_fast`, a signal, or the code of an error.
        started: by `time.perf_counter`.
        assessments: the verdict on each transcript, by the label of its recording, also of those that were done before.
        fail_on: the verdict that makes the run exit with code 3; None for no verdict.
        check_command: the command that lists the recordings to check.
    """

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
    started: float = field(default_factory=time.perf_counter)
    assessments: dict[str, Assessment] = field(default_factory=dict)
    fail_on: Level | None = None
    check_command: str = ""

    @property
    def failed_on(self) -> Level | None:
        """The value of `fail_on`, if a verdict reached it."""
        return self.fail_on if any(found.reaches(self.fail_on) for found in self.assessments.values()) else None

    @property
    def exit_code(self) -> int:
        """Of a run that finished, or reached a limit."""
        if self.stopped_by in LIMIT_OPTIONS:
            return EXIT_LIMIT_REACHED
        if self.failed or self.failed_on:
            return RecordingError.exit_code
        return EXIT_IN_PROGRESS_ELSEWHERE if self.elsewhere else 0

    def to_event(self, jobs: int, exit_code: int | None = None) -> RunFinished:
        """The last event of the run.

        Args:
            jobs: number of jobs in the plan.
            exit_code: when an error or a signal decides it. Default: `self.exit_code`.
        """
        seconds = time.perf_counter() - self.started
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
            verdicts={verdict: sum(found.verdict == verdict for found in self.assessments.values()) for verdict in VERDICTS},
            doubtful=tuple(
                DoubtfulRecording(label, found.verdict, found.reasons) for label, found in worst_first(self.assessments.items())
            ),
            failed_on=self.failed_on,
            check_command=self.check_command,
        )
