"""Which SSH servers are trusted: those in known_hosts, as `ssh` does. fsspec's own default takes any server for the right one."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def known_hosts_policy(file: str | None) -> Any:
    """A policy for paramiko that accepts the keys in a known_hosts file; None is the user's own.

    Raises:
        ImportError: paramiko is not installed.
    """
    import paramiko

    class KnownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        """Accepts what is in the file."""

        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            """Called for a server that the process has not seen yet."""
            known = paramiko.HostKeys()
            path = Path(file).expanduser() if file else Path("~/.ssh/known_hosts").expanduser()
            if path.is_file():
                known.load(str(path))
            if not known.check(hostname, key):
                raise paramiko.BadHostKeyException(hostname, key, key)

    return KnownHosts()
