"""Small files that several machines create, change and remove, each only if no other machine changed them in the meantime.

Buckets do it with conditional requests (`conditional`). SFTP can only create files exclusively: there, callers must guard
`replace_version` and `remove_version` with a lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from transcribe_cli.errors import StorageNotReady
from transcribe_cli.storage.conditional import CONDITIONAL, MAX_SHARED_BYTES, Version
from transcribe_cli.storage.location import Location
from transcribe_cli.storage.transfer import ConditionNotMet

_TYPE = "application/octet-stream"
_ATTEMPTS = 5


def supports_conditions(location: Location) -> bool:
    """Whether this kind of storage supports conditional requests. A particular server may not."""
    return location.store.kind.family in CONDITIONAL


def make_folder(location: Location) -> None:
    """Create the folder, in storage with real folders."""
    if location.store.kind.family == "sftp":
        location.store.call(location, lambda fs, path: fs.makedirs(path, exist_ok=True))


def create(location: Location, data: bytes) -> str | None:
    """Create a file unless it exists, and return the tag of its version. Only one of several concurrent callers succeeds.

    Raises:
        FileNotFoundError: the bucket does not exist; over SFTP, the folder.
        StorageNotReady: see `Store`. All functions here raise it.
    """
    try:
        tag = location.store.call(location, *_creation(location, data))
    except ConditionNotMet:
        return _tag_if_written(location, data) if supports_conditions(location) else None
    return tag if supports_conditions(location) else _tag(data)


def enforces_exclusive_create(existing: Location) -> bool:
    """Whether the server refuses to create an existing file again. Some reject the condition as an error, or ignore it."""
    try:
        existing.store.call(existing, *_creation(existing, b"again"))
    except ConditionNotMet:
        return True
    except StorageNotReady:
        pass
    return False


def read_version(location: Location, temporary: str = ".transcribe.tmp") -> Version | None:
    """Read a file; None if it does not exist. Over SFTP, the file `temporary` is created and removed, to get the server's time."""
    try:
        if supports_conditions(location):
            current: Version = location.store.call(location, _conditional_call(location, "read"))
            return current
        entry, data = location.store.info(location), location.store.read(location, 0, MAX_SHARED_BYTES)
    except FileNotFoundError:
        return None
    return Version(data, _tag(data), _server_time(location.parent / temporary) - entry.modified_ns / 1e9)


def replace_version(location: Location, tag: str, data: bytes, temporary: str = "") -> str | None:
    """Replace a version of the file, if it is the current one, and return the tag of the new version. `temporary`: see `Store.write`."""
    if not supports_conditions(location):
        write = partial(location.store.write, location, data, _TYPE, temporary)
        return _tag(data) if _change_if_current(location, tag, write) else None
    for known in dict.fromkeys((tag, tag.strip('"'))):  # Ceph 16 accepts ETags only without quotes
        with contextlib.suppress(ConditionNotMet, FileNotFoundError):
            return str(location.store.call(location, _conditional_call(location, "write", data, known)))
    return _tag_if_written(location, data)


def remove_version(location: Location, tag: str) -> bool:
    """Remove a version of the file, if it is the current one. Some S3 servers ignore the version."""
    if not supports_conditions(location):
        return _change_if_current(location, tag, partial(location.store.remove, location))
    try:
        location.store.call(location, _conditional_call(location, "remove", tag), attempts=1)
    except (ConditionNotMet, FileNotFoundError):
        return False
    return True


def _tag_if_written(location: Location, data: bytes) -> str | None:
    """The tag of the file, if it holds this data: our write may have succeeded although its response was lost."""
    current = read_version(location)
    return current.tag if current is not None and current.data == data else None


def _conditional_call(location: Location, name: str, *values: Any) -> Callable[[Any, str], Any]:
    """A method of `ConditionalClient` in the form that `Store.call` expects."""
    method = getattr(CONDITIONAL[location.store.kind.family], name)

    def call(fs: Any, path: str) -> Any:
        bucket, _, key = path.partition("/")
        return method(fs, bucket, key, *values)

    return call


def _creation(location: Location, data: bytes) -> tuple[Callable[[Any, str], Any], int]:
    """The call that creates a file in this kind of storage, and its maximum number of attempts."""
    match location.store.kind.family:
        case "sftp":
            return partial(_create_over_sftp, data), 1
        case "memory":
            return lambda fs, path: fs.pipe_file(path, data, mode="create"), 1
        case _:
            return _conditional_call(location, "write", data, None), 4


def _create_over_sftp(data: bytes, fs: Any, path: str) -> None:
    with _open_exclusively(fs, path) as file:
        file.write(data)


def _open_exclusively(fs: Any, path: str) -> Any:
    """Create and open a file. SFTP has no code for an existing file: after a failure without a code, check, and try again if it is gone."""
    attempts = 0
    while True:
        try:
            return fs.ftp.open(path, "wx")
        except OSError as error:
            attempts += 1
            if error.errno is None and fs.exists(path):
                raise FileExistsError(path) from error
            if error.errno is not None or attempts == _ATTEMPTS:
                raise


def _change_if_current(location: Location, tag: str, change: Callable[[], None]) -> bool:
    try:
        if _tag(location.store.read(location, 0, MAX_SHARED_BYTES)) != tag:
            return False
    except FileNotFoundError:
        return False
    change()
    return True


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _server_time(probe: Location) -> float:
    """The time of the clock that sets modification times, in seconds since 1970."""
    if probe.store.kind.family != "sftp":
        return time.time()
    try:
        probe.store.call(probe, partial(_create_over_sftp, b""), 1)
        return probe.store.info(probe).modified_ns / 1e9
    finally:
        probe.store.remove(probe)
