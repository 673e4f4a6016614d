"""Conditional writes: a file is changed only if no other machine changed it in the meantime.

S3 uses `If-None-Match: *` and `If-Match`, Google Cloud generations, Azure ETags. SFTP can only create files exclusively. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html,
https://cloud.google.com/storage/docs/request-preconditions, https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Protocol

from transcribe_cli.storage.bounded import read_up_to
from transcribe_cli.text.json_data import parse_json

# What is read of a file: leases are smaller, and a longer file is not one.
MAX_SHARED_BYTES = 1 << 16


class Version(NamedTuple):
    """The content of a file, cut at `MAX_SHARED_BYTES`.

    `tag` identifies this version; `age` is the seconds since it was written, by the store's clock.
    """

    data: bytes
    tag: str
    age: float


class ConditionalClient(Protocol):
    """Conditional requests of one kind of bucket. Raises its library's errors; `errors` recognizes those of failed conditions."""

    async def read(self, fs: Any, bucket: str, key: str) -> Version:
        """Read the file."""

    async def write(self, fs: Any, bucket: str, key: str, data: bytes, tag: str | None) -> str:
        """Replace the version `tag`, or create the file if it is None. Returns the tag of the new version."""

    async def remove(self, fs: Any, bucket: str, key: str, tag: str) -> None:
        """Remove the version `tag`. Some S3 servers ignore the tag."""


class _S3:
    async def read(self, fs: Any, bucket: str, key: str) -> Version:
        response = await fs._call_s3("get_object", Bucket=bucket, Key=key)
        async with response["Body"] as body:
            data = await read_up_to(body.read, MAX_SHARED_BYTES)
        date = response["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        return Version(data, response["ETag"], _age(response["LastModified"], date))

    async def write(self, fs: Any, bucket: str, key: str, data: bytes, tag: str | None) -> str:
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        response = await fs._call_s3("put_object", Bucket=bucket, Key=key, Body=data, **condition)
        return str(response["ETag"])

    async def remove(self, fs: Any, bucket: str, key: str, tag: str) -> None:
        await fs._call_s3("delete_object", Bucket=bucket, Key=key, IfMatch=tag)


class _Gcs:
    async def read(self, fs: Any, bucket: str, key: str) -> Version:
        headers, body = await fs._call("GET", "b/{}/o/{}", bucket, key)
        metadata = parse_json(body)
        generation = str(metadata["generation"])
        part = {"Range": f"bytes=0-{MAX_SHARED_BYTES - 1}"} if int(metadata["size"]) else {}  # an empty file has no ranges
        _, data = await fs._call("GET", "b/{}/o/{}", bucket, key, headers=part, alt="media", generation=generation)
        return Version(data, generation, _age(datetime.fromisoformat(metadata["updated"]), headers.get("Date", "")))

    async def write(self, fs: Any, bucket: str, key: str, data: bytes, tag: str | None) -> str:
        url = f"{fs._location}/upload/storage/v1/b/{{}}/o"
        headers = {"Content-Type": "application/octet-stream"}
        options = {"uploadType": "media", "name": key, "ifGenerationMatch": tag or "0"}
        _, body = await fs._call("POST", url, bucket, headers=headers, data=data, **options)
        return str(parse_json(body)["generation"])

    async def remove(self, fs: Any, bucket: str, key: str, tag: str) -> None:
        await fs._call("DELETE", "b/{}/o/{}", bucket, key, ifGenerationMatch=tag)


class _Azure:
    async def read(self, fs: Any, bucket: str, key: str) -> Version:
        date: list[str] = []
        async with fs.service_client.get_blob_client(container=bucket, blob=key) as blob:
            stream = await blob.download_blob(
                offset=0,
                length=MAX_SHARED_BYTES,
                decompress=False,
                raw_response_hook=lambda response: date.append(response.http_response.headers.get("Date", "")),
            )
            data: bytes = await stream.readall()
        return Version(data, stream.properties.etag, _age(stream.properties.last_modified, date[0]))

    async def write(self, fs: Any, bucket: str, key: str, data: bytes, tag: str | None) -> str:
        from azure.core import MatchConditions

        condition = {"etag": tag, "match_condition": MatchConditions.IfNotModified} if tag else {}
        async with fs.service_client.get_blob_client(container=bucket, blob=key) as blob:
            response = await blob.upload_blob(data, overwrite=bool(tag), **condition)
        return str(response["etag"])

    async def remove(self, fs: Any, bucket: str, key: str, tag: str) -> None:
        from azure.core import MatchConditions

        async with fs.service_client.get_blob_client(container=bucket, blob=key) as blob:
            await blob.delete_blob(etag=tag, match_condition=MatchConditions.IfNotModified)


CONDITIONAL: dict[str, ConditionalClient] = {"s3": _S3(), "gcs": _Gcs(), "azure": _Azure()}


def _age(modified: datetime, date: str) -> float:
    """The age of a file, from the two times in one response: that of the file and that of the server."""
    now = parsedate_to_datetime(date) if date else datetime.now(UTC)
    return (now - modified).total_seconds()
