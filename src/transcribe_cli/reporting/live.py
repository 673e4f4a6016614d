"""One calm live display on a terminal: lines for what is done, and below them the progress of the run and of what is in hand.

The run's progress is counted in bytes of recordings, since their durations are known only once they are decoded.
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
from transcribe_cli.reporting.messages import message_for
from transcribe_cli.text.printable import printable

# A batch may hold a clip of many recordings; more bars than this are no longer calm.
MOST_BARS = 3
STYLES = {
    "FAILED": "bold red",
    "Warning:": "yellow",
    "again": "yellow",
    "voices": "cyan",
    **dict.fromkeys(("done", "diarized", "rendered", "resumed"), "green"),
}
DONE = 1 - 1e-6  # a sum of the seconds of clips
# Stands beside a recording whose text is ready.
WHO_SPEAKS = "who speaks"


@dataclass
class _Shown:
    """How far a recording is: shares of its text and of who speaks that are done, None where nobody wants them."""

    bytes: int
    text: float | None
    speakers: float | None

    @property
    def part(self) -> float:
        """Of all its work; both halves count the same, whichever takes longer on this machine."""
        wanted = [share for share in (self.text, self.speakers) if share is not None]
        return sum(wanted) / len(wanted)

    @property
    def about(self) -> str:
        """What is going on, where that is not recognition."""
        return WHO_SPEAKS if self.speakers is not None and (self.text is None or self.text >= DONE) else ""


class LiveDisplay:
    """Rich's progress bars under the lines of `sentences`. Listens from several threads."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, max_width=40)),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[about]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=self._console,
            expand=True,
            transient=True,
        )
        self._run: TaskID | None = None
        self._waiting = self._total = 0
        self._finished = 0
        self._shown: dict[str, _Shown] = {}
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def emit(self, event: Event) -> None:
        """Print the event's line above the bars, if it has one, and move the bars."""
        if (line := message_for(event)) is not None:
            first, _, rest = line.partition(" ")
            style = STYLES.get(first, "")
            self._console.print(Text.assemble((first, style), f" {rest}" if rest else ""))
        self._move(event)

    def _move(self, event: Event) -> None:
        match event:
            case RunStarted(to_transcribe=text, to_diarize=speakers, bytes=total) if text or speakers:
                self._waiting, self._total = text + speakers, total
                self._run = self._progress.add_task("all recordings", total=total, about=f"0 of {self._waiting}")
            case RecordingStarted(recording=name, bytes=size):
                self._shown[name] = _Shown(size, 0.0 if event.text else None, 0.0 if event.speakers else None)
            case RecordingProgress() | RecordingResumed() if event.recording in self._shown:
                self._shown[event.recording].text = event.seconds / event.duration if event.duration else 1.0
                self._advance(event.recording)
            case SpeakersProgress() if event.recording in self._shown:
                self._shown[event.recording].speakers = event.share
                self._advance(event.recording)
            case RecordingDone(recording=name, rendered=False) | RecordingFailed(recording=name) if name in self._shown:
                self._finish(name)
            case RecordingElsewhere(bytes=size) if size and self._run is not None:
                self._waiting -= 1
                self._total -= size
                self._progress.update(self._run, total=self._total)
                self._update_run()
            case RunFinished():
                self._progress.stop()
            case _:
                pass

    def _advance(self, name: str) -> None:
        shown = self._shown[name]
        if name not in self._bars and shown.part < 1 and len(self._bars) < MOST_BARS:
            self._bars[name] = self._progress.add_task(printable(name), total=1.0, about="")
        if name in self._bars:
            self._progress.update(self._bars[name], completed=shown.part, about=shown.about)
        self._update_run()

    def _finish(self, name: str) -> None:
        self._shown[name] = _Shown(self._shown[name].bytes, 1.0, None)
        self._finished += 1
        if name in self._bars:
            self._progress.remove_task(self._bars.pop(name))
        self._update_run()

    def _update_run(self) -> None:
        if self._run is not None:
            done = sum(shown.bytes * shown.part for shown in self._shown.values())
            self._progress.update(self._run, completed=done, about=f"{self._finished} of {self._waiting}")
