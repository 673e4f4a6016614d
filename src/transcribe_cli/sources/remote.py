"""Recordings in buckets, on servers and in archives: the rules of folders, globs and filters, over one listing.

A folder there is a prefix: it is listed once, with everything below it, and no question is asked for single files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from transcribe_cli.errors import SourceNotFound, Unreadable
from transcribe_cli.registry import FORMATS
from transcribe_cli.sources.pages import is_page, links
from transcribe_cli.sources.patterns import MAGIC, Filter, as_expression
from transcribe_cli.sources.recording import Recording
from transcribe_cli.sources.walk import is_media, natural
from transcribe_cli.storage import Entry, Location, Options, locate
from transcribe_cli.text.printable import printable

_TRANSCRIPT = b'{"schema_version":'
_HEAD_BYTES = 1 << 16


class ListingRecorder(Protocol):
    """Hears of every file that a listing of a whole tree tells of, so that nobody has to list it again; see `sinks.Listings`."""

    def record_file(self, root: Location, place: Location, entry: Entry) -> None:
        """There is a file below the root."""


def remote(
    url: str,
    wanted: Filter,
    options: Options,
    overrides: Mapping[str, Any] | None = None,
    *,
    listed: bool = False,
    listings: ListingRecorder | None = None,
) -> Iterator[Recording]:
    """The recordings that a URL stands for: a file, a folder, a glob, a page or feed with links.

    `overrides` is what a manifest says about them. `listed` means that a list or manifest names the URL: filters hold for single files
    too, and one that is not there is a recording that fails.

    Raises:
        SourceNotFound: nothing is there.
        UsageError, MissingExtra, StorageNotReady: see `storage`.
    """
    place, overrides = locate(url, options), overrides or {}
    if place.store.kind.family == "http":
        return _from_web(place, wanted, options, overrides, listed=listed)
    if MAGIC.search(place.key) and not _is_there(place):
        return _from_glob(place, wanted, overrides, listings)
    return _from_path(place, wanted, overrides, listings, is_folder=not place.key or url.endswith("/"), listed=listed)


def recorded(place: Location, root: Location, entry: Entry, overrides: Mapping[str, Any]) -> Recording:
    """The recording that a listing tells of; what is wrong with its name is its `problem`."""
    found = Recording(place, root, overrides=overrides)
    if (trouble := _unusable(place)) is not None:
        return replace(found, problem=Unreadable(f"{printable(str(place))} {trouble}.", "Rename it."))
    return found.with_entry(entry)


def _from_path(
    place: Location,
    wanted: Filter,
    overrides: Mapping[str, Any],
    listings: ListingRecorder | None,
    *,
    is_folder: bool,
    listed: bool,
) -> Iterator[Recording]:
    # A name without the ending of a medium is mostly a folder's: listing it answers both questions.
    found = _below(place, wanted, overrides, listings) if is_folder or not is_media(place.name) else []
    if found:
        yield from found
        return
    try:
        entry = None if is_folder else place.store.info(place)
    except FileNotFoundError:
        yield from _missing(place, overrides, listed=listed)
        return
    if entry is not None and not entry.is_folder:
        if not _is_ours(place) and (not listed or wanted.wants(place.name)):
            yield recorded(place, place.parent, entry, overrides)
        return
    found = _below(place, wanted, overrides, listings) if is_media(place.name) else []
    yield from found
    if not found and not _has_any(place):
        yield from _missing(place, overrides, listed=listed)


def _below(
    root: Location,
    wanted: Filter,
    overrides: Mapping[str, Any],
    listings: ListingRecorder | None = None,
    pattern: re.Pattern[str] | None = None,
) -> list[Recording]:
    """The media files below a folder in the order in which a walk would come by them."""
    found = []
    entered: dict[str, bool] = {"": True}
    for place, entry in root.find():
        if listings is not None:
            listings.record_file(root, place, entry)
        relative = place.key[len(root.key) :].lstrip("/") if _unusable(place) is None else place.name
        if not is_media(relative) or "/." in f"/{relative}" or not wanted.wants(relative):
            continue
        if _entered(relative.rpartition("/")[0], wanted, entered) and (pattern is None or _matches(relative, pattern)):
            found.append((_order(relative), recorded(place, root, entry, overrides)))
    found.sort(key=lambda item: item[0])
    return [recording for _, recording in found]


def _entered(folder: str, wanted: Filter, known: dict[str, bool]) -> bool:
    if (answer := known.get(folder)) is None:
        answer = known[folder] = _entered(folder.rpartition("/")[0], wanted, known) and wanted.enters(folder)
    return answer


def _order(relative: str) -> list[tuple[bool, tuple[list[str | int], str]]]:
    """A sort key: a folder's files, then its subfolders, each in natural order."""
    *folders, name = relative.split("/")
    return [*((True, natural(folder)) for folder in folders), (False, natural(name))]


