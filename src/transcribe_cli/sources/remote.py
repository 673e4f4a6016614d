"""Finds recordings in buckets, on servers and in archives, with the same rules for folders, globs and filters as on a disk.

A folder is a prefix: it is listed once with everything below it, without a request per file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from transcribe_cli.errors import SourceNotFound, StorageNotReady, Unreadable, UsageError
from transcribe_cli.registry import FORMATS
from transcribe_cli.sources.patterns import MAGIC, Filter, glob_pattern
from transcribe_cli.sources.recording import Recording, unusable
from transcribe_cli.sources.walk import is_media, natural_key
from transcribe_cli.sources.web_pages import is_page, links
from transcribe_cli.storage import Entry, Location, Options, locate, ssh
from transcribe_cli.text.links import Links
from transcribe_cli.text.printable import printable

_TRANSCRIPT = b'{"schema_version":'
_HEADER_BYTES = 1 << 16
# Paths on a disk have 4 KiB. A name in an archive may have 32,767 folders, whose names take a gigabyte.
_MAX_FOLDERS = 1024
# Time limit of looking up all links of a page: each may take a minute.
_LINKS_SECONDS = 1800.0


class ListingRecorder(Protocol):
    """Receives every file in the listing of a tree, so that the tree is not listed again. See `sinks.Listings`."""

    def record_file(self, root: Location, location: Location, entry: Entry) -> None:
        """Called for each file below the root."""


def find_remote(
    url: str,
    path_filter: Filter,
    options: Options,
    overrides: Mapping[str, Any] | None = None,
    *,
    listed: bool = False,
    listings: ListingRecorder | None = None,
    symlinks: Links | None = None,
) -> Iterator[Recording]:
    """Find the recordings of a URL: a file, a folder, a glob, or a page or feed with links.

    `overrides` is from a manifest line. `listed` means that the URL is from a list or manifest: filters also apply to single files, and
    a missing file is a recording that fails. `symlinks` is about those on an SFTP server, as in `find_recordings`.

    Raises:
        SourceNotFound: the URL does not exist.
        UsageError, MissingExtra, StorageNotReady: see `storage`.
    """
    location, overrides, symlinks = locate(url, options), overrides or {}, symlinks or Links()
    if location.store.kind.family == "http":
        return _from_web(location, path_filter, options, overrides, listed=listed)
    if MAGIC.search(location.key) and not _exists(location):
        return _from_glob(location, path_filter, overrides, listings, symlinks)
    is_folder = not location.key or url.endswith("/")
    return _from_path(location, path_filter, overrides, listings, symlinks, is_folder=is_folder, listed=listed)


def recording_at(location: Location, root: Location, entry: Entry, overrides: Mapping[str, Any]) -> Recording:
    """The recording for an entry of a listing. An unusable name is stored as its `problem`."""
    recording = Recording(location, root, overrides=overrides)
    if (reason := _unusable_name(location)) is not None:
        return replace(recording, problem=Unreadable(f"{printable(str(location))} {reason}.", "Rename it."))
    return recording.with_entry(entry)


def _from_path(
    location: Location,
    path_filter: Filter,
    overrides: Mapping[str, Any],
    listings: ListingRecorder | None,
    symlinks: Links,
    *,
    is_folder: bool,
    listed: bool,
) -> Iterator[Recording]:
    # A name without a media extension is usually a folder: listing it also shows whether it exists.
    found = _media_below(location, path_filter, overrides, listings, symlinks) if is_folder or not is_media(location.name) else []
    if found:
        yield from found
        return
    try:
        entry = None if is_folder else location.store.info(location)
    except FileNotFoundError:
        yield from _missing(location, overrides, listed=listed)
        return
    if entry is not None and not entry.is_folder:
        if not _is_output(location) and (not listed or path_filter.matches(location.name)):
            yield recording_at(location, location.parent, entry, overrides)
        return
    found = _media_below(location, path_filter, overrides, listings, symlinks) if is_media(location.name) else []
    yield from found
    if not found and not _folder_exists(location):
        yield from _missing(location, overrides, listed=listed)


def _media_below(
    root: Location,
    path_filter: Filter,
    overrides: Mapping[str, Any],
    listings: ListingRecorder | None,
    symlinks: Links,
    pattern: re.Pattern[str] | None = None,
) -> list[Recording]:
    """The media files below a folder, in the order of `walk`."""
    found = []
    entered: dict[str, bool] = {"": True}
    for location, entry in root.find():
        if entry.is_link and not symlinks.follow and ssh.leads_out(location, root):
            if is_media(location.name):
                symlinks.skip(location.uri)
            continue
        if listings is not None:
            listings.record_file(root, location, entry)
        relative = location.key[len(root.key) :].lstrip("/") if _unusable_name(location) is None else location.name
        if not is_media(relative) or "/." in f"/{relative}" or not path_filter.matches(relative):
            continue
        if _should_enter(relative.rpartition("/")[0], path_filter, entered) and (pattern is None or _matches(relative, pattern)):
            found.append((_order(relative), recording_at(location, root, entry, overrides)))
    found.sort(key=lambda item: item[0])
    return [recording for _, recording in found]


def _should_enter(folder: str, path_filter: Filter, known: dict[str, bool]) -> bool:
    """Whether a folder and all above it may be entered. A name in an archive may have thousands of them."""
    unknown = []
    while folder not in known:
        unknown.append(folder)
        folder = folder.rpartition("/")[0]
    answer = known[folder]
    for below in reversed(unknown):
        answer = known[below] = answer and path_filter.should_enter(below)
    return answer


def _order(relative: str) -> list[tuple[bool, tuple[list[str | int], str]]]:
    """A sort key: a folder's files, then its subfolders, each in natural order."""
    *folders, name = relative.split("/")
    return [*((True, natural_key(folder)) for folder in folders), (False, natural_key(name))]


