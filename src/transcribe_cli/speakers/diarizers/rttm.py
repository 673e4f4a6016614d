"""Turns from an RTTM file instead of a model; `plan.turns` finds the file.

The format has one turn a line, `SPEAKER <file> <channel> <start> <duration> <NA> <NA> <speaker> …`, times in seconds:
https://www.nist.gov/system/files/documents/itl/iad/mig/KWS14-evalplan-v11.pdf, appendix C. Lines of other types are ignored.
"""

from __future__ import annotations

from collections.abc import Callable

from transcribe_cli.audio import Waveform
from transcribe_cli.errors import DiarizationFailed, StorageNotReady, TranscribeError
from transcribe_cli.sinks import files_of
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.diarizers.turns import normalize_turns
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import AnyPath
from transcribe_cli.text.numbers import MAX_SECONDS, parse_seconds
from transcribe_cli.transcript import Turn

_TURN = "SPEAKER"
_COMMENT = ";;"
_FIELDS = 8
# Each word is compared with each speaker. A parliament has hundreds.
MAX_SPEAKERS = 1_000
_MAX_BYTES = 100_000_000


def read_text(path: AnyPath) -> str:
    """The text of an RTTM file.

    Raises:
        DiarizationFailed: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        data = files_of(path).read(path, 0, _MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise DiarizationFailed(f"{path.name} is too large, at most {_MAX_BYTES // 1_000_000} MB.")
        return data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DiarizationFailed(f"{path.name} cannot be read ({reason}).") from error
    except StorageNotReady as error:
        raise DiarizationFailed(error.message, error.hint) from error


class RttmDiarizer:
    """Reads the turns of one recording from an RTTM file. Speakers keep their names in the file.

    Attributes:
        name: path of the file.
        device: `cpu`; nothing is computed.
    """

    device = "cpu"

    def __init__(self, path: AnyPath, recording: str) -> None:
        """Read from `path`; `recording` is the name of the recording, with or without extension."""
        self.name = str(path)
        self._path = path
        self._recording = recording

    def diarize(self, waveform: Waveform, spec: JobSpec, on_progress: Callable[[float], None]) -> Diarization:
        """The turns in the file, cut to the length of the recording. See `Diarizer.diarize`."""
        text = read_text(self._path)
        try:
            turns = parse(text, self._recording, self._path.name)
        except TranscribeError as error:
            raise DiarizationFailed(error.message, error.hint) from error
        if (count := len({turn.speaker for turn in turns})) > MAX_SPEAKERS:
            raise DiarizationFailed(f"{self._path.name} has {count:,} speakers; the maximum is {MAX_SPEAKERS:,}.")
        on_progress(1.0)
        return Diarization(normalize_turns(turns, waveform.seconds))


def parse(text: str, recording: str = "", name: str = "the RTTM") -> list[Turn]:
    """The turns of one recording, in the order of the text.

    Args:
        text: content of the file.
        recording: its name, with or without extension. Ignored if the text has only one recording, which may have any name.
        name: of the file, for messages.

    Raises:
        TranscribeError: a line is invalid, and the message says which; or the text has several recordings but not this one.
    """
    by_file: dict[str, list[Turn]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith(_COMMENT) or fields[0] != _TURN:
            if fields and not fields[0].isupper() and not fields[0].startswith(_COMMENT):
                raise TranscribeError(f"{name}, line {number}: {fields[0][:40]!r} is not an RTTM line type.")
            continue
        if len(fields) < _FIELDS:
            raise TranscribeError(f"{name}, line {number}: {len(fields)} fields instead of {_FIELDS} or more.")
        start, duration = (_seconds(field, what, name, number) for field, what in ((fields[3], "start"), (fields[4], "duration")))
        by_file.setdefault(fields[1], []).append(Turn(start=start, end=min(start + duration, MAX_SECONDS), speaker=fields[7]))
    if len(by_file) < 2:
        return next(iter(by_file.values()), [])
    stem = recording.rpartition(".")[0] or recording
    # Fields cannot contain spaces, so whoever wrote the file may have replaced them.
    for candidate in (recording, stem, "_".join(recording.split()), "_".join(stem.split())):
        if candidate in by_file:
            return by_file[candidate]
    raise TranscribeError(f"{name} contains {len(by_file)} recordings, but none is called {stem}.")


def _seconds(field: str, what: str, name: str, number: int) -> float:
    try:
        return parse_seconds(field)
    except ValueError as error:
        raise TranscribeError(f"{name}, line {number}: {field[:40]!r} is not a {what} in seconds.") from error
