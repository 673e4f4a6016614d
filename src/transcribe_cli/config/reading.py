"""Reads a configuration file: a small regular file, without waiting for a pipe or a device, and only of an owner who may give orders."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli.errors import ConfigError

MAX_BYTES = 1 << 20
_WITHOUT = "Use --config FILE for another one, or --config /dev/null for none."


@dataclass(frozen=True)
class Content:
    """The bytes of a file, and its permissions when they were read."""

    data: bytes
    mode: int

    @property
    def others_can_read(self) -> bool:
        """Whether users other than the owner can access the file."""
        return bool(self.mode & (stat.S_IRWXG | stat.S_IRWXO))

    @property
    def others_can_write(self) -> bool:
        """Whether any user can change the file."""
        return bool(self.mode & stat.S_IWOTH)


def read_content(path: Path, *, any_owner: bool = False) -> Content:
    """Read a file that is at most 1 MiB. /dev/null is an empty file.

    Args:
        path: the file, or a link to it.
        any_owner: also a file that belongs neither to the current user nor to root: the user named it.

    Raises:
        ConfigError: it does not exist, cannot be read, or is not such a file.
    """
    try:
        _check(path, path.stat())  # before it is opened, because opening a device may already have an effect
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            info = os.fstat(descriptor)
            _check(path, info)
            if not any_owner:
                _check_owners(path, info)
            data = file.read(MAX_BYTES + 1) or b""
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"The configuration file {path} does not exist.") from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path} is not a configuration file: it is larger than 1 MiB.", _WITHOUT)
    return Content(data, info.st_mode)


def _check(path: Path, info: os.stat_result) -> None:
    if stat.S_ISDIR(info.st_mode):
        raise ConfigError(f"Cannot read {path}: Is a directory.")
    if not stat.S_ISREG(info.st_mode) and not os.path.samestat(info, os.stat(os.devnull)):  # noqa: PTH116 - a text
        raise ConfigError(f"{path} is not a configuration file: it is not a regular file.", _WITHOUT)


def _check_owners(path: Path, info: os.stat_result) -> None:
    """Of the file and, if it is a link, of the link."""
    for owner in (path.lstat().st_uid, info.st_uid):
        if owner not in (0, os.geteuid()):
            raise ConfigError(f"{path} belongs to another user (id {owner}), so it is not read.", _WITHOUT)
