"""A page that plays the recording and marks each word while it is spoken: one file, for any browser, also without a network.

`page/` contains its template, style and scripts. The text is in the page itself, so it can be read, searched and printed without
scripts; a data block contains the times. The content security policy only allows the page's own script, by its hash. Text, file names
and speaker names can never be executed: https://www.w3.org/TR/CSP3/#script-src
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from transcribe_cli.formats.doubts import assess, detail_text, span_text
from transcribe_cli.formats.paragraphs import group_paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.summary import summarize
from transcribe_cli.formats.timestamps import milliseconds, short_clock
from transcribe_cli.formats.word_spans import DisplayedWord, displayed_words
from transcribe_cli.text.languages import LANGUAGES
from transcribe_cli.transcript import Source, Transcript

# Suffixes of files that get a video player; all others get an audio player.
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".ogv", ".3gp", ".3g2"})
# Number of speaker colours in the style; further speakers reuse them.
COLOURS = 8
# Links of a reason to its places.
MAX_PLACES = 100
# Parts of the page's script, in order.
SCRIPTS = ("playback.js", "search.js", "controls.js")


@dataclass(frozen=True)
class _Reason:
    """A reason of the verdict: its sentence, and its places as start in seconds and text. `more` places are not listed."""

    detail: str
    places: list[tuple[float, str]]
    more: int


@dataclass(frozen=True)
class _Paragraph:
    """A paragraph of one speaker. `first` is the number of its first word in the page, `speaker` the number of its speaker."""

    start: float
    time: str
    speaker: int | None
    words: list[DisplayedWord]
    first: int


def render(transcript: Transcript) -> str:
    """The whole page. Without speech, it contains a notice."""
    names = list(dict.fromkeys(one_line(segment.speaker or "") for segment in transcript.segments))
    names = [name for name in names if name]
    shown = list(_paragraphs(transcript, {name: number for number, name in enumerate(names)}))
    words = [word for paragraph in shown for word in paragraph.words]
    recordings = _recordings(transcript.source)
    return _template().render(
        title=one_line(transcript.source.name),
        summary=summarize(transcript),
        doubt=_doubt_title(transcript),
        reasons=list(_reasons(transcript)),
        language=transcript.language if transcript.language in LANGUAGES else "",
        names=names,
        colours=COLOURS,
        has_unknown=any(paragraph.speaker is None for paragraph in shown),
        paragraphs=shown,
        uncertain=sum(word.is_uncertain for word in words),
        duration=transcript.duration,
        length=short_clock(transcript.duration),
        times={
            "starts": [milliseconds(word.start) for word in words],
            "ends": [milliseconds(word.end) for word in words],
        },
        recordings=recordings,
        element="video" if PurePosixPath(transcript.source.name).suffix.lower() in VIDEO_SUFFIXES else "audio",
        tool=transcript.job.tool,
        style=_asset("style.css"),
        script=_script(),
        policy=_policy(recordings),
    )


def _paragraphs(transcript: Transcript, speaker_numbers: dict[str, int]) -> Iterator[_Paragraph]:
    first = 0
    for group in group_paragraphs(transcript):
        words = displayed_words(group)
        start = group[0].start
        speaker = speaker_numbers.get(one_line(group[0].speaker or ""))
        yield _Paragraph(start, short_clock(start), speaker, words, first)
        first += len(words)


def _doubt_title(transcript: Transcript) -> str:
    """The heading of the box above a doubtful text; "" without doubt, and then there is no box."""
    return {"check": "To check", "bad": "This text is probably wrong"}.get(transcript.quality.verdict or "", "")


def _reasons(transcript: Transcript) -> Iterator[_Reason]:
    for doubt in assess(transcript).reasons:
        places = [(start, span_text((start, end))) for start, end in doubt.spans[:MAX_PLACES]]
        yield _Reason(detail_text(doubt), places, len(doubt.spans) - len(places))


def _recordings(source: Source) -> list[str]:
    """Possible links to the recording, in order: the link made for the output folder, then the same folder as the page."""
    try:
        scheme = urlsplit(source.uri).scheme
    except ValueError:
        scheme = "invalid"
    same_folder = source.uri.rpartition("/")[2] if scheme in ("", "file", "http", "https") else ""
    links = [source.uri] if scheme in ("", "http", "https") else []
    return list(dict.fromkeys(filter(None, [*links, same_folder or quote(source.name)])))


def _policy(recordings: Iterable[str]) -> str:
    """The content security policy. `file:` is for pages opened from a disk, where some browsers do not support 'self'."""
    origins = [url for url in map(_origin, recordings) if url]
    media = " ".join(["'self'", "file:", "blob:", *dict.fromkeys(origins)])
    return (
        f"default-src 'none'; script-src {_hash(_script())}; style-src {_hash(_asset('style.css'))}; media-src {media}; "
        "base-uri 'none'; form-action 'none'"
    )


def _origin(url: str) -> str:
    """`https://host` of an absolute URL; "" if the host contains characters with a meaning in a policy."""
    parts = urlsplit(url)
    plain = parts.netloc.isascii() and not set(parts.netloc) & set(" ;,'\"*")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc and plain else ""


@cache
def _template() -> Template:
    pages = Environment(
        loader=PackageLoader("transcribe_cli.formats", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return pages.get_template("page.html")


@cache
def _asset(name: str) -> Markup:
    return Markup(files("transcribe_cli.formats").joinpath("page", name).read_text(encoding="utf-8"))  # noqa: S704 - part of this package


def _script() -> Markup:
    return Markup("\n").join(map(_asset, SCRIPTS))


def _hash(content: Markup) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
