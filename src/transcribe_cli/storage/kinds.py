"""The kinds of storage, by the schemes of their URLs: which library each needs, and what it can do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True)
class Kind:
    """One kind of storage.

    Attributes:
        family: its table in the configuration: `[storage.s3]`.
        protocol: fsspec's name for it.
        extra: of this package, that brings its library; "" when none is needed.
        lists: whether it can say what is in a folder.
        writes: whether outputs can go there.
        bucket: whether a listing can be of the names that begin in some way, and takes one request then.
        versions: whether its client takes `?versionId=` in a name for a version, and would read or write another object.
        host: whether the URL's first part is a machine and not a bucket.
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
    """Whether a text is a URL of something else than this machine's files; `file://` is not."""
    url = URL.match(text)
    return url is not None and url[1].lower() != "file"
