"""Small files that several machines create, read, change and remove, each only if nobody else did meanwhile.

Where a bucket takes conditions (`conditional`) they are its own. A server of SFTP has nothing but files that are created exclusively:
there `replace` and `discard` are for callers to guard.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from transcribe_cli.errors import StorageNotReady
from transcribe_cli.storage.conditional import CONDITIONAL, Version
from transcribe_cli.storage.location import Location
from transcribe_cli.storage.transfer import Unmet

_TYPE = "application/octet-stream"
_TRIES = 5


def supports_conditions(place: Location) -> bool:
    """Whether its kind of storage knows conditions; a server of that kind may not know them all the same."""
    return place.store.kind.family in CONDITIONAL


def make_folder(place: Location) -> None:
    """Where folders are more than a part of names."""
    if place.store.kind.family == "sftp":
        place.store.act(place, lambda fs, path: fs.makedirs(path, exist_ok=True))


def create(place: Location, data: bytes) -> str | None:
    """Put a file there unless there is one, and return the tag of this version; of any number of callers at once, one gets it.

    Raises:
        FileNotFoundError: there is no such bucket; over SFTP, no such folder.
        StorageNotReady: see `Store`; so do all of these.
    """
    try:
        tag = place.store.act(place, *_write_new(place, data))
    except Unmet:
        return _tag_of(place, data) if supports_conditions(place) else None
    return tag if supports_conditions(place) else _tag(data)


def enforces_exclusive_create(there: Location) -> bool:
    """Whether a file that is there is not created again; some servers take the condition for an error, or do not know it."""
    try:
        there.store.act(there, *_write_new(there, b"again"))
    except Unmet:
        return True
    except StorageNotReady:
        pass
    return False


def read_version(place: Location, temporary: str = ".transcribe.tmp") -> Version | None:
    """The file as it is now; None when it is not there. Over SFTP a file of this name is made and removed, to learn the server's time."""
    try:
        if supports_conditions(place):
            found: Version = place.store.act(place, _on(place, "read"))
            return found
        entry, data = place.store.info(place), place.store.read(place)
    except FileNotFoundError:
        return None
    return Version(data, _tag(data), _now(place.parent / temporary) - entry.modified_ns / 1e9)


def replace_version(place: Location, tag: str, data: bytes) -> str | None:
    """Replace a version of the file, if that is what is there, and return the tag of the new one."""
    if not supports_conditions(place):
        return _tag(data) if _unguarded(place, tag, partial(place.store.write, place, data, _TYPE)) else None
    for known in dict.fromkeys((tag, tag.strip('"'))):  # Ceph 16 takes its ETags without quotes only
        with contextlib.suppress(Unmet, FileNotFoundError):
            return str(place.store.act(place, _on(place, "write", data, known)))
    return _tag_of(place, data)


def remove_version(place: Location, tag: str) -> bool:
    """Remove a version of the file, if that is what is there. Not every server of S3 minds which one it is."""
    if not supports_conditions(place):
        return _unguarded(place, tag, partial(place.store.remove, place))
    try:
        place.store.act(place, _on(place, "remove", tag), attempts=1)
    except (Unmet, FileNotFoundError):
        return False
    return True


def _tag_of(place: Location, data: bytes) -> str | None:
    """Of the file, if this is what it holds: an answer that was lost looks the same as somebody else's file."""
    there = read_version(place)
    return there.tag if there is not None and there.data == data else None


def _on(place: Location, act: str, *values: Any) -> Callable[[Any, str], Any]:
    """An act of `Conditional` in the form that `Store.act` takes."""
    method = getattr(CONDITIONAL[place.store.kind.family], act)

    def call(fs: Any, path: str) -> Any:
        bucket, _, key = path.partition("/")
        return method(fs, bucket, key, *values)

    return call


def _write_new(place: Location, data: bytes) -> tuple[Callable[[Any, str], Any], int]:
    """How a file is created here, and how often that may be tried."""
    match place.store.kind.family:
        case "sftp":
            return partial(_over_sftp, data), 1
        case "memory":
            return lambda fs, path: fs.pipe_file(path, data, mode="create"), 1
        case _:
            return _on(place, "write", data, None), 4


def _over_sftp(data: bytes, fs: Any, path: str) -> None:
    with _created(fs, path) as file:
        file.write(data)


def _created(fs: Any, path: str) -> Any:
    """A new file, open. The protocol has no code for one that is there; one that was, and is gone when asked about, is tried again."""
    tries = 0
    while True:
        try:
            return fs.ftp.open(path, "wx")
        except OSError as error:
            tries += 1
            if error.errno is None and fs.exists(path):
                raise FileExistsError(path) from error
            if error.errno is not None or tries == _TRIES:
                raise


def _unguarded(place: Location, tag: str, change: Callable[[], None]) -> bool:
    try:
        if _tag(place.store.read(place)) != tag:
            return False
    except FileNotFoundError:
        return False
    change()
    return True


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _now(probe: Location) -> float:
    """The time by the clock that stamps files there, in seconds since 1970."""
    if probe.store.kind.family != "sftp":
        return time.time()
    try:
        probe.store.act(probe, partial(_over_sftp, b""), 1)
        return probe.store.info(probe).modified_ns / 1e9
    finally:
        probe.store.remove(probe)
