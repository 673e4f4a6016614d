"""A local, readable copy of a recording, and the proof that it did not change while it was read.

Local recordings are read in place; nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transcribe_cli.errors import RecordingChanged, Unreadable
from transcribe_cli.sources import Recording, identify


@contextmanager
def fetched(recording: Recording) -> Iterator[tuple[Path, Recording]]:
    """The path to read, and the recording as it is now: its size and time may differ from when it was found.

    Raises:
        Unreadable: it vanished.
        RecordingChanged: on leaving, when size or modification time are not what they were on entering.
    """
    now = _now(recording)
    yield now.path, now
    if _now(recording) != now:
        raise RecordingChanged(f"{recording.name} changed while it was read.", "Run again when whatever writes it is done.")


def _now(recording: Recording) -> Recording:
    try:
        return identify(recording)
    except OSError as error:
        raise Unreadable(f"{recording.name} cannot be read ({error.strerror}).") from error
