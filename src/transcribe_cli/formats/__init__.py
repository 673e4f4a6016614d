"""What a transcript can be rendered as. A format is `render(transcript) -> str` in a file of its own: it knows text, never files.

To add one: write `formats/<name>.py`, add its name to `registry.FORMATS` and its media type here, describe it in docs/formats.md.
One that is made of cues is `render(transcript, subtitles) -> str`, and its name is in `CUED`.
"""

from __future__ import annotations

from typing import Protocol

from transcribe_cli.registry import FORMATS
from transcribe_cli.speaker_names import named
from transcribe_cli.standards import NETFLIX, Subtitles
from transcribe_cli.transcript import Transcript

# https://www.iana.org/assignments/media-types; SubRip is not registered, this is the name in use.
MEDIA_TYPES = {
    "json": "application/json",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "txt": "text/plain",
    "tsv": "text/tab-separated-values",
    "rttm": "text/plain",
}


# Those made of cues: they are out of date when the settings of subtitles change.
CUED = frozenset({"srt", "vtt"})


class Format(Protocol):
    """A rendering: the whole file as text with LF line ends, to be written as UTF-8 without BOM. Never fails, also without speech."""

    def __call__(self, transcript: Transcript) -> str: ...  # noqa: D102


class CuedFormat(Protocol):
    """A rendering that is made of cues."""

    def __call__(self, transcript: Transcript, subtitles: Subtitles) -> str: ...  # noqa: D102


def render(name: str, transcript: Transcript, subtitles: Subtitles = NETFLIX) -> str:
    """The transcript as the format `name`, such as `srt`: the JSON with the labels of its speakers, the others with their names.

    Raises:
        UsageError: when there is no such format.
    """
    if name in CUED:
        cued: CuedFormat = FORMATS.load(name)
        return cued(named(transcript), subtitles)
    form: Format = FORMATS.load(name)
    return form(transcript if name == "json" else named(transcript))
