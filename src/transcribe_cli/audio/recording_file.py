"""The recording as an open file: the parent opens it, the child reads it. Neither waits for a pipe or a device."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

from transcribe_cli.errors import NotAudio, Unreadable
from transcribe_cli.text.links import FOLLOW_LINKS, Tree


class Undecodable(NotAudio):
    """The file may be media that PyAV cannot decode; another decoder may support it."""


class SourceFile(io.FileIO):
    """The open recording. Each read counts as progress, also while a demuxer searches gigabytes of zeros for its next packet.

    Attributes:
        on_read: called before each read.
        end: where the file is shown to end; None where it does.
        patches: offset and bytes that are shown there instead of those of the file, where a header is wrong.
    """

    on_read: Callable[[], None] = staticmethod(lambda: None)
    end: int | None = None

    def __init__(self, descriptor: int, mode: str) -> None:
        super().__init__(descriptor, mode)
        self.patches: list[tuple[int, bytes]] = []

    def read(self, size: int | None = -1) -> bytes:
        """Like FileIO.read, and calls `on_read` first."""
        self.on_read()
        if self.end is None and not self.patches:
            return super().read(size)
        position = self.tell()
        if self.end is not None:
            rest = max(0, self.end - position)
            size = rest if size is None or size < 0 else min(size, rest)
        return self._patched(super().read(size), position)

    def _patched(self, data: bytes, position: int) -> bytes:
        for offset, patch in self.patches:
            first, last = max(offset, position), min(offset + len(patch), position + len(data))
            if first < last:
                data = data[: first - position] + patch[first - offset : last - offset] + data[last - position :]
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Like FileIO.seek, but an invalid position (from damaged sizes) returns an error code to FFmpeg instead of raising."""
        if whence == os.SEEK_END and self.end is not None:
            offset, whence = offset + self.end, os.SEEK_SET
        try:
            return super().seek(offset, whence)
        except OSError as error:
            return -(error.errno or errno.EINVAL)


def open_regular(path: Path, name: str, tree: Tree | None = None) -> int:
    """A descriptor of a regular file that is not empty. Never blocks: a FIFO or a device is refused both before and after opening.

    A file of no size is refused, although it may have content: /proc/self/environ is one, and would be the *parent's* environment.

    Raises:
        Unreadable: it does not exist, is not a regular file, cannot be opened, or is not in the tree: a link was put in its place.
        NotAudio: it is empty.
    """
    try:
        _check_regular(os.stat(path), name)  # noqa: PTH116 - matches fstat below
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise Unreadable(f"{name} cannot be opened: {os.strerror(error.errno or errno.EIO)}.") from error
    try:
        status = os.fstat(descriptor)
        _check_regular(status, name)
        if tree is not None and not tree.holds_open(path, descriptor):
            raise left_tree(name)  # noqa: TRY301
        _check_size(status, name)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def left_tree(name: str) -> Unreadable:
    """The error of a file whose path leads out of its tree since it was found."""
    return Unreadable(f"{name} leads out of its tree through a link.", f"If you trust where it leads: {FOLLOW_LINKS}")


def _check_size(status: os.stat_result, name: str) -> None:
    if not status.st_size:
        raise NotAudio(f"{name} is empty.", "Check whether the recording or the download was interrupted.")


def read_error(name: str, error: OSError) -> Unreadable:
    """The error of a file that stops being readable: a failing disk, a lost network share."""
    return Unreadable(f"{name} cannot be read: {error.strerror or 'unknown error'}.")


def _check_regular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(status.st_mode), "a device")
        raise Unreadable(f"{name} is {kind}, not a regular file.")
