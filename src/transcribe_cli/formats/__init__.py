"""Output formats. Each is a module with a function `render(transcript)`, which returns content and never accesses files.

To add one: write `formats/<name>.py`, add its name to `registry.FORMATS` and its media type here, describe it in docs/formats.md.
A format made of cues has `render(transcript, subtitles) -> str`, and its name is in `CUE_FORMATS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from transcribe_cli.formats.relative_links import with_relative_link
from transcribe_cli.formats.speaker_names import replace_labels
from transcribe_cli.registry import FORMATS
from transcribe_cli.subtitles.standards import DEFAULT_STYLE, SubtitleStyle
from transcribe_cli.transcript import Transcript

# https://www.iana.org/assignments/media-types; SubRip and SubStation Alpha are not registered; these names are in use.
MEDIA_TYPES = {
    "json": "application/json",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "ass": "text/x-ssa",
    "lrc": "text/plain",
    "txt": "text/plain",
    "md": "text/markdown",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html",
    "tsv": "text/tab-separated-values",
    "csv": "text/csv",
    "textgrid": "text/plain",
    "aud": "text/plain",
    "rttm": "text/plain",
}
# Not text: never printed to a terminal.
BINARY_FORMATS = frozenset({"docx"})
# Made of cues: out of date when the subtitle settings change.
CUE_FORMATS = frozenset({"srt", "vtt", "ass", "lrc"})


class Format(Protocol):
    """A renderer. Returns the whole file: text with LF line ends, or bytes for a binary format. The output is deterministic.

    It never fails, also without speech. In its input, names replace labels, and `source.uri` comes from `relative_links`.
    """

    def __call__(self, transcript: Transcript) -> str | bytes: ...  # noqa: D102


class CueFormat(Protocol):
    """A renderer of a format that is made of cues."""

    def __call__(self, transcript: Transcript, subtitles: SubtitleStyle) -> str: ...  # noqa: D102


def render(name: str, transcript: Transcript, subtitles: SubtitleStyle = DEFAULT_STYLE, folder: str = "") -> str | bytes:
    """Render the transcript in the format `name`, such as `srt`. JSON contains speaker labels, the other formats names.

    `folder` is the URL of the folder of the output file, for its link to the recording; "" if unknown.

    Raises:
        UsageError: there is no such format.
        MissingExtra: a dependency of the format is not installed.
    """
    if name in CUE_FORMATS:
        cue_format: CueFormat = FORMATS.load(name)
        return cue_format(replace_labels(transcript), subtitles)
    text_format: Format = FORMATS.load(name)
    return text_format(transcript if name == "json" else with_relative_link(replace_labels(transcript), folder))


def render_bytes(name: str, transcript: Transcript, subtitles: SubtitleStyle = DEFAULT_STYLE, folder: str = "") -> bytes:
    """Like `render`, as the content of a file. Text is UTF-8 without byte order mark.

    Raises:
        UsageError, MissingExtra: as for `render`.
    """
    content = render(name, transcript, subtitles, folder)
    # A lone surrogate, from a prompt or a name, must not fail the output of a finished transcription.
    return content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")


def check_formats(names: Iterable[str]) -> None:
    """Check before the first recording whether these output formats can be written.

    Raises:
        MissingExtra: a dependency of one of them is not installed.
    """
    for name in dict.fromkeys(names):
        FORMATS.load(name)
