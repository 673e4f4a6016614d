"""A bucket that holds audio until a worker has downloaded it, and results until they are collected. Every object is removed."""

from __future__ import annotations

import contextlib
import re
import secrets

from transcribe_cli.errors import TranscribeError, UsageError
from transcribe_cli.storage import Location, Options, bind_to_sources, locate
from transcribe_cli.storage.signing import can_sign, sign_url

_TRANSFER_SECONDS = 3600.0
# An object is held in memory while it is sent; the longest recording has 170 MB as Opus.
MAX_BYTES = 500_000_000
_OBJECT_NAME = re.compile(r"transcribe-[0-9a-f]{32}\.[a-z0-9.]{1,16}")


class Staging:
    """A folder of a bucket.

    Args:
        url: such as s3://bucket/folder.
        options: of the file systems; see `storage.options`.

    Raises:
        UsageError: URLs of objects there cannot be signed.
        MissingExtra, StorageNotReady: its library is missing, or cannot be set up.
    """

    def __init__(self, url: str, options: Options) -> None:
        self._options = bind_to_sources(options, [url])
        self._folder = locate(url, self._options)
        if not can_sign(self._folder):
            raise UsageError(f"{self._folder.uri} cannot be the staging bucket.", "Use an s3://, gs:// or az:// URL.")

    def check(self) -> None:
        """Check that objects can be written, signed and removed.

        Raises:
            StorageNotReady: they cannot.
        """
        probe = self.new_object("probe")
        probe.store.write(probe, b"", "application/octet-stream")
        sign_url(probe, 60.0)
        probe.store.remove(probe)

    def new_object(self, extension: str) -> Location:
        """The location of a new object, with a name that cannot be guessed."""
        return self._folder / f"transcribe-{secrets.token_hex(16)}.{extension}"  # see `_OBJECT_NAME`

    def put(self, location: Location, data: bytes) -> None:
        """Write an object.

        Raises:
            StorageNotReady: it cannot be written.
        """
        location.store.write(location, data, "application/octet-stream", seconds=_TRANSFER_SECONDS)

    def get(self, uri: str) -> bytes | None:
        """The content of an object; None when it does not exist, is none of ours, or is longer than `MAX_BYTES`.

        Raises:
            StorageNotReady: the bucket cannot be read.
        """
        if (location := self._object(uri)) is None:
            return None
        try:
            data = location.store.read(location, 0, MAX_BYTES + 1, seconds=_TRANSFER_SECONDS)
        except FileNotFoundError:
            return None
        return data if len(data) <= MAX_BYTES else None

    def remove(self, uri: str) -> bool:
        """Remove an object and return whether that worked. Never raises: it is called while another error is handled."""
        with contextlib.suppress(TranscribeError, OSError):
            if (location := self._object(uri)) is not None:
                location.store.remove(location)
                return True
        return False

    def _object(self, uri: str) -> Location | None:
        """The object of this URI, which a file on disk names; None unless `new_object` could have made it."""
        name = uri.rpartition("/")[2]
        location = self._folder / name if _OBJECT_NAME.fullmatch(name) else None
        return location if location is not None and location.uri == uri else None


def download_url(location: Location, seconds: float) -> str:
    """A URL for downloading a recording in a bucket, or on a web server, without credentials.

    Raises:
        StorageNotReady: the URL cannot be signed.
    """
    if location.store.kind.family == "http":
        return location.address
    return sign_url(location, seconds)
