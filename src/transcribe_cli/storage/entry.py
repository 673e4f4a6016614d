"""The metadata of a file in a listing, in the same form for every kind of storage."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

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
    """Parse fsspec's dictionary, whose keys differ between libraries."""
    path = str(info["name"])
    md5 = _md5(info)
    return Entry(
        path=path,
        size=None if info.get("size") is None else int(info["size"]),
        modified=_modified(next((info[key] for key in _TIMES if info.get(key)), None), is_s3="LastModified" in info),
        etag=_etag(info, md5),
        md5=md5,
        is_folder=info.get("type") == "directory" or path.endswith("/"),
        is_link=info.get("type") == "link",
        mimetype=str(info.get("mimetype") or ""),
    )


def _md5(info: Mapping[str, Any]) -> str | None:
    if encoded := info.get("md5Hash") or info.get("Content-MD5"):
        with suppress(ValueError):  # a server may send anything
            return base64.b64decode(encoded).hex()
    settings = info.get("content_settings")
    if settings and (digest := settings.get("content_md5")):
        return bytes(digest).hex()
    tag = str(info.get("ETag") or "").strip('"')
    return tag if _MD5.fullmatch(tag) and "StorageClass" in info else None  # an ETag of S3; those of other servers are not MD5s


def _etag(info: Mapping[str, Any], md5: str | None) -> str | None:
    if md5:
        return md5
    if "CRC" in info:  # zip archive
        return f"crc32-{info['CRC']:08x}"
    tag = info.get("generation") or info.get("etag") or info.get("ETag")
    return str(tag).removeprefix("W/").strip('"') if tag else None


def _modified(value: object, *, is_s3: bool) -> str:
    """A time in any form of any library. An invalid one, which a server or an archive may have, is unknown."""
    try:
        if isinstance(value, str):
            value = parsedate_to_datetime(value) if "," in value else datetime.fromisoformat(value)
        if isinstance(value, int | float):
            value = datetime.fromtimestamp(value, UTC)
        if isinstance(value, tuple):
            year, month, day, hour, minute, second = value
            value = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)  # zip archives have no time zones
        if not isinstance(value, datetime):
            return ""
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        if is_s3:  # some S3 servers return milliseconds in listings, but seconds for single objects
            moment = moment.replace(microsecond=0)
        return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ValueError, TypeError, OverflowError, OSError):
        return ""
