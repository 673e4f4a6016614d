"""Rich Transcription Time Marked: who speaks when, without the words. Tools that score diarization read it.

Ten fields per line, of which a diarizer fills five: https://github.com/nryant/dscore#rttm. Fields are separated by spaces and
contain none.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.transcript import Transcript

UNKNOWN = "<NA>"


def render(transcript: Transcript) -> str:
    """One line per turn, ordered by start; the empty string without diarization. Turns shorter than a millisecond are omitted."""
    recording = _field(PurePath(transcript.source.name).stem)
    turns = sorted(transcript.turns, key=lambda turn: (turn.start, turn.end, turn.speaker))
    fields = _distinct_fields(turn.speaker for turn in turns)
    spans = ((milliseconds(turn.start), milliseconds(turn.end), fields[turn.speaker]) for turn in turns)
    return "".join(
        f"SPEAKER {recording} 1 {start / 1000:.3f} {(end - start) / 1000:.3f} {UNKNOWN} {UNKNOWN} {speaker} {UNKNOWN} {UNKNOWN}\n"
        for start, end, speaker in spans
        if end > start
    )


def _distinct_fields(speakers: Iterable[str]) -> dict[str, str]:
    """A unique field for each speaker: `Ana Sá` becomes `Ana_Sá`, and a speaker named `Ana_Sá` becomes `Ana_Sá_2`."""
    fields: dict[str, str] = {}
    for speaker in dict.fromkeys(speakers):
        field = base = _field(speaker)
        number = 1
        while field in fields.values():
            number += 1
            field = f"{base}_{number}"
        fields[speaker] = field
    return fields


def _field(text: str) -> str:
    """The text without white space and control characters; never empty, and never the marker for unknown."""
    field = "_".join(one_line(text).split())
    return field if field not in ("", UNKNOWN) else "_"
