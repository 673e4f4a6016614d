"""A bucket in which audio lies until a worker has fetched it, and results until they are collected. Nothing stays there."""

from __future__ import annotations

import contextlib
import secrets

from transcribe_cli.errors import TranscribeError, UsageError
from transcribe_cli.storage import Location, Options, locate
from transcribe_cli.storage.signing import can_sign, sign_url

_UPLOAD_SECONDS = 3600.0
# Held in memory while it is sent: the longest recording as Opus has 170 MB.
MOST_BYTES = 500_000_000


class Staging:
    """A folder of a bucket.

    Args:
        url: such as s3://bucket/folder.
        options: of the file systems; see `storage.options`.

    Raises:
        UsageError: it is nothing in which objects can be signed for.
        MissingExtra, StorageNotReady: its library is missing, or cannot be set up.
    """

    def __init__(self, url: str, options: Options) -> None:
        self._options = options
        self._folder = locate(url, options)
        if not can_sign(self._folder):
            raise UsageError(f"{self._folder.uri} cannot be the staging bucket.", "It must be of s3://, gs:// or az://.")

    def check(self) -> None:
        """Whether objects can be put, signed for, and removed.

        Raises:
            StorageNotReady: they cannot.
        """
        probe = self.new_object("probe")
        probe.store.write(probe, b"", "application/octet-stream")
        sign_url(probe, 60.0)
        probe.store.remove(probe)

    def new_object(self, ending: str) -> Location:
        """For a new object; nobody can guess its name."""
        return self._folder / f"transcribe-{secrets.token_hex(16)}.{ending}"

    def put(self, place: Location, data: bytes) -> None:
        """Send an object.

        Raises:
            StorageNotReady: it does not arrive.
        """
        place.store.write(place, data, "application/octet-stream", seconds=_UPLOAD_SECONDS)

    def get(self, uri: str) -> bytes | None:
        """An object; None when it is not there.

        Raises:
            StorageNotReady: the bucket cannot be read.
        """
        place = locate(uri, self._options)
        try:
            return place.store.read(place, seconds=_UPLOAD_SECONDS)
        except FileNotFoundError:
            return None

    def remove(self, uri: str) -> bool:
        """Remove an object; whether that worked. Never raises: it is called when something else went wrong."""
        with contextlib.suppress(TranscribeError, OSError):
            place = locate(uri, self._options)
            place.store.remove(place)
            return True
        return False


def download_url(place: Location, seconds: float) -> str:
    """The URL under which a recording in a bucket, or on a web server, can be fetched without credentials.

    Raises:
        StorageNotReady: there is none.
    """
    if place.store.kind.family == "http":
        return f"{place.uri}?{place.query}" if place.query else place.uri
    return sign_url(place, seconds)
