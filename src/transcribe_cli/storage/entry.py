"""The metadata of a file in a listing, in the same form for every kind of storage."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from transcribe_cli.text.numbers import checked_count

_MD5 = re.compile(r"[0-9a-f]{32}")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "Last-Modified", "modified", "created", "date_time")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in a store.

    Attributes:
        path: path in the form of the client.
        size: bytes; None if the server does not return it.
        modified: UTC, ISO 8601 with microseconds and Z; "" if unknown.
        etag: a value that changes with the content: a checksum if the store has one, else its ETag or version. None if it has neither.
        md5: MD5 of the content in hex, if the store returns it. In buckets that encrypt with keys of their own, an S3 ETag of this form
            may not be an MD5.
        is_link: whether it is a symbolic link; the others are those of its target, unless that does not exist.
    """

    path: str
    size: int | None
    modified: str
    etag: str | None = None
    md5: str | None = None
    is_folder: bool = False
    is_link: bool = False
    mimetype: str = ""

    @property
    def modified_ns(self) -> int:
        """Nanoseconds since 1970; 0 if unknown."""
        return round(datetime.fromisoformat(self.modified).timestamp() * 1e6) * 1000 if self.modified else 0


def parse_entry(info: Mapping[str, Any]) -> Entry:
    """Parse fsspec's dictionary, whose keys differ between libraries. A server may return anything: what is not valid counts as unknown."""
    path = str(info["name"])
    md5 = _md5(info)
    return Entry(
        path=path,
        size=_size(info.get("size")),
        modified=_modified(info),
        etag=_etag(info, md5),
        md5=md5,
        is_folder=info.get("type") == "directory" or path.endswith("/"),
        is_link=info.get("type") == "link",
        mimetype=str(info.get("mimetype") or ""),
    )


def _md5(info: Mapping[str, Any]) -> str | None:
    if encoded := info.get("md5Hash") or info.get("Content-MD5"):
        return _from_base64(encoded) or None
    settings = info.get("content_settings")
    if settings and (digest := settings.get("content_md5")):
        return bytes(digest).hex()
    tag = str(info.get("ETag") or "").strip('"')
    return tag if _MD5.fullmatch(tag) and "StorageClass" in info else None  # an ETag of S3; those of other servers are not MD5s


def _from_base64(encoded: str) -> str | None:
    try:
        return base64.b64decode(encoded).hex()
    except (ValueError, TypeError):
        return None


def _size(value: object) -> int | None:
    try:
        return checked_count(int(value) if isinstance(value, str) else value)
    except ValueError:
        return None


def _etag(info: Mapping[str, Any], md5: str | None) -> str | None:
    if md5:
        return md5
    if "CRC" in info:  # zip archive
        return f"crc32-{info['CRC']:08x}"
    tag = info.get("generation") or info.get("etag") or info.get("ETag")
    return str(tag).removeprefix("W/").strip('"') if tag else None


def _modified(info: Mapping[str, Any]) -> str:
    try:
        value = _moment(next((info[key] for key in _TIMES if info.get(key)), None))
        if value is None:
            return ""
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        if "LastModified" in info:  # some S3 servers return milliseconds in listings, but seconds for single objects
            moment = moment.replace(microsecond=0)
        return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ValueError, TypeError, OverflowError, OSError):  # month 0, year 10000
        return ""


def _moment(value: object) -> datetime | None:
    """The time in any of the forms that libraries use."""
    if isinstance(value, str):
        return parsedate_to_datetime(value) if "," in value else datetime.fromisoformat(value)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, tuple):
        year, month, day, hour, minute, second = value
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)  # zip archives have no time zones
    return value if isinstance(value, datetime) else None
