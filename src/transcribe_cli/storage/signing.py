"""Signed URLs: they let a client without credentials read or write one object for a limited time.

docs/runpod.md has the requirements of each library. A signed URL is a secret: it is sent to the worker, and never logged.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from transcribe_cli.errors import StorageNotReady
from transcribe_cli.storage.location import Location

# The maximum of all clouds.
MAX_SIGNED_SECONDS = 7 * 24 * 3600
# Query parameters of signed URLs: S3 (versions 4 and 2), Google (the same), Azure.
_SIGNATURES = frozenset({"x-amz-signature", "x-goog-signature", "signature", "sig"})
_HINTS = {
    "s3": "Check that there are credentials, and that `anon` is off.",
    "gcs": "Signing needs the private key of a service account (GOOGLE_APPLICATION_CREDENTIALS).",
    "azure": "Signing needs the account key or a connection string.",
}


def can_sign(location: Location) -> bool:
    """Whether this kind of storage supports signed URLs."""
    return location.store.kind.family in _HINTS


def sign_url(location: Location, seconds: float, *, put: bool = False) -> str:
    """Sign a URL to GET this object, or to PUT it, for this many seconds. The maximum is 7 days.

    Raises:
        StorageNotReady: these credentials cannot sign. The hint says what is needed.
    """
    family = location.store.kind.family
    whole_seconds = min(MAX_SIGNED_SECONDS, math.ceil(seconds))
    try:
        url = str(location.store.call(location, lambda fs, path: _sign(family, fs, path, whole_seconds, put=put), attempts=1))
        if _SIGNATURES & {key.lower() for key in parse_qs(urlsplit(url).query)}:
            return url
        reason = "the URL has no signature"
    except (ValueError, AttributeError, NotImplementedError, StorageNotReady) as error:
        reason = type(error).__name__
    raise StorageNotReady(
        f"Cannot sign a URL of {location.uri} ({reason}).", _HINTS.get(family, "It does not support signed URLs.")
    )


def _sign(family: str, fs: Any, path: str, seconds: int, *, put: bool) -> Any:
    match family:
        case "s3":
            return fs._url(path, expires=seconds, client_method="put_object" if put else "get_object")
        case "gcs":
            return _as_coroutine(fs.sign(path, seconds, version="v4", method="PUT" if put else "GET"))
        case "azure" if put:
            return _sign_azure_put(fs, path, seconds)
        case "azure":
            return _as_coroutine(fs.sign(path, seconds))
    raise NotImplementedError(family)


async def _as_coroutine(url: str) -> str:
    return url


async def _sign_azure_put(fs: Any, path: str, seconds: int) -> str:
    """Sign with Azure's library, because adlfs signs only for reading."""
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
