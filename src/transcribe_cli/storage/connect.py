"""Converts a URL to a location. Each bucket, server or archive is set up once per set of options."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from transcribe_cli.errors import MissingExtra, SourceNotFound, TranscribeError, UsageError
from transcribe_cli.storage.archives import list_at_once
from transcribe_cli.storage.errors import map_error
from transcribe_cli.storage.gcs_session import response_class
from transcribe_cli.storage.http_session import session_options
from transcribe_cli.storage.kinds import SCHEMES, URL_SCHEME, Kind, is_url
from transcribe_cli.storage.location import Location
from transcribe_cli.storage.options import Options
from transcribe_cli.storage.origins import azure_options, ssh_options
from transcribe_cli.storage.s3_session import session_class
from transcribe_cli.storage.store import IDLE_SECONDS, Store
from transcribe_cli.text.credentials import shown_url
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import open_regular_file

CONNECT_SECONDS = 10
MAX_NESTED_ARCHIVES = 3
_IPV6_HOST = re.compile(r"[A-Za-z]+://(?:[^/@]*@)?\[")
CONNECTIONS = 32  # with botocore's default of 10, reads of transcript headers would queue
_STORES: dict[str, Store] = {}
_STORES_LOCK = threading.Lock()


def locate(url: str, options: Options) -> Location:
    """Convert a URL to a location. Only SFTP and archives connect now; others connect on the first request.

    Raises:
        UsageError: the URL or its scheme is not valid, the URL contains a password, or the client would misread the name.
        SourceNotFound: the archive does not exist.
        MissingExtra: the library of this kind is not installed.
        StorageNotReady: the connection cannot be set up, for example because the profile does not exist.
    """
    if url.count("::") > MAX_NESTED_ARCHIVES:
        raise UsageError(
            f"{printable(shown_url(url))[:80]}… has archives in more than {MAX_NESTED_ARCHIVES} archives.", "Unpack some of them."
        )
    try:
        return _locate(url, options)
    except ValueError:  # from urlsplit; its text may repeat a password
        raise UsageError(f"{printable(shown_url(url))} is not a valid URL.", "Check its host and port.") from None


def _locate(url: str, options: Options) -> Location:
    head, chained, tail = (url, "", "") if _IPV6_HOST.match(url) else url.partition("::")
    matched = URL_SCHEME.match(head)
    scheme = matched[1].lower() if matched else ""
    if matched is None or (kind := SCHEMES.get(scheme)) is None:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise UsageError(f"{printable(shown_url(url))}: {scheme}:// is not supported.", f"Choose from: {known}.")
    rest = head[matched.end() :]
    if scheme in ("zip", "tar"):
        return _in_archive(kind, scheme, rest, tail, options)
    if chained:
        raise UsageError(
            f"{printable(shown_url(url))}: only zip:// and tar:// can be chained with ::.",
            "Example: zip://::s3://bucket/aulas.zip.",
        )
    if scheme == "memory":
        return Location(_shared_store("memory://", "", kind, {}, "/"), rest.strip("/"))
    netloc, _, key = rest.rstrip("/").partition("/")
    query = ""
    if kind.family == "http":
        parts = urlsplit(url)
        netloc, key, query = parts.netloc, parts.path.removeprefix("/"), parts.query  # keeps the trailing slash of a page
    _check_url(url, scheme, netloc, key, kind)
    base = f"{scheme}://{netloc}/"
    return Location(
        _shared_store(base, "", kind, _options_for(kind, base, netloc, options), _key_prefix(kind, base, netloc)), key, query
    )


def _check_url(url: str, scheme: str, netloc: str, key: str, kind: Kind) -> None:
    user, at, _ = netloc.rpartition("@")
    if at and (":" in user or kind.family == "http"):
        raise UsageError(
            f"{scheme}://…: a URL must not contain a password, because other users could read it.",
            f"Put it in the table [storage.{kind.family}] of a configuration file that only you can read.",
        )
    if not netloc:
        raise UsageError(f"{printable(shown_url(url))} has no {'server' if kind.has_host else 'bucket'}.")
    if kind.has_host:
        _ = urlsplit(f"//{netloc}").port  # raises ValueError
    if kind.parses_version_ids and "?versionid=" in key.lower():
        raise UsageError(f"{printable(shown_url(url))}: versions of objects are not supported.", "Use the URL of the object.")


def _in_archive(kind: Kind, scheme: str, inner: str, archive_url: str, options: Options) -> Location:
    if not archive_url:
        raise UsageError(f"{scheme}://{printable(inner)} has no archive.", f"Example: {scheme}://::s3://bucket/aulas.{scheme}.")
    uri = archive_url
    open_archive: Callable[[], Any] = partial(open_regular_file, Path(archive_url.removeprefix("file://")))
    if is_url(archive_url):
        archive = _locate(archive_url, options)
        uri, open_archive = archive.uri, partial(archive.store.open, archive)
    return Location(_shared_store(f"{scheme}://", f"::{uri}", kind, {}, "", open_archive), inner.strip("/"))


def _shared_store(
    base: str, tail: str, kind: Kind, kwargs: Mapping[str, Any], root: str, open_archive: Callable[[], Any] | None = None
) -> Store:
    """The store for these options, or in this archive. Stores are reused, to share their connections."""
    identity = f"{base}{tail} {json.dumps(kwargs, sort_keys=True, default=repr) if not tail else ''}"
    with _STORES_LOCK:
        if (store := _STORES.get(identity)) is None:
            if open_archive is None:
                fs = _connect(base, kind, kwargs)
            else:
                fs = _connect_to_archive(base, tail.removeprefix("::"), kind, open_archive)
            store = _STORES[identity] = Store(base, tail, kind, fs, root)
        return store


def _connect_to_archive(base: str, uri: str, kind: Kind, open_archive: Callable[[], Any]) -> Any:
    try:
        file = open_archive()
    except FileNotFoundError as error:
        raise SourceNotFound(f"The archive {printable(shown_url(uri))} does not exist.") from error
    except OSError as error:
        raise UsageError(f"The archive {printable(shown_url(uri))} cannot be read ({error.strerror}).") from error
    try:
        fs = _connect(base, kind, {"fo": file})
    except BaseException:
        file.close()
        raise
    list_at_once(fs)
    return fs


def _connect(base: str, kind: Kind, kwargs: Mapping[str, Any]) -> Any:
    # Otherwise gcsfs first queries the kind of a bucket by gRPC, which takes a minute to fail on servers with HTTP only.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        import fsspec

        return fsspec.filesystem(kind.protocol, **_defaults(base, kind, kwargs))
    except ImportError as error:
        hint = f"Try: pip install 'transcribe-cli[{kind.extra}]'"
        raise MissingExtra(f"{base}… needs a library that is not installed ({error.name or kind.protocol}).", hint) from error
    except TranscribeError:
        raise
    except Exception as error:
        raise map_error(error, base, kind.family) from error


def _defaults(base: str, kind: Kind, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Add our defaults to the user's options, above all timeouts."""
    options = session_options(base, kwargs) if kind.family == "http" else dict(kwargs)
    if kind.family in ("s3", "gcs", "azure", "http"):
        options["use_listings_cache"] = False  # it misses changes by other processes
    match kind.family:
        case "s3":
            timeouts: dict[str, Any] = {
                "connect_timeout": CONNECT_SECONDS,
                "read_timeout": IDLE_SECONDS,
                "retries": {"max_attempts": 2},
            }
            timeouts["max_pool_connections"] = CONNECTIONS
            timeouts["http_session_cls"] = session_class()
            if not options.get("anon"):  # newer regions reject version 2, the default for signed URLs
                timeouts["signature_version"] = "s3v4"
            options["config_kwargs"] = timeouts | options.get("config_kwargs", {})
        case "gcs":
            options.setdefault("requests_timeout", IDLE_SECONDS)
            options["session_kwargs"] = {**options.get("session_kwargs", {}), "response_class": response_class()}
        case "azure":
            options = {"connection_timeout": CONNECT_SECONDS, "read_timeout": IDLE_SECONDS} | options
        case "http":
            import aiohttp

            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=IDLE_SECONDS)
            options["client_kwargs"] = {"timeout": timeout} | options["client_kwargs"]
        case "sftp":
            from transcribe_cli.storage.ssh import known_hosts_policy

            known_hosts = options.pop("known_hosts", None)
            timeouts = {"timeout": CONNECT_SECONDS, "banner_timeout": CONNECT_SECONDS, "auth_timeout": IDLE_SECONDS}
            options = timeouts | options
            options.setdefault("host_key_policy", known_hosts_policy(known_hosts))
    return options


def _options_for(kind: Kind, base: str, netloc: str, options: Options) -> dict[str, Any]:
    """The configured options that this origin may get, and those in the URL."""
    table = options.get(kind.family, {})
    match kind.family:
        case "sftp":
            parts = urlsplit(base)
            in_url = {"host": parts.hostname, "port": parts.port, "username": unquote(parts.username) if parts.username else None}
            return {**ssh_options(base, table), **{key: value for key, value in in_url.items() if value is not None}}
        case "azure":
            return azure_options(base, netloc, table)
        case _:
            return dict(table)


def _key_prefix(kind: Kind, base: str, netloc: str) -> str:
    """The client's prefix of a key."""
    match kind.family:
        case "http":
            return base
        case "sftp":
            return "/"
        case _:
            return f"{netloc.partition('@')[0]}/"
