"""Turns that somebody has already, from an RTTM file; which one it is, `plan.turns` says.

The format has one turn a line, `SPEAKER <file> <channel> <start> <duration> <NA> <NA> <speaker> …`, times in seconds:
https://www.nist.gov/system/files/documents/itl/iad/mig/KWS14-evalplan-v11.pdf, appendix C. Lines of other types are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from transcribe_cli.audio import Waveform
from transcribe_cli.errors import DiarizationFailed, StorageNotReady, TranscribeError
from transcribe_cli.sinks import files_of
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.diarizers.turns import tidy
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import AnyPath
from transcribe_cli.transcript import Turn

_TURN = "SPEAKER"
_COMMENT = ";;"
_FIELDS = 8


class RttmDiarizer:
    """The turns of one recording from an RTTM file. Speakers keep the names that the file gives them.

    Attributes:
        name: the file.
        device: `cpu`, as nothing is computed.
    """

    device = "cpu"

    def __init__(self, path: AnyPath, recording: str) -> None:
        """Take the turns of `recording`, the recording's name with or without its extension, from `path`."""
        self.name = str(path)
        self._path = path
        self._recording = recording

    def diarize(self, waveform: Waveform, spec: JobSpec, on_progress: Callable[[float], None]) -> Diarization:
        """The turns in the file, as far as the recording reaches. See `Diarizer.diarize`."""
        try:
            text = files_of(self._path).read(self._path).decode("utf-8-sig")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise DiarizationFailed(f"{self._path.name} cannot be read ({reason}).") from error
        except StorageNotReady as error:
            raise DiarizationFailed(error.message, error.hint) from error
        try:
            turns = parse(text, self._recording, self._path.name)
        except TranscribeError as error:
            raise DiarizationFailed(error.message, error.hint) from error
        on_progress(1.0)
        return Diarization(tidy(turns, waveform.seconds))


def parse(text: str, recording: str = "", name: str = "the RTTM") -> list[Turn]:
    """The turns of one recording, in the order of the text.

    Args:
        text: of the file.
        recording: its name, with or without extension, where the text holds several; one that holds a single recording is taken whatever
            its name there.
        name: of the file, in messages.

    Raises:
        TranscribeError: a line is no turn, and which; or the text holds several recordings but not this one.
    """
    by_file: dict[str, list[Turn]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith(_COMMENT) or fields[0] != _TURN:
            if fields and not fields[0].isupper() and not fields[0].startswith(_COMMENT):
                raise TranscribeError(f"{name}, line {number}: {fields[0][:40]!r} is no type of line that RTTM has.")
            continue
        if len(fields) < _FIELDS:
            raise TranscribeError(f"{name}, line {number}: {len(fields)} fields instead of {_FIELDS} or more.")
        start, duration = (_seconds(field, what, name, number) for field, what in ((fields[3], "start"), (fields[4], "duration")))
        by_file.setdefault(fields[1], []).append(Turn(start=start, end=start + duration, speaker=fields[7]))
    if len(by_file) < 2:
        return next(iter(by_file.values()), [])
    stem = recording.rpartition(".")[0] or recording
    # Fields have no spaces inside: who wrote the file put something else for them.
    for called in (recording, stem, "_".join(recording.split()), "_".join(stem.split())):
        if called in by_file:
            return by_file[called]
    raise TranscribeError(f"{name} holds {len(by_file)} recordings, and none is called {stem}.")


def _seconds(field: str, what: str, name: str, number: int) -> float:
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise TranscribeError(f"{name}, line {number}: {field[:40]!r} is no {what} in seconds.")
    return value
