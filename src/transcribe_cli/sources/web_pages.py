"""Links to recordings on a web page: those of an index, and the enclosures of a feed (RSS, Atom). Links to other pages are not followed.

https://www.rssboard.org/rss-specification#ltenclosuregtSubelementOfLtitemgt, RFC 4287 section 4.2.7
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from transcribe_cli.errors import SourceNotFound
from transcribe_cli.sources.walk import is_media
from transcribe_cli.storage import Entry, FileTooLarge, Location
from transcribe_cli.text.html_references import without_impossible_references
from transcribe_cli.text.printable import printable

PAGE_BYTES = 16 << 20
# Time limit of reading a page, in seconds.
READ_SECONDS = 60.0
_PAGE_TYPES = ("text/html", "application/xhtml+xml", "application/rss+xml", "application/atom+xml", "application/xml", "text/xml")


def is_page(entry: Entry) -> bool:
    """Whether a URL returns a page or a feed, not a file."""
    return entry.mimetype.lower() in _PAGE_TYPES


def links(location: Location, entry: Entry) -> Iterator[str]:
    """The URLs of the recordings on a page, in order, each once. An invalid one is returned as it is written; `locate` refuses it.

    Raises:
        SourceNotFound: the page has no links, or is too large.
    """
    page = _LinkParser()
    page.feed(without_impossible_references(_read(location, entry).decode("utf-8", "replace")))
    # servers redirect from a folder to its URL with a slash
    address = location.store.uri(location.key, as_requested=True)
    base = address if address.endswith("/") or "." in location.name else f"{address}/"
    urls = dict.fromkeys(_join(base, link) for link in page.links)
    usable = [url for url in urls if url.lower().startswith(("http://", "https://"))]
    if not usable:
        raise SourceNotFound(f"{printable(str(location))} has no links to recordings.", "Pass the URLs of the recordings.")
    yield from usable


def _read(location: Location, entry: Entry) -> bytes:
    """The page. Its size may be wrong, or that of its compressed form."""
    try:
        if (entry.size or 0) <= PAGE_BYTES:
            with suppress(FileTooLarge):
                return location.store.read(location, max_bytes=PAGE_BYTES, seconds=READ_SECONDS)
    except FileNotFoundError:
        raise SourceNotFound(f"{printable(str(location))} does not exist.") from None
    raise SourceNotFound(f"{printable(str(location))} is too large for a page of links.", "Pass the URLs of the recordings.")


class _LinkParser(HTMLParser):
    """Collects links. It also parses feeds, because their tags are similar enough to HTML.

    Attributes:
        links: the links as written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def parse_html_declaration(self, i: int) -> int:
        """Called by the parser. Its own method fails on some broken declarations, which browsers ignore."""
        try:
            return super().parse_html_declaration(i)
        except AssertionError:
            return self.parse_bogus_comment(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        attributes = dict(attrs)
        if (tag == "enclosure" and (url := attributes.get("url"))) or (
            (url := attributes.get("href")) and (attributes.get("rel") == "enclosure" or (tag == "a" and is_media(_name(url))))
        ):
            self.links.append(url)


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def _name(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        path = url
    return unquote(path.rpartition("/")[2])
