"""SFTP: host keys are checked against known_hosts, as `ssh` does (fsspec's default accepts any), and files are written atomically."""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transcribe_cli.errors import StorageNotReady

if TYPE_CHECKING:
    from transcribe_cli.storage.location import Location

_MAX_LINKS = 40  # as in Linux


def known_hosts_policy(file: str | None) -> Any:
    """A policy for paramiko that accepts the keys in a known_hosts file. Default: the user's file.

    Raises:
        ImportError: paramiko is not installed.
    """
    import paramiko

    class KnownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        """Accepts the keys in the file."""

        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            """Called by paramiko for an unknown host."""
            known = paramiko.HostKeys()
            path = Path(file).expanduser() if file else Path("~/.ssh/known_hosts").expanduser()
            if path.is_file():
                known.load(str(path))
            if not known.check(hostname, key):
                raise paramiko.BadHostKeyException(hostname, key, key)

    return KnownHosts()


def leads_out(link: Location, top: Location) -> bool:
    """Whether a link on the server leads out of a folder; True if the server does not tell. A broken one does not lead anywhere."""
    try:
        real, real_top = (str(place.store.call(place, _real_path)) for place in (link, top))
    except FileNotFoundError:
        return False
    except (OSError, StorageNotReady):
        return True
    return not f"{real}/".startswith(f"{real_top.rstrip('/')}/")


def _real_path(fs: Any, path: str) -> str:
    """A path without links. The protocol's own request for it leaves links as they are on some servers.

    Raises:
        OSError: it does not exist, or there are too many links.
    """
    resolved, links = "/", 0
    parts = (path if path.startswith("/") else f"{fs.ftp.normalize('.')}/{path}").split("/")[::-1]
    while parts:
        if (part := parts.pop()) in ("", "."):
            continue
        candidate = posixpath.normpath(posixpath.join(resolved, part))
        if part == ".." or not stat.S_ISLNK(fs.ftp.lstat(candidate).st_mode or 0):
            resolved = candidate
            continue
        if (links := links + 1) > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = str(fs.ftp.readlink(candidate) or "")
        resolved = "/" if target.startswith("/") else resolved
        parts += target.split("/")[::-1]
    return resolved


def write_and_rename(fs: Any, path: str, name: str, data: bytes) -> None:
    """Write a file under a temporary name in its folder, which is created, and rename it. Without a name: under a random one."""
    folder = path.rpartition("/")[0]
    fs.makedirs(folder, exist_ok=True)
    temporary = f"{folder}/{name or f'.transcribe-{secrets.token_hex(8)}.tmp'}"
    try:
        with _create(fs, temporary) as file:
            file.set_pipelined(True)
            file.write(data)
        fs.ftp.posix_rename(temporary, path)
    except BaseException:
        with contextlib.suppress(Exception):
            fs.ftp.remove(temporary)
        raise


def _create(fs: Any, path: str) -> Any:
    """Create and open a file, never through a link that somebody put there."""
    try:
        return fs.ftp.open(path, "wx")
    except OSError:
        with contextlib.suppress(OSError):  # an earlier attempt, whose connection broke, has left it
            fs.ftp.remove(path)
        return fs.ftp.open(path, "wx")
