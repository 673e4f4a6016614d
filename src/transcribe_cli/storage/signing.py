"""URLs that let somebody without credentials read or write one object for a while.

What each client needs for it was measured; see docs/runpod.md. A signed URL is a secret: it is sent to where the work is done, and told
nowhere else.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from transcribe_cli.errors import StorageNotReady
from transcribe_cli.storage.location import Location

# No cloud signs for longer.
MAX_SIGNED_SECONDS = 7 * 24 * 3600
# What a signed URL has in its query: S3 (versions 4 and 2), Google (the same), Azure.
_SIGNATURES = frozenset({"x-amz-signature", "x-goog-signature", "signature", "sig"})
_CURES = {
    "s3": "Are there credentials, and is `anon` off?",
    "gcs": "Signing needs the private key of a service account (GOOGLE_APPLICATION_CREDENTIALS).",
    "azure": "Signing needs the account's key, or a connection string.",
}


def can_sign(place: Location) -> bool:
    """Whether there are signed URLs for places of this kind at all."""
    return place.store.kind.family in _CURES


def sign_url(place: Location, seconds: float, *, put: bool = False) -> str:
    """A URL to GET this object with, or to PUT it, for so many seconds, 7 days at most.

    Raises:
        StorageNotReady: with these credentials nothing can be signed; the message says what is needed.
    """
    family = place.store.kind.family
    whole = min(MAX_SIGNED_SECONDS, math.ceil(seconds))
    try:
        url = str(place.store.act(place, lambda fs, path: _sign(family, fs, path, whole, put=put), attempts=1))
        if _SIGNATURES & {key.lower() for key in parse_qs(urlsplit(url).query)}:
            return url
        why = "the URL carries no signature"
    except (ValueError, AttributeError, NotImplementedError, StorageNotReady) as error:
        why = type(error).__name__
    raise StorageNotReady(f"No URL of {place.uri} can be signed ({why}).", _CURES.get(family, "It has no signed URLs."))


def _sign(family: str, fs: Any, path: str, seconds: int, *, put: bool) -> Any:
    match family:
        case "s3":
            return fs._url(path, expires=seconds, client_method="put_object" if put else "get_object")
        case "gcs":
            return _given(fs.sign(path, seconds, version="v4", method="PUT" if put else "GET"))
        case "azure" if put:
            return _put_azure(fs, path, seconds)
        case "azure":
            return _given(fs.sign(path, seconds))
    raise NotImplementedError(family)


async def _given(url: str) -> str:
    return url


async def _put_azure(fs: Any, path: str, seconds: int) -> str:
    """Adlfs signs for reading only; the library below it for anything."""
    from azure.storage.blob import BlobSasPermissions, generate_blob_sas

    container, name, _ = fs.split_path(path)
    if not fs.account_key:
        raise ValueError("no account key")
    token = generate_blob_sas(
        account_name=fs.account_name,
        container_name=container,
        blob_name=name,
        account_key=fs.account_key,
        permission=BlobSasPermissions(create=True, write=True),
        expiry=datetime.now(UTC) + timedelta(seconds=seconds),
    )
    async with fs.service_client.get_blob_client(container, name) as blob:
        return f"{blob.url}?{token}"
