"""What can be done in a bucket, on a server, in an archive: list, read, write, remove. Every call has a time limit, every error a name.

The only place that calls fsspec. Two habits of its file systems that this rests on: methods of the asynchronous ones take `timeout=`,
without which s3fs may wait for ever; and nothing is ever written through `open`, because leaving it by an exception commits the half.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import IO, Any, Protocol

from transcribe_cli.storage.entry import Entry, entry_of
from transcribe_cli.storage.errors import diagnose, mapped
from transcribe_cli.storage.kinds import Kind
from transcribe_cli.storage.transfer import Beyond, Counted, NoRanges, Refused, Unmet, http_range

# For one request; for a listing that comes as one answer, of which there may be hundreds of thousands of names.
CALL_SECONDS, LISTING_SECONDS = 60.0, 1800.0
# After which a connection that brings nothing is given up.
SILENCE_SECONDS = 30.0
ATTEMPTS = 4
_PAGE = 1000
_HEADS = 256


class Address(Protocol):
    """What a store wants to know of a `Location` in it."""

    @property
    def key(self) -> str:
        """The path below the store's top."""

    @property
    def query(self) -> str:
        """What an HTTP server wants to be asked beside the path."""


class Store:
    """A bucket, a server or an archive.

    Args:
        base, tail: what comes before and after a key in a URL.
        fs: the fsspec file system.
        root: what it wants before a key.
    """

    def __init__(self, base: str, tail: str, kind: Kind, fs: Any, root: str) -> None:
        self._base, self._tail, self._fs, self._root = base, tail, fs, root
        self.kind = kind
        # An ETag that looks like an MD5 and is none, as in buckets that encrypt with keys of their own: see `fetch`.
        self.etags_are_md5 = True
        # Whether a file can be created only if there is none, so leases work there; None: unknown. See `sinks.check_store_writable`.
        self.can_create_exclusively: bool | None = None
        self._one_at_a_time = contextlib.nullcontext() if fs.async_impl else threading.RLock()

    @property
    def quoted(self) -> bool:
        """Whether keys are percent-encoded."""
        return self.kind.family == "http"

    @property
    def parallel(self) -> bool:
        """Whether several ranges of a file can be read at once."""
        return bool(self._fs.async_impl)

    def uri(self, key: str) -> str:
        """The URL of a key."""
        return f"{self._base}{key}{self._tail}"

    def info(self, place: Address) -> Entry:
        """What is there.

        Raises:
            FileNotFoundError: nothing.
            StorageNotReady: it cannot be asked; one line with the cure. So do all methods.
        """
        return entry_of(self._call(place, "info", self._path(place)))

    def find(self, place: Address) -> Iterator[tuple[str, Entry]]:
        """The keys of all files below a folder in any order, as they come; one listing, no question for each file."""
        below = f"{place.key}/" if place.key else ""
        for info in self._pages(place, below) if self.kind.family == "s3" else self._found(place):
            entry = entry_of(info)
            key = self._key(entry.path)
            if entry.is_link:  # one that leads nowhere stays what it is, and fails when it is fetched
                with contextlib.suppress(FileNotFoundError):
                    entry = entry_of(self._call(place, "info", f"{self._root}{key}"))
                    key = self._key(entry.path)
            if not entry.is_folder:
                yield key, entry

    def list(self, place: Address, beginning: str = "") -> Iterator[tuple[str, Entry]]:
        """The keys of what is directly in a folder; a bucket leaves out names that do not start with `beginning`, other stores do not."""
        with contextlib.suppress(FileNotFoundError):
            for info in self._listed(place, beginning):
                entry = entry_of(info)
                itself = entry.path.strip("/") == self._path(place).strip("/")
                marker = entry.path.endswith("/") and not entry.is_folder
                if not (itself or marker):
                    yield self._key(entry.path), entry

    def read(
        self,
        place: Address,
        start: int | None = None,
        end: int | None = None,
        *,
        seconds: float = CALL_SECONDS,
        attempts: int = ATTEMPTS,
    ) -> bytes:
        """The bytes from start to before end, fewer when it is shorter.

        Raises:
            NoRanges: an HTTP server would give all of it.
        """
        if self.kind.family == "http" and end is not None:
            coroutine = partial(http_range, self._fs, self._path(place), start or 0, end)
            found = self._do(place, lambda: self._synchronously(coroutine, seconds), attempts)
        else:
            options = {"timeout": seconds} if self.parallel else {}
            read = partial(self._fs.cat_file, self._path(place), start=start, end=end, **options)
            try:
                found = self._do(place, read, attempts)
            except Beyond:
                found = b""
        return bytes(found)

    def read_headers(self, places: Sequence[Address], size: int, concurrency: int = _HEADS) -> Iterator[bytes | None]:
        """The first bytes of each file, many at once; None for one that is not there."""
        for first in range(0, len(places), concurrency):
            group = places[first : first + concurrency]
            found: list[Any] = [None] * len(group)
            if self.parallel:
                paths = [self._path(place) for place in group]
                found = self._call(group[0], "cat_ranges", paths, [0] * len(group), [size] * len(group), on_error="return")
            for place, data in zip(group, found, strict=True):
                gone = isinstance(data, Exception) and diagnose(data, self.kind.family).missing
                yield data if isinstance(data, bytes) else None if gone else self._head(place, size)

    def exists(self, place: Address) -> bool:
        """Whether a file is there: one request, where `info` takes two to find nothing."""
        (head,) = self.read_headers([place], 1)
        return head is not None

    def write(
        self,
        place: Address,
        data: bytes,
        content_type: str,
        temporary: str = ".transcribe.tmp",
        seconds: float = CALL_SECONDS,
    ) -> None:
        """Put a file there, whole or not at all, in one request; over SFTP by way of a neighbour of this name."""
        match self.kind.family:
            case "s3":
                self._call(place, "pipe_file", self._path(place), data, ContentType=content_type, seconds=seconds)
            case "gcs":
                self._call(place, "pipe_file", self._path(place), data, content_type=content_type, seconds=seconds)
            case "azure":
                self._call(
                    place, "pipe_file", self._path(place), data, content_settings={"content_type": content_type}, seconds=seconds
                )
            case "sftp":
                self._do(place, lambda: self._write_and_rename(self._path(place), temporary, data))
            case _:
                self._call(place, "pipe_file", self._path(place), data)

    def remove(self, place: Address) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._call(place, "_rm" if self.kind.family == "sftp" else "rm_file", self._path(place))

    @property
    def resumes(self) -> bool:
        """Whether `download` can go on from the middle."""
        return not self.parallel

    def download(self, place: Address, file: IO[bytes], start: int, more: Callable[[int], None]) -> None:
        """All of a file from `start` on, from where ranges cannot be asked for side by side. Tried once.

        `start` is 0 unless the store `resumes`; `more` is told how many bytes came, each time some did, and may raise.
        """
        sink, around = Counted(file, more), sys.exception()
        with self._one_at_a_time:
            try:
                if self.parallel:
                    self._fs.get_file(self._path(place), sink)
                    return
                with self._fs.open(self._path(place), "rb") as source:
                    source.seek(start)
                    if self.kind.family == "sftp":
                        self._fs.ftp.get_channel().settimeout(SILENCE_SECONDS)
                        source.prefetch()  # otherwise it waits for the network after every 32 KiB
                    while data := source.read(1 << 18):
                        sink.write(data)
            except Refused as refused:
                raise refused.reason from None
            except Exception as error:
                self._reconnect()
                raise mapped(error, self.uri(place.key), self.kind.family, around) from error

    def act(self, place: Address, what: Callable[[Any, str], Any], attempts: int = ATTEMPTS) -> Any:
        """Do something with the file system itself: `what` is given it and the path as it wants it; a coroutine is waited for.

        Raises:
            Unmet: somebody else was faster.
        """
        call = partial(what, self._fs, self._path(place))
        act = partial(self._synchronously, call, CALL_SECONDS) if self.parallel else call
        return self._do(place, act, attempts, conditional=True)

    def open(self, place: Address) -> Any:
        """A file to read here and there, for archives."""
        return self._do(place, lambda: self._fs.open(self._path(place), "rb", block_size=1 << 20, cache_type="blockcache"))

    def _head(self, place: Address, size: int) -> bytes | None:
        try:
            return self.read(place, 0, size)
        except FileNotFoundError:
            return None

    def _path(self, place: Address) -> str:
        return f"{self._root}{place.key}{f'?{place.query}' if place.query else ''}"

    def _key(self, path: str) -> str:
        return path.removeprefix(self._root) if path.startswith(self._root) else path.lstrip("/")

    def _listed(self, place: Address, beginning: str) -> Iterator[dict[str, Any]]:
        """Where a bucket can be asked for names that begin so, those that do."""
        match self.kind.family if beginning else "":
            case "s3":
                yield from self._pages(place, f"{place.key}/{beginning}" if place.key else beginning, "/")
            case "gcs" | "azure":
                yield from self._found(place, prefix=beginning)
            case _:
                yield from self._call(place, "ls", self._path(place).rstrip("/"), detail=True)

    def _found(self, place: Address, **only: str) -> Iterator[dict[str, Any]]:
        try:
            found = self._call(place, "find", self._path(place).rstrip("/"), detail=True, seconds=LISTING_SECONDS, **only)
        except FileNotFoundError:
            return
        if isinstance(found, dict):  # adlfs gives a list for a file
            while found:
                yield found.pop(next(iter(found)))

    def _pages(self, place: Address, below: str, delimiter: str = "") -> Iterator[dict[str, Any]]:
        """The listing of a bucket, page by page: `find` of s3fs holds all of it, twice, and its time limit is for all of it."""
        source = self._fs._iterdir(self._root.strip("/"), delimiter=delimiter, prefix=below)

        async def page() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            async for info in source:
                found.append(info)
                if len(found) == _PAGE:
                    break
            return found

        while found := self._do(place, lambda: self._synchronously(page, CALL_SECONDS), attempts=1):
            yield from found

    def _write_and_rename(self, path: str, name: str, data: bytes) -> None:
        folder = path.rpartition("/")[0]
        self._fs.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/{name}"
        try:
            with self._fs.ftp.open(temporary, "wb") as file:
                file.set_pipelined(True)
                file.write(data)
            self._fs.ftp.posix_rename(temporary, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self._fs.ftp.remove(temporary)
            raise

    def _synchronously(self, coroutine: Callable[[], Any], seconds: float) -> Any:
        from fsspec.asyn import sync

        return sync(self._fs.loop, coroutine, timeout=seconds)

    def _call(self, place: Address, method: str, *args: Any, seconds: float = CALL_SECONDS, **options: Any) -> Any:
        if self._fs.async_impl:
            options["timeout"] = seconds
        return self._do(place, lambda: getattr(self._fs, method)(*args, **options))

    def _do(self, place: Address, act: Callable[[], Any], attempts: int = ATTEMPTS, *, conditional: bool = False) -> Any:
        """Do it, again when that may help, and map what goes wrong; only who sets a condition is told that it was not met."""
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

        around = sys.exception()
        retrying = Retrying(
            retry=retry_if_exception(lambda error: diagnose(error, self.kind.family, around).passing),
            wait=wait_random_exponential(0.3, max=10.0),
            stop=stop_after_attempt(attempts),
            before_sleep=lambda _: self._reconnect(),
            reraise=True,
        )
        try:
            with self._one_at_a_time:
                return retrying(act)
        except NoRanges:
            raise
        except Exception as error:
            trouble = diagnose(error, self.kind.family, around)
            if trouble.beyond or (trouble.unmet and conditional):
                raise (Beyond if trouble.beyond else Unmet) from error
            raise mapped(error, self.uri(place.key), self.kind.family, around) from error

    def _reconnect(self) -> None:
        """An SSH connection that broke stays broken."""
        if self.kind.family == "sftp":
            with contextlib.suppress(Exception):
                self._fs._connect()
