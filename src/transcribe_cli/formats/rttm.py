"""Rich Transcription Time Marked: who speaks when, without the words; what tools that score diarization read.

Ten fields a line, of which a diarizer knows five: https://github.com/nryant/dscore#rttm. Fields are separated by spaces, so that there
are none inside one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.transcript import Transcript

UNKNOWN = "<NA>"


def render(transcript: Transcript) -> str:
    """A line for each turn, in the order of their starts; the empty string without diarization. Turns of no millisecond are left out."""
    recording = _field(PurePath(transcript.source.name).stem)
    turns = sorted(transcript.turns, key=lambda turn: (turn.start, turn.end, turn.speaker))
    voices = _distinct(turn.speaker for turn in turns)
    spans = ((milliseconds(turn.start), milliseconds(turn.end), voices[turn.speaker]) for turn in turns)
    return "".join(
        f"SPEAKER {recording} 1 {start / 1000:.3f} {(end - start) / 1000:.3f} {UNKNOWN} {UNKNOWN} {voice} {UNKNOWN} {UNKNOWN}\n"
        for start, end, voice in spans
        if end > start
    )


def _distinct(speakers: Iterable[str]) -> dict[str, str]:
    """Each speaker as a field that no other one has: `Ana Sá` is `Ana_Sá`, and somebody who is called that already `Ana_Sá_2`."""
    fields: dict[str, str] = {}
    for speaker in dict.fromkeys(speakers):
        field = wanted = _field(speaker)
        number = 1
        while field in fields.values():
            number += 1
            field = f"{wanted}_{number}"
        fields[speaker] = field
    return fields


def _field(text: str) -> str:
    """The text without white space and control characters; never empty, and never what stands for unknown."""
    field = "_".join(one_line(text).split())
    return field if field not in ("", UNKNOWN) else "_"