def _from_glob(
    place: Location, wanted: Filter, overrides: Mapping[str, Any], listings: ListingRecorder | None
) -> Iterator[Recording]:
    parts = place.key.split("/")
    first = next(index for index, part in enumerate(parts) if MAGIC.search(part))
    base = Location(place.store, "/".join(parts[:first]))
    found = _below(base, wanted, overrides, listings, as_expression("/".join(parts[first:])))
    if not found:
        _has_any(base)  # says so when there is no such bucket
        raise SourceNotFound(f"Nothing matches {printable(str(place))}.", "It would match audio and video files, and folders.")
    yield from found


def _matches(relative: str, pattern: re.Pattern[str]) -> bool:
    """Whether the file or a folder that it is in matches."""
    parts = relative.split("/")
    return any(pattern.fullmatch("/".join(parts[:count])) for count in range(len(parts), 0, -1))


def _from_web(
    place: Location, wanted: Filter, options: Options, overrides: Mapping[str, Any], *, listed: bool
) -> Iterator[Recording]:
    try:
        entry = place.store.info(place)
    except FileNotFoundError:
        yield from _missing(place, overrides, listed=listed)
        return
    if is_media(place.name) or not is_page(entry):
        if not listed or wanted.wants(place.name):
            yield recorded(place, place.parent, entry, overrides)
        return
    for url in links(place, entry):
        link = locate(url, options)
        root = next((folder for folder in (place, place.parent) if link.is_relative_to(folder)), link.parent)
        if wanted.wants(link.relative_to(root).as_posix()):
            yield from _linked(link, root, overrides)


def _linked(link: Location, root: Location, overrides: Mapping[str, Any]) -> Iterator[Recording]:
    try:
        yield recorded(link, root, link.store.info(link), overrides)
    except FileNotFoundError:
        yield from _missing(link, overrides, listed=True)


def _missing(place: Location, overrides: Mapping[str, Any], *, listed: bool) -> Iterator[Recording]:
    """For a list, a recording that fails.

    Raises:
        SourceNotFound: it was typed.
    """
    if not listed:
        raise SourceNotFound(f"{printable(str(place))} is not there.", "Check the name; names in buckets mind capitals.")
    yield Recording(place, place.parent, overrides=overrides, problem=Unreadable(f"{printable(place.name)} is not there."))


def _is_there(place: Location) -> bool:
    try:
        place.store.info(place)
    except FileNotFoundError:
        return False
    return True


def _has_any(place: Location) -> bool:
    """Whether a folder is there at all: the top of a bucket always is, a prefix when there is something below.

    Raises:
        SourceNotFound: there is no such bucket. Azure's client lists one that is not there as empty.
    """
    top = Location(place.store, "")
    if top.key == place.key or place.store.kind.family in ("azure", "gcs"):
        try:
            top.store.info(top)
        except FileNotFoundError as error:
            raise SourceNotFound(f"There is no bucket {printable(str(top))}.", "Check its name, and the endpoint.") from error
    return top.key == place.key or next(iter(place.find()), None) is not None


def _is_ours(place: Location) -> bool:
    """Whether this tool wrote the file, which was typed, by a transcript beside it."""
    if place.suffix.removeprefix(".") not in FORMATS.targets:
        return False
    (head,) = place.store.read_headers([place.with_name(f"{place.stem}.json")], _HEAD_BYTES)
    return head is not None and head.startswith(_TRANSCRIPT)


def _unusable(place: Location) -> str | None:
    """Why no output can be named after it, or why the client would take it for another; None when all is well."""
    parts = place.key.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in place.key:
        return "has an empty part, . or .. in its path, which names no place in a folder"
    if place.store.kind.parses_version_ids and "?versionid=" in place.key.lower():
        return "has ?versionId= in its name, which the client would take for a version of another object"
    return None
