"""From a URL to a location: the file system behind it, set up once for each bucket, server or archive."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from transcribe_cli.errors import MissingExtra, UsageError
from transcribe_cli.storage.errors import mapped
from transcribe_cli.storage.kinds import SCHEMES, URL, Kind, is_url
from transcribe_cli.storage.location import Location
from transcribe_cli.storage.options import Options
from transcribe_cli.storage.store import SILENCE_SECONDS, Store
from transcribe_cli.text.printable import printable

CONNECT_SECONDS = 10
CONNECTIONS = 32  # botocore's own 10 would be a queue for the heads of transcripts
_CONNECTED: dict[str, Store] = {}
_CONNECTING = threading.Lock()


def locate(url: str, options: Options) -> Location:
    """The location that a URL names; nothing is asked of the server yet, except by SFTP and archives, which are opened.

    Raises:
        UsageError: a scheme that there is none of, a password in the URL, or a name that the client would take for another.
        MissingExtra: the library of this kind is not installed.
        StorageNotReady: it cannot be set up, for want of a profile for example.
    """
    head, chained, tail = url.partition("::")
    matched = URL.match(head)
    scheme = matched[1].lower() if matched else ""
    if matched is None or (kind := SCHEMES.get(scheme)) is None:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise UsageError(f"{_shown(url)}: {scheme}:// is not supported.", f"There are: {known}.")
    rest = head[matched.end() :]
    if scheme in ("zip", "tar"):
        return _in_archive(kind, scheme, rest, tail, options)
    if chained:
        raise UsageError(
            f"{_shown(url)}: only zip:// and tar:// can be chained with ::.", "Such as zip://::s3://bucket/aulas.zip."
        )
    if scheme == "memory":
        return Location(_store("memory://", "", kind, {}, "/"), rest.strip("/"))
    netloc, _, key = rest.rstrip("/").partition("/")
    query = ""
    if kind.family == "http":
        parts = urlsplit(url)
        netloc, key, query = parts.netloc, parts.path.removeprefix("/"), parts.query  # with the slash of a page's address
    _check(url, scheme, netloc, key, kind)
    base = f"{scheme}://{netloc}/"
    return Location(_store(base, "", kind, _from_url(kind, base, netloc, options), _root(kind, base, netloc)), key, query)


def _check(url: str, scheme: str, netloc: str, key: str, kind: Kind) -> None:
    user, at, _ = netloc.rpartition("@")
    if at and (":" in user or kind.family == "http"):
        raise UsageError(
            f"{scheme}://…: no password can be in a URL: others could read it.",
            f"Put it in the table [storage.{kind.family}] of a file that only you can read.",
        )
    if not netloc:
        raise UsageError(f"{_shown(url)} names no {'server' if kind.has_host else 'bucket'}.")
    if kind.parses_version_ids and "?versionid=" in key.lower():
        raise UsageError(f"{_shown(url)}: a version of an object cannot be named.", "Name the object itself.")


def _in_archive(kind: Kind, scheme: str, inner: str, tail: str, options: Options) -> Location:
    if not tail:
        raise UsageError(f"{scheme}://{printable(inner)} names no archive.", f"Such as {scheme}://::s3://bucket/aulas.{scheme}.")
    kwargs: dict[str, Any] = {"fo": tail}
    uri = tail
    if is_url(tail):
        archive = locate(tail, options)
        uri = archive.uri
        kwargs = {"fo": archive.store.open(archive)}
    return Location(_store(f"{scheme}://", f"::{uri}", kind, kwargs, ""), inner.strip("/"))


def _store(base: str, tail: str, kind: Kind, kwargs: Mapping[str, Any], root: str) -> Store:
    """The store, the same for the same settings: connections are shared."""
    identity = f"{base}{tail} {json.dumps(kwargs, sort_keys=True, default=repr) if not tail else ''}"
    with _CONNECTING:
        if (store := _CONNECTED.get(identity)) is None:
            store = _CONNECTED[identity] = Store(base, tail, kind, _connected(base, kind, kwargs), root)
        return store


def _connected(base: str, kind: Kind, kwargs: Mapping[str, Any]) -> Any:
    # Otherwise gcsfs asks by gRPC for the kind of a bucket first, which waits a minute where only HTTP is spoken.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        import fsspec

        return fsspec.filesystem(kind.protocol, **_defaults(kind, kwargs))
    except ImportError as error:
        cure = f"Try: pip install 'transcribe-cli[{kind.extra}]'"
        raise MissingExtra(f"{base}… needs a library that is not installed ({error.name or kind.protocol}).", cure) from error
    except Exception as error:
        raise mapped(error, base, kind.family) from error


def _defaults(kind: Kind, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The user's options over ours, which see to it that nothing waits for ever."""
    options = dict(kwargs)
    if kind.family in ("s3", "gcs", "azure", "http"):
        options["use_listings_cache"] = False  # it does not see what others write
    match kind.family:
        case "s3":
            patience: dict[str, Any] = {
                "connect_timeout": CONNECT_SECONDS,
                "read_timeout": SILENCE_SECONDS,
                "retries": {"max_attempts": 2},
            }
            patience["max_pool_connections"] = CONNECTIONS
            if not options.get("anon"):  # version 2, its default for signed URLs, is refused by newer regions
                patience["signature_version"] = "s3v4"
            options["config_kwargs"] = patience | options.get("config_kwargs", {})
        case "gcs":
            options.setdefault("requests_timeout", SILENCE_SECONDS)
        case "azure":
            options = {"connection_timeout": CONNECT_SECONDS, "read_timeout": SILENCE_SECONDS} | options
        case "http":
            import aiohttp

            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
            options["client_kwargs"] = {"timeout": timeout, "trust_env": True} | options.get("client_kwargs", {})
        case "sftp":
            from transcribe_cli.storage.ssh import known_hosts_policy

            known_hosts = options.pop("known_hosts", None)
            patience = {"timeout": CONNECT_SECONDS, "banner_timeout": CONNECT_SECONDS, "auth_timeout": SILENCE_SECONDS}
            options = patience | options
            options.setdefault("host_key_policy", known_hosts_policy(known_hosts))
    return options


def _from_url(kind: Kind, base: str, netloc: str, options: Options) -> dict[str, Any]:
    """The configured options, and what the URL itself says."""
    said: dict[str, Any] = {}
    if kind.family == "sftp":
        parts = urlsplit(base)
        said = {"host": parts.hostname, "port": parts.port, "username": unquote(parts.username) if parts.username else None}
    if kind.family == "azure" and "@" in netloc:
        said = {"account_name": netloc.rpartition("@")[2].partition(".")[0]}
    return {**options.get(kind.family, {}), **{key: value for key, value in said.items() if value is not None}}


def _root(kind: Kind, base: str, netloc: str) -> str:
    """What the client wants before the key."""
    match kind.family:
        case "http":
            return base
        case "sftp":
            return "/"
        case _:
            return f"{netloc.partition('@')[0]}/"


def _shown(url: str) -> str:
    """Without what may be a password or a signature."""
    scheme, separator, rest = url.partition("://")
    return printable(f"{scheme}{separator}{rest.partition('?')[0].rpartition('@')[2]}")
