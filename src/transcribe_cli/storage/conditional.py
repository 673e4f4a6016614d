"""Conditional writes: a file is changed only if no other machine changed it in the meantime.

S3 uses `If-None-Match: *` and `If-Match`, Google Cloud generations, Azure ETags. SFTP can only create files exclusively. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html,
https://cloud.google.com/storage/docs/request-preconditions, https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Protocol

# A longer file is not read, because ours have some hundred bytes. `TOO_LONG` is its content then.
MAX_BYTES = 1 << 16
TOO_LONG = b"too long".ljust(MAX_BYTES)


class Version(NamedTuple):
    """The content of a file. `tag` identifies this version; `age` is the seconds since it was written, by the store's clock."""

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
            data: bytes = await body.read() if response.get("ContentLength", 0) <= MAX_BYTES else TOO_LONG
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
        metadata = _json(body)
        generation = str(metadata["generation"])
        data = TOO_LONG
        if int(metadata.get("size", 0)) <= MAX_BYTES:
            _, data = await fs._call("GET", "b/{}/o/{}", bucket, key, alt="media", generation=generation)
        return Version(data, generation, _age(datetime.fromisoformat(metadata["updated"]), headers.get("Date", "")))

    async def write(self, fs: Any, bucket: str, key: str, data: bytes, tag: str | None) -> str:
        url = f"{fs._location}/upload/storage/v1/b/{{}}/o"
        headers = {"Content-Type": "application/octet-stream"}
        options = {"uploadType": "media", "name": key, "ifGenerationMatch": tag or "0"}
        _, body = await fs._call("POST", url, bucket, headers=headers, data=data, **options)
        return str(_json(body)["generation"])

    async def remove(self, fs: Any, bucket: str, key: str, tag: str) -> None:
        await fs._call("DELETE", "b/{}/o/{}", bucket, key, ifGenerationMatch=tag)


class _Azure:
    async def read(self, fs: Any, bucket: str, key: str) -> Version:
        date: list[str] = []
        async with fs.service_client.get_blob_client(container=bucket, blob=key) as blob:
            stream = await blob.download_blob(
                raw_response_hook=lambda response: date.append(response.http_response.headers.get("Date", ""))
            )
            data: bytes = await stream.readall() if stream.size <= MAX_BYTES else TOO_LONG
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


def _json(data: bytes) -> Any:
    import json

    return json.loads(data)


def _age(modified: datetime, date: str) -> float:
    """The age of a file, from the two times in one response: that of the file and that of the server."""
    now = parsedate_to_datetime(date) if date else datetime.now(UTC)
    return (now - modified).total_seconds()
