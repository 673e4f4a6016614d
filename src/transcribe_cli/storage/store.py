"""A bucket, server or archive: list, read, write, remove. Only this room calls fsspec.

Nothing is written through fsspec's `open`: leaving it by an exception commits the bytes written so far.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import IO, Any, Protocol

from transcribe_cli.errors import StorageNotReady
from transcribe_cli.storage.bounded import BOUNDED, MAX_FILE_BYTES, FileTooLarge, RandomAccessFile, read_all
from transcribe_cli.storage.client import ATTEMPTS, CALL_SECONDS, Client
from transcribe_cli.storage.entry import Entry, parse_entry
from transcribe_cli.storage.errors import diagnose
from transcribe_cli.storage.kinds import Kind
from transcribe_cli.storage.listing_limits import within_limits
from transcribe_cli.storage.ssh import write_and_rename
from transcribe_cli.storage.transfer import CountingFile, RangeNotSatisfiable, unless_stalled
from transcribe_cli.text.credentials import without_parameters

# Time limit of a listing that arrives as one response, which may have hundreds of thousands of names.
LISTING_SECONDS = 1800.0
# A connection without data for this long is closed.
IDLE_SECONDS = 30.0
_PAGE = 1000
_CONCURRENT_HEADERS = 256


class Address(Protocol):
    """What a store needs to know about a `Location` in it."""

    @property
    def key(self) -> str:
        """The path below the top of the store."""

    @property
    def query(self) -> str:
        """The query of an HTTP URL."""


class Store:
    """A bucket, a server or an archive. Its methods raise StorageNotReady, with one line and a hint, if it cannot be used.

    Args:
        base, tail: the text before and after a key in a URL.
        fs: the fsspec file system.
        root: the file system's prefix of a key.
    """

    def __init__(self, base: str, tail: str, kind: Kind, fs: Any, root: str) -> None:
        self._base, self._tail, self._fs, self._root = base, tail, fs, root
        self._client = Client(fs, kind.family)
        self.kind = kind
        # False if ETags look like MD5s and are not, as in buckets with customer-managed encryption keys: see `sources.download`.
        self.etags_are_md5 = True
        # Whether a file can be created only if it does not exist, which leases need. None: not tried yet. See `sinks.check_store_writable`.
        self.can_create_exclusively: bool | None = None

    @property
    def has_encoded_keys(self) -> bool:
        """Whether keys are percent-encoded."""
        return self.kind.family == "http"

    @property
    def supports_parallel_reads(self) -> bool:
        """Whether several ranges of a file can be read at once."""
        return bool(self._fs.async_impl)

    @property
    def can_resume(self) -> bool:
        """Whether `download` can start in the middle of a file."""
        return not self.supports_parallel_reads

    def uri(self, key: str, *, as_requested: bool = False) -> str:
        """The URL of a key. On web servers, path parameters are left out unless `as_requested`, which is never shown or stored."""
        shown = without_parameters(key) if self.has_encoded_keys and not as_requested else key
        return f"{self._base}{shown}{self._tail}"

    def info(self, location: Address) -> Entry:
        """Get the entry of a file or folder.

        Raises:
            FileNotFoundError: it does not exist.
        """
        return parse_entry(self._call(location, "info", self._path(location)))

    def find(self, location: Address) -> Iterator[tuple[str, Entry]]:
        """List the keys of all files below a folder, lazily and in any order. It is one listing, without a request per file."""
        below = f"{location.key}/" if location.key else ""
        for info in self._list_pages(location, below) if self.kind.family == "s3" else self._find_all(location):
            entry = parse_entry(info)
            key = self._key(entry.path)
            if entry.is_link:  # a broken or circular link stays a link; fetching it fails
                with contextlib.suppress(FileNotFoundError, StorageNotReady):
                    entry = replace(parse_entry(self._call(location, "info", f"{self._root}{key}")), is_link=True)
                    key = self._key(entry.path)
            if not entry.is_folder:
                yield key, entry

    def list(self, location: Address, prefix: str = "") -> Iterator[tuple[str, Entry]]:
        """List the keys directly in a folder. Buckets return only names that start with `prefix`; other stores ignore it."""
        with contextlib.suppress(FileNotFoundError):
            for info in self._list_folder(location, prefix):
                entry = parse_entry(info)
                is_folder_itself = entry.path.strip("/") == self._path(location).strip("/")
                is_marker = entry.path.endswith("/") and not entry.is_folder
                if not (is_folder_itself or is_marker):
                    yield self._key(entry.path), entry

    def read(
        self,
        location: Address,
        start: int | None = None,
        end: int | None = None,
        *,
        seconds: float = CALL_SECONDS,
        attempts: int = ATTEMPTS,
        max_bytes: int = MAX_FILE_BYTES,
    ) -> bytes:
        """Read the bytes from start up to end, or the whole file. The result is shorter if the file is.

        Raises:
            RangesNotSupported: an HTTP server would send the whole file.
            FileTooLarge: without an end, the file has more than `max_bytes`.
        """
        limit = max_bytes + 1 if end is None else end - (start or 0)
        try:
            data = self._retry(location, self._reader(location, start or 0, end, limit, seconds), attempts)
        except RangeNotSatisfiable:
            data = b""
        if end is None and len(data) > max_bytes:
            raise FileTooLarge(max_bytes)
        return bytes(data[:limit])

    def _reader(self, location: Address, start: int, end: int | None, limit: int, seconds: float) -> Callable[[], bytes]:
        """A function that reads once, at most about `limit` bytes."""
        path = self._path(location)
        if read := BOUNDED.get(self.kind.family):
            return lambda: bytes(self._client.wait_for(partial(read, self._fs, path, start, end, limit), seconds))
        timeout = {"timeout": seconds} if self.supports_parallel_reads else {}
        return partial(self._fs.cat_file, path, start=start, end=start + limit, **timeout)

    def read_headers(
        self, locations: Sequence[Address], size: int, concurrency: int = _CONCURRENT_HEADERS
    ) -> Iterator[bytes | None]:
        """Read the first bytes of each file, many at once. None for a file that does not exist."""
        for first in range(0, len(locations), concurrency):
            group = locations[first : first + concurrency]
            results: list[Any] = [None] * len(group)
            paths = [self._path(location) for location in group]
            if read := BOUNDED.get(self.kind.family):
                reads = partial(read_all, read, self._fs, paths, size)
                results = self._retry(group[0], partial(self._client.wait_for, reads))
            elif self.supports_parallel_reads:
                results = self._call(group[0], "cat_ranges", paths, [0] * len(group), [size] * len(group), on_error="return")
            for location, data in zip(group, results, strict=True):
                is_missing = isinstance(data, Exception) and diagnose(data, self.kind.family).missing
                yield data if isinstance(data, bytes) else None if is_missing else self._read_header(location, size)

    def exists(self, location: Address) -> bool:
        """Whether a file exists. It takes one request, where `info` takes two for a missing file."""
        (head,) = self.read_headers([location], 1)
        return head is not None

    def write(
        self, location: Address, data: bytes, content_type: str, temporary: str = "", seconds: float = CALL_SECONDS
    ) -> None:
        """Write a file atomically, in one request. Over SFTP, the data is written to the new name `temporary` and renamed.

        Default: a random name, so that nobody can put a link there that leads to another file.
        """
        path = self._path(location)
        options: dict[str, dict[str, Any]] = {
            "s3": {"ContentType": content_type},
            "gcs": {"content_type": content_type},
            "azure": {"content_settings": {"content_type": content_type}},
        }
        try:
            if self.kind.family == "sftp":
                self._retry(location, lambda: write_and_rename(self._fs, path, temporary, data))
            else:
                self._call(location, "pipe_file", path, data, seconds=seconds, **options.get(self.kind.family, {}))
        except FileNotFoundError as error:
            raise self._no_bucket(location) from error

    def remove(self, location: Address) -> None:
        """Remove a file, if it exists."""
        with contextlib.suppress(FileNotFoundError):
            self._call(location, "_rm" if self.kind.family == "sftp" else "rm_file", self._path(location))

    def download(self, location: Address, file: IO[bytes], start: int, on_bytes: Callable[[int], None]) -> None:
        """Download a file from `start` on, for stores that do not read ranges in parallel. It is not retried.

        `start` is 0 unless the store `can_resume`. `on_bytes` receives the number of bytes of each block, and may raise.
        """
        output = CountingFile(file, on_bytes)
        with self._client.single_attempt(self.uri(location.key)):
            if self.supports_parallel_reads:
                get = partial(self._fs._get_file, self._path(location), output)
                self._client.wait_for(partial(unless_stalled, get, output.tell), None)
                return
            with self._fs.open(self._path(location), "rb") as source:
                source.seek(start)
                if self.kind.family == "sftp":
                    self._fs.ftp.get_channel().settimeout(IDLE_SECONDS)
                    source.prefetch()  # without it, every 32 KiB wait for a round trip
                while data := source.read(1 << 18):
                    output.write(data)

    def call(self, location: Address, function: Callable[[Any, str], Any], attempts: int = ATTEMPTS) -> Any:
        """Call a function with the file system and the path in it. If it returns a coroutine, the coroutine is run.

        Raises:
            ConditionNotMet: another process changed the file.
        """
        bound = partial(function, self._fs, self._path(location))
        call = partial(self._client.wait_for, bound) if self.supports_parallel_reads else bound
        return self._client.retry(self.uri(location.key), call, attempts, conditional=True)

    def open(self, location: Address) -> Any:
        """Open a file for random access, which archives need.

        Raises:
            StorageNotReady: its size is not known.
        """
        if not self.supports_parallel_reads:
            return self._retry(location, lambda: self._fs.open(self._path(location), "rb"))
        if (size := self.info(location).size) is None:
            raise StorageNotReady(f"{self.uri(location.key)} has no known size.", "Download the archive first.")
        return io.BufferedReader(RandomAccessFile(partial(self.read, location), size, self.uri(location.key)), 1 << 20)

    def _no_bucket(self, location: Address) -> StorageNotReady:
        """The error of a server that answers 404 where the name of the file does not matter, and does not say what is missing."""
        return StorageNotReady(
            f"{self.uri(location.key)} cannot be used: the bucket does not exist (404).", "Check its name and the endpoint."
        )

    def _read_header(self, location: Address, size: int) -> bytes | None:
        try:
            return self.read(location, 0, size)
        except FileNotFoundError:
            return None

    def _path(self, location: Address) -> str:
        return f"{self._root}{location.key}{f'?{location.query}' if location.query else ''}"

    def _key(self, path: str) -> str:
        return path.removeprefix(self._root) if path.startswith(self._root) else path.lstrip("/")

    def _list_folder(self, location: Address, prefix: str) -> Iterator[dict[str, Any]]:
        """The entries of a folder. Buckets filter by the prefix, if there is one."""
        match self.kind.family if prefix else "":
            case "s3":
                yield from self._list_pages(location, f"{location.key}/{prefix}" if location.key else prefix, "/")
            case "gcs" | "azure":
                yield from self._find_all(location, prefix=prefix)
            case _:
                yield from self._call(location, "ls", self._path(location).rstrip("/"), detail=True)

    def _find_all(self, location: Address, **filters: str) -> Iterator[dict[str, Any]]:
        try:
            path = self._path(location).rstrip("/")
            infos = self._call(location, "find", path, detail=True, seconds=LISTING_SECONDS, **filters)
        except FileNotFoundError:
            return
        if isinstance(infos, dict):  # adlfs returns a list for a file
            while infos:
                yield infos.pop(next(iter(infos)))

    def _list_pages(self, location: Address, below: str, delimiter: str = "") -> Iterator[dict[str, Any]]:
        """List a bucket page by page: s3fs's `find` holds the whole listing twice, and its time limit covers all of it."""
        source = self._fs._iterdir(self._root.strip("/"), delimiter=delimiter, prefix=below)

        async def next_page() -> list[dict[str, Any]]:
            page: list[dict[str, Any]] = []
            async for info in source:
                page.append(info)
                if len(page) == _PAGE:
                    break
            return page

        try:
            pages = iter(lambda: self._retry(location, lambda: self._client.wait_for(next_page), attempts=1), [])
            yield from within_limits(pages, self.uri(location.key))
        except FileNotFoundError as error:  # a folder without files is an empty page
            raise self._no_bucket(location) from error

    def _call(self, location: Address, method: str, *args: Any, seconds: float = CALL_SECONDS, **options: Any) -> Any:
        return self._client.call(self.uri(location.key), method, *args, seconds=seconds, **options)

    def _retry(self, location: Address, function: Callable[[], Any], attempts: int = ATTEMPTS) -> Any:
        return self._client.retry(self.uri(location.key), function, attempts)
