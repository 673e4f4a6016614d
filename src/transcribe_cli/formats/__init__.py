"""What a transcript can be rendered as. A format is `render(transcript)` in a file of its own: it knows text, never files.

To add one: write `formats/<name>.py`, add its name to `registry.FORMATS` and its media type here, describe it in docs/formats.md.
One that is made of cues is `render(transcript, subtitles) -> str`, and its name is in `CUE_FORMATS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from transcribe_cli.formats.relative_links import seen_from
from transcribe_cli.formats.speaker_names import replace_labels
from transcribe_cli.registry import FORMATS
from transcribe_cli.subtitles.standards import DEFAULT_STYLE, SubtitleStyle
from transcribe_cli.transcript import Transcript

# https://www.iana.org/assignments/media-types; SubRip and SubStation Alpha are not registered, these are the names in use.
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
# Not text: for files, and not for terminals.
BINARY_FORMATS = frozenset({"docx"})
# Those made of cues: they are out of date when the settings of subtitles change.
CUE_FORMATS = frozenset({"srt", "vtt", "ass", "lrc"})


class Format(Protocol):
    """A rendering: the whole file, as text with LF line ends, or as bytes where it is no text. The same transcript gives the same.

    Never fails, also without speech. The transcript has names in the place of labels, and its `source.uri` is as `links` makes it.
    """

    def __call__(self, transcript: Transcript) -> str | bytes: ...  # noqa: D102


class CuedFormat(Protocol):
    """A rendering that is made of cues."""

    def __call__(self, transcript: Transcript, subtitles: SubtitleStyle) -> str: ...  # noqa: D102


def render(name: str, transcript: Transcript, subtitles: SubtitleStyle = DEFAULT_STYLE, folder: str = "") -> str | bytes:
    """The transcript as the format `name`, such as `srt`: the JSON with the labels of its speakers, the others with their names.

    `folder` is the URL of the folder where the file will lie, for its link to the recording; "" when that is not known.

    Raises:
        UsageError: when there is no such format.
        MissingExtra: when what it needs is not installed.
    """
    if name in CUE_FORMATS:
        cued: CuedFormat = FORMATS.load(name)
        return cued(replace_labels(transcript), subtitles)
    form: Format = FORMATS.load(name)
    return form(transcript if name == "json" else seen_from(folder, replace_labels(transcript)))


def render_bytes(name: str, transcript: Transcript, subtitles: SubtitleStyle = DEFAULT_STYLE, folder: str = "") -> bytes:
    """What `render` gives as the content of a file: text is UTF-8 without byte order mark.

    Raises:
        UsageError, MissingExtra: as for `render`.
    """
    content = render(name, transcript, subtitles, folder)
    # A lone surrogate, from a prompt or a name, would otherwise throw an hour of work away here.
    return content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")


def check_formats(names: Iterable[str]) -> None:
    """Find out before the first recording whether these output formats can be written.

    Raises:
        MissingExtra: what one of them needs is not installed.
    """
    for name in dict.fromkeys(names):
        FORMATS.load(name)