def _from_glob(
    location: Location, path_filter: Filter, overrides: Mapping[str, Any], listings: ListingRecorder | None, symlinks: Links
) -> Iterator[Recording]:
    parts = location.key.split("/")
    first = next(index for index, part in enumerate(parts) if MAGIC.search(part))
    base = Location(location.store, "/".join(parts[:first]))
    found = _media_below(base, path_filter, overrides, listings, symlinks, glob_pattern("/".join(parts[first:])))
    if not found:
        _folder_exists(base)  # raises if the bucket does not exist
        raise SourceNotFound(f"Nothing matches {printable(str(location))}.", "A glob matches audio and video files, and folders.")
    yield from found


def _matches(relative: str, pattern: re.Pattern[str]) -> bool:
    """Whether the file or one of its parent folders matches."""
    parts = relative.split("/")
    return any(pattern.fullmatch("/".join(parts[:count])) for count in range(len(parts), 0, -1))


def _from_web(
    location: Location, path_filter: Filter, options: Options, overrides: Mapping[str, Any], *, listed: bool
) -> Iterator[Recording]:
    try:
        entry = location.store.info(location)
    except FileNotFoundError:
        yield from _missing(location, overrides, listed=listed)
        return
    except StorageNotReady as error:
        if not listed:
            raise
        yield Recording(location, location.parent, overrides=overrides, problem=Unreadable(error.message, error.hint))
        return
    if is_media(location.name) or not is_page(entry):
        if not listed or path_filter.matches(location.name):
            yield recording_at(location, location.parent, entry, overrides)
        return
    ends_at = time.monotonic() + _LINKS_SECONDS
    for number, url in enumerate(links(location, entry), 1):
        try:
            link = locate(url, options)
        except (UsageError, StorageNotReady) as error:
            message = UsageError(f"{printable(str(location))}, link {number}: {error.message}", error.hint)
            yield unusable(location, f"link {number}", message)
            continue
        root = next((folder for folder in (location, location.parent) if link.is_relative_to(folder)), link.parent)
        if path_filter.matches(link.relative_to(root).as_posix()):
            yield from _linked(link, root, overrides, ends_at)


def _linked(link: Location, root: Location, overrides: Mapping[str, Any], ends_at: float) -> Iterator[Recording]:
    """The recording of a link. Nothing in a page ends the run: a link that cannot be looked up is a recording that fails."""
    try:
        if time.monotonic() > ends_at:
            raise StorageNotReady(f"{printable(str(link))} was not looked up, because this page took too long.")  # noqa: TRY301
        yield recording_at(link, root, link.store.info(link), overrides)
    except FileNotFoundError:
        yield from _missing(link, overrides, listed=True)
    except StorageNotReady as error:
        yield Recording(link, root, overrides=overrides, problem=Unreadable(error.message, error.hint))


def _missing(location: Location, overrides: Mapping[str, Any], *, listed: bool) -> Iterator[Recording]:
    """A recording that fails, for a list.

    Raises:
        SourceNotFound: the URL is not from a list.
    """
    if not listed:
        raise SourceNotFound(
            f"{printable(str(location))} does not exist.", "Check the name; names in buckets are case-sensitive."
        )
    yield Recording(
        location, location.parent, overrides=overrides, problem=Unreadable(f"{printable(location.name)} does not exist.")
    )


def _exists(location: Location) -> bool:
    try:
        location.store.info(location)
    except FileNotFoundError:
        return False
    return True


def _folder_exists(location: Location) -> bool:
    """Whether a folder exists. The top of a bucket always does, a prefix if there is a file below it.

    Raises:
        SourceNotFound: the bucket does not exist. Azure's client lists a missing bucket as empty.
    """
    top = Location(location.store, "")
    if top.key == location.key or location.store.kind.family in ("azure", "gcs"):
        try:
            top.store.info(top)
        except FileNotFoundError as error:
            raise SourceNotFound(
                f"The bucket {printable(str(top))} does not exist.", "Check its name and the endpoint."
            ) from error
    return top.key == location.key or next(iter(location.find()), None) is not None


def _is_output(location: Location) -> bool:
    """Whether this tool wrote the file: there is a transcript next to it."""
    if location.suffix.removeprefix(".") not in FORMATS.targets:
        return False
    (header,) = location.store.read_headers([location.with_name(f"{location.stem}.json")], _HEADER_BYTES)
    return header is not None and header.startswith(_TRANSCRIPT)


def _unusable_name(location: Location) -> str | None:
    """Why outputs cannot be named after it, or the client would access another object. None if the name is usable."""
    parts = location.shown_key.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in location.key:
        return "has an empty part, . or .. in its path, which is not supported"
    if len(parts) > _MAX_FOLDERS:
        return f"is in more than {_MAX_FOLDERS} folders, which is not supported"
    if location.store.kind.parses_version_ids and "?versionid=" in location.key.lower():
        return "has ?versionId= in its name, which the client would parse as a version of another object"
    return None
