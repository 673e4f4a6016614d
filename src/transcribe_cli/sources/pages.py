"""Links to recordings on a web page: those of an index, and the enclosures of a feed (RSS, Atom). One page; its links are not followed.

https://www.rssboard.org/rss-specification#ltenclosuregtSubelementOfLtitemgt, RFC 4287 section 4.2.7
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from transcribe_cli.errors import SourceNotFound
from transcribe_cli.sources.walk import is_media
from transcribe_cli.storage import Entry, Location
from transcribe_cli.text.printable import printable

PAGE_BYTES = 16 << 20
_PAGES = ("text/html", "application/xhtml+xml", "application/rss+xml", "application/atom+xml", "application/xml", "text/xml")


def is_page(entry: Entry) -> bool:
    """Whether a web address gives a page or a feed rather than a file."""
    return entry.mimetype.lower() in _PAGES


def links(place: Location, entry: Entry) -> Iterator[str]:
    """The addresses of the recordings that a page names, in its order, each once.

    Raises:
        SourceNotFound: there are none, or the page is too large to be one.
    """
    if (entry.size or 0) > PAGE_BYTES:
        raise SourceNotFound(f"{printable(str(place))} is too large for a page of links.", "Name the recordings themselves.")
    page = _Links()
    page.feed(place.store.read(place).decode("utf-8", "replace"))
    base = (
        place.uri if place.uri.endswith("/") or "." in place.name else f"{place.uri}/"
    )  # servers lead from a folder to its slash
    found = dict.fromkeys(urljoin(base, link) for link in page.found)
    usable = [url for url in found if urlsplit(url).scheme in ("http", "https")]
    if not usable:
        raise SourceNotFound(f"{printable(str(place))} links to no recordings.", "Name the recordings themselves.")
    yield from usable


class _Links(HTMLParser):
    """Reads feeds too: their tags are close enough to HTML's.

    Attributes:
        found: links as they stand there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        given = dict(attrs)
        if (tag == "enclosure" and (url := given.get("url"))) or (
            (url := given.get("href")) and (given.get("rel") == "enclosure" or (tag == "a" and is_media(_name(url))))
        ):
            self.found.append(url)


def _name(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])
