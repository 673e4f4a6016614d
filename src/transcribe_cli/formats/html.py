"""A page that plays the recording and shows what is said as it is said: one file, to open in any browser, also without a network.

`page/` holds its template, style and script. The text is in the page itself, so that it can be read, searched and printed without the
script; a data block has the times. Its content security policy lets nothing run but that one script, by its hash, so that neither a
transcript nor a name of a file or a speaker can: https://www.w3.org/TR/CSP3/#script-src
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

from transcribe_cli.formats.paragraphs import paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.summary import facts
from transcribe_cli.formats.timestamps import brief, milliseconds
from transcribe_cli.formats.word_spans import Spoken, spoken
from transcribe_cli.text.languages import LANGUAGES
from transcribe_cli.transcript import Source, Transcript

# Of files that browsers show a picture of; all others are played as sound.
VIDEO = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".ogv", ".3gp", ".3g2"})
# Colours of speakers in the style; the next one begins again.
COLOURS = 8


@dataclass(frozen=True)
class _Paragraph:
    """What one speaker says. `first` is the number of its first word in the page, `voice` that of its speaker."""

    start: float
    time: str
    voice: int | None
    words: list[Spoken]
    first: int


def render(transcript: Transcript) -> str:
    """The whole page; without speech it says so."""
    names = list(dict.fromkeys(one_line(segment.speaker or "") for segment in transcript.segments))
    names = [name for name in names if name]
    shown = list(_paragraphs(transcript, {name: number for number, name in enumerate(names)}))
    words = [word for paragraph in shown for word in paragraph.words]
    recordings = _recordings(transcript.source)
    return _template().render(
        title=one_line(transcript.source.name),
        facts=facts(transcript),
        language=transcript.language if transcript.language in LANGUAGES else "",
        names=names,
        colours=COLOURS,
        unnamed=any(paragraph.voice is None for paragraph in shown),
        paragraphs=shown,
        doubtful=sum(word.doubtful for word in words),
        duration=transcript.duration,
        length=brief(transcript.duration),
        times={
            "starts": [milliseconds(word.start) for word in words],
            "ends": [milliseconds(word.end) for word in words],
        },
        recordings=recordings,
        element="video" if PurePosixPath(transcript.source.name).suffix.lower() in VIDEO else "audio",
        tool=transcript.job.tool,
        style=_asset("style.css"),
        script=_asset("script.js"),
        policy=_policy(recordings),
    )


def _paragraphs(transcript: Transcript, numbers: dict[str, int]) -> Iterator[_Paragraph]:
    first = 0
    for group in paragraphs(transcript):
        words = spoken(group)
        start = group[0].start
        yield _Paragraph(start, brief(start), numbers.get(one_line(group[0].speaker or "")), words, first)
        first += len(words)


def _recordings(source: Source) -> list[str]:
    """Where the recording may be, seen from the page: the link that was made for its folder, or else beside it."""
    try:
        scheme = urlsplit(source.uri).scheme
    except ValueError:
        scheme = "invalid"
    beside = source.uri.rpartition("/")[2] if scheme in ("", "file", "http", "https") else ""
    linked = [source.uri] if scheme in ("", "http", "https") else []
    return list(dict.fromkeys(filter(None, [*linked, beside or quote(source.name)])))


def _policy(recordings: Iterable[str]) -> str:
    """The content security policy. `file:` is for pages that were opened from a disk, where some browsers know no 'self'."""
    elsewhere = [url for url in map(_origin, recordings) if url]
    media = " ".join(["'self'", "file:", "blob:", *dict.fromkeys(elsewhere)])
    return (
        f"default-src 'none'; script-src {_hash('script.js')}; style-src {_hash('style.css')}; media-src {media}; "
        "base-uri 'none'; form-action 'none'"
    )


def _origin(url: str) -> str:
    """`https://host` of an absolute URL; a host that could say more in a policy than its name is left out."""
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
    return Markup(files("transcribe_cli.formats").joinpath("page", name).read_text(encoding="utf-8"))  # noqa: S704 - our own


def _hash(name: str) -> str:
    digest = hashlib.sha256(_asset(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
