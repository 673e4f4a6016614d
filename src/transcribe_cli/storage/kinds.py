"""The kinds of storage by URL scheme: the library and the capabilities of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

URL_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True)
class Kind:
    """One kind of storage.

    Attributes:
        family: its table in the configuration: `[storage.s3]`.
        protocol: fsspec's name.
        extra: the extra of this package with its library, or "".
        can_list: whether folders can be listed.
        can_write: whether outputs can be written.
        is_bucket: whether listings can be filtered by a prefix of the name, in one request.
        parses_version_ids: whether its client takes `?versionId=` in a name as a version, and would access another object.
        has_host: whether the first part of the URL is a host, not a bucket.
    """

    family: str
    protocol: str
    extra: str = ""
    can_list: bool = True
    can_write: bool = True
    is_bucket: bool = False
    parses_version_ids: bool = False
    has_host: bool = False


_S3 = Kind("s3", "s3", "s3", is_bucket=True, parses_version_ids=True)
_GCS = Kind("gcs", "gcs", "gcs", is_bucket=True)
_AZURE = Kind("azure", "abfs", "azure", is_bucket=True, parses_version_ids=True)
_HTTP = Kind("http", "http", "http", can_list=False, can_write=False, has_host=True)
_SFTP = Kind("sftp", "sftp", "ssh", has_host=True)
SCHEMES: Mapping[str, Kind] = {
    "s3": _S3,
    "gs": _GCS,
    "gcs": _GCS,
    "az": _AZURE,
    "abfs": _AZURE,
    "abfss": _AZURE,
    "http": _HTTP,
    "https": _HTTP,
    "sftp": _SFTP,
    "ssh": _SFTP,
    "memory": Kind("memory", "memory"),
    "zip": Kind("zip", "zip", can_write=False),
    "tar": Kind("tar", "tar", can_write=False),
}
FAMILIES = tuple(dict.fromkeys(kind.family for kind in SCHEMES.values()))


def is_url(text: str) -> bool:
    """Whether a text is the URL of a store. `file://` is not."""
    url = URL_SCHEME.match(text)
    return url is not None and url[1].lower() != "file"
