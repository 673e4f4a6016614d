"""Live display on a terminal: event lines, and below them progress bars for the run and its current recordings.

The run's progress is measured in bytes, because the durations of recordings are unknown until they are decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from transcribe_cli.events import (
    Event,
    RecordingDone,
    RecordingElsewhere,
    RecordingFailed,
    RecordingProgress,
    RecordingResumed,
    RecordingStarted,
    RunFinished,
    RunStarted,
    SpeakersProgress,
)
from transcribe_cli.reporting.messages import doubt_of, message_for
from transcribe_cli.text.printable import printable

# A batch may contain clips of many recordings; more bars than this are hard to follow.
MAX_BARS = 3
STYLES = {
    "FAILED": "bold red",
    "Warning:": "yellow",
    "retrying": "yellow",
    "voices": "cyan",
    **dict.fromkeys(("done", "diarized", "rendered", "resumed"), "green"),
}
DOUBT_STYLES = {"check": "yellow", "bad": "bold red"}
COMPLETE = 1 - 1e-6  # the share is a sum over clips, with rounding errors
DIARIZING = "diarizing"


@dataclass
class _RecordingProgress:
    """Progress of a recording: completed shares of its text and its speakers, 0 to 1; None where not requested."""

    bytes: int
    text: float | None
    speakers: float | None

    @property
    def share(self) -> float:
        """Completed share of the recording; text and speakers have equal weight."""
        shares = [share for share in (self.text, self.speakers) if share is not None]
        return sum(shares) / len(shares)

    @property
    def stage(self) -> str:
        """What is left to do: `diarizing` when the text is complete, otherwise empty."""
        return DIARIZING if self.speakers is not None and (self.text is None or self.text >= COMPLETE) else ""


class LiveDisplay:
    """Progress bars below the lines of `messages`. Thread-safe."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, max_width=40)),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[note]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=self._console,
            expand=True,
            transient=True,
        )
        self._run: TaskID | None = None
        self._recordings = self._finished = 0
        self._total_bytes = 0
        self._progress_of: dict[str, _RecordingProgress] = {}
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def emit(self, event: Event) -> None:
        """Print the event's line above the bars, if it has one, and update the bars."""
        if (line := message_for(event)) is not None:
            first, _, rest = line.partition(" ")
            text = Text.assemble((first, STYLES.get(first, "")), f" {rest}" if rest else "")
            if isinstance(event, RecordingDone) and (doubt := doubt_of(event)):
                text.stylize(DOUBT_STYLES[event.verdict or ""], len(line) - len(doubt))
            self._console.print(text)
        self._update(event)

    def _update(self, event: Event) -> None:
        match event:
            case RunStarted(to_transcribe=text, to_diarize=speakers, bytes=total) if text or speakers:
                self._recordings, self._total_bytes = text + speakers, total
                self._run = self._progress.add_task("all recordings", total=total, note=f"0 of {self._recordings}")
            case RecordingStarted(recording=name, bytes=size):
                self._progress_of[name] = _RecordingProgress(size, 0.0 if event.text else None, 0.0 if event.speakers else None)
            case RecordingProgress() | RecordingResumed() if event.recording in self._progress_of:
                self._progress_of[event.recording].text = event.seconds / event.duration if event.duration else 1.0
                self._advance(event.recording)
            case SpeakersProgress() if event.recording in self._progress_of:
                self._progress_of[event.recording].speakers = event.share
                self._advance(event.recording)
            case RecordingDone(recording=name, rendered=False) | RecordingFailed(recording=name) if name in self._progress_of:
                self._finish(name)
            case RecordingElsewhere(bytes=size) if size and self._run is not None:
                self._recordings -= 1
                self._total_bytes -= size
                self._progress.update(self._run, total=self._total_bytes)
                self._update_run()
            case RunFinished():
                self._progress.stop()
            case _:
                pass

    def _advance(self, name: str) -> None:
        recording = self._progress_of[name]
        if name not in self._bars and recording.share < 1 and len(self._bars) < MAX_BARS:
            self._bars[name] = self._progress.add_task(printable(name), total=1.0, note="")
        if name in self._bars:
            self._progress.update(self._bars[name], completed=recording.share, note=recording.stage)
        self._update_run()

    def _finish(self, name: str) -> None:
        self._progress_of[name] = _RecordingProgress(self._progress_of[name].bytes, 1.0, None)
        self._finished += 1
        if name in self._bars:
            self._progress.remove_task(self._bars.pop(name))
        self._update_run()

    def _update_run(self) -> None:
        if self._run is not None:
            done = sum(recording.bytes * recording.share for recording in self._progress_of.values())
            self._progress.update(self._run, completed=done, note=f"{self._finished} of {self._recordings}")
