"""Small files that several machines change: written only if nobody else did meanwhile.

S3 does it with `If-None-Match: *` and `If-Match`, Google Cloud with generations, Azure with ETags; a server of SFTP has only files that
are created exclusively. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html,
https://cloud.google.com/storage/docs/request-preconditions, https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Protocol


class Version(NamedTuple):
    """A file as it was read. `tag` is what its store calls this version, `age` the seconds since it was written, by the store's clock."""

    data: bytes
    tag: str
    age: float


class Conditional(Protocol):
    """How one kind of bucket does it. Errors are its library's; `trouble` knows those that say that somebody else was faster."""

    async def read(self, fs: Any, bucket: str, key: str) -> Version:
        """What is there."""

    async def write(self, fs: Any, bucket: str, key: str, data: bytes, tag: str | None) -> str:
        """Replace this version, and return what the new one is called; None: there is to be nothing."""

    async def remove(self, fs: Any, bucket: str, key: str, tag: str) -> None:
        """Remove this version. Not every server of S3 minds which one it is."""


class _S3:
    async def read(self, fs: Any, bucket: str, key: str) -> Version:
        answer = await fs._call_s3("get_object", Bucket=bucket, Key=key)
        async with answer["Body"] as body:
            data: bytes = await body.read()
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        return Version(data, answer["ETag"], _age(answer["LastModified"], date))

    async def write(self, fs: Any, bucket: str, key: str, data: bytes, tag: str | None) -> str:
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        answer = await fs._call_s3("put_object", Bucket=bucket, Key=key, Body=data, **condition)
        return str(answer["ETag"])

    async def remove(self, fs: Any, bucket: str, key: str, tag: str) -> None:
        await fs._call_s3("delete_object", Bucket=bucket, Key=key, IfMatch=tag)


class _Gcs:
    async def read(self, fs: Any, bucket: str, key: str) -> Version:
        headers, body = await fs._call("GET", "b/{}/o/{}", bucket, key)
        about = _json(body)
        generation = str(about["generation"])
        _, data = await fs._call("GET", "b/{}/o/{}", bucket, key, alt="media", generation=generation)
        return Version(data, generation, _age(datetime.fromisoformat(about["updated"]), headers.get("Date", "")))

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
                raw_response_hook=lambda answer: date.append(answer.http_response.headers.get("Date", ""))
            )
            data: bytes = await stream.readall()
        return Version(data, stream.properties.etag, _age(stream.properties.last_modified, date[0]))

    async def write(self, fs: Any, bucket: str, key: str, data: bytes, tag: str | None) -> str:
        from azure.core import MatchConditions

        condition = {"etag": tag, "match_condition": MatchConditions.IfNotModified} if tag else {}
        async with fs.service_client.get_blob_client(container=bucket, blob=key) as blob:
            answer = await blob.upload_blob(data, overwrite=bool(tag), **condition)
        return str(answer["etag"])

    async def remove(self, fs: Any, bucket: str, key: str, tag: str) -> None:
        from azure.core import MatchConditions

        async with fs.service_client.get_blob_client(container=bucket, blob=key) as blob:
            await blob.delete_blob(etag=tag, match_condition=MatchConditions.IfNotModified)


CONDITIONAL: dict[str, Conditional] = {"s3": _S3(), "gcs": _Gcs(), "azure": _Azure()}


def _json(data: bytes) -> Any:
    import json

    return json.loads(data)


def _age(modified: datetime, date: str) -> float:
    """From what one answer of the server says of the file and of now."""
    now = parsedate_to_datetime(date) if date else datetime.now(UTC)
    return (now - modified).total_seconds()
