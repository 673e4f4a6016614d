"""SFTP: host keys are checked against known_hosts, as `ssh` does (fsspec's default accepts any), and files are written atomically."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transcribe_cli.storage.location import Location


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
    """Whether a link on the server leads out of a folder. A broken one does not lead anywhere."""
    try:
        real, real_top = (str(place.store.call(place, lambda fs, path: fs.ftp.normalize(path))) for place in (link, top))
    except FileNotFoundError:
        return False
    return not f"{real}/".startswith(f"{real_top.rstrip('/')}/")


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
