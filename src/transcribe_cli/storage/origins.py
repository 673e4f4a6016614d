"""Binds credentials to origins: scheme, host and port of a server, an account of Azure.

A page, feed, list or manifest may name any host, a server may redirect to any host. `[storage.http]` is for the sources that the user
names; `[storage.http."https://host"]` is for that origin, also if only a link leads there. No other origin gets headers, cookies or
passwords. The same holds for SFTP servers and Azure accounts; S3 and Google Cloud have one endpoint, which no URL can change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from transcribe_cli.errors import UsageError
from transcribe_cli.storage.kinds import SCHEMES, URL_SCHEME
from transcribe_cli.storage.options import Options

# What of a table applies to every origin. These are allow-lists: anything else may be a credential, or may weaken TLS.
_FOR_ALL: Mapping[str, frozenset[str]] = {
    "http": frozenset({"allow_redirects", "block_size", "encoded", "max_redirects", "proxy", "proxy_auth"}),
    "sftp": frozenset(
        {
            "username",
            "key_filename",
            "passphrase",
            "known_hosts",
            "allow_agent",
            "look_for_keys",
            "compress",
        }  # keys are never sent
        | {"timeout", "banner_timeout", "auth_timeout", "disabled_algorithms"}
    ),
    "azure": frozenset(),
}
_SESSION_FOR_ALL = frozenset({"connector", "proxy", "proxy_auth", "timeout", "trust_env"})
_HEADERS_FOR_ALL = frozenset({"user-agent", "accept", "accept-language"})
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


def bind_to_sources(options: Options, sources: Iterable[str]) -> Options:
    """The options in which each table is also the table of those origins that the user named. Without it, none gets credentials.

    Args:
        options: the tables of `[storage]`.
        sources: what the user typed, also `@URL` of a list, and URLs of archives. Lines of a list or manifest are not.
    """
    bound = dict(options)
    for source in sources:
        url = source.removeprefix("@").rpartition("::")[2].partition("?")[0]
        if (family := _family(url)) in _FOR_ALL:
            table = bound.get(family, {})
            general = {key: value for key, value in table.items() if not is_origin(key)}
            bound[family] = {**table, url: {**general, **table.get(url, {})}}
    return bound


def is_origin(key: object) -> bool:
    """Whether a key of a table is the URL of an origin, not an option."""
    return isinstance(key, str) and _family(key) in _FOR_ALL


def for_every_origin(family: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """What of a table applies to every origin."""
    return {key: value for key, value in table.items() if key in _FOR_ALL[family]}


def session_for_every_origin(table: Mapping[str, Any]) -> dict[str, Any]:
    """What of `client_kwargs` in `[storage.http]` applies to every origin, with the headers that say nothing about the user."""
    session = table.get("client_kwargs") or {}
    headers = {**(session.get("headers") or {}), **(table.get("headers") or {})}
    return {
        **{key: value for key, value in session.items() if key in _SESSION_FOR_ALL},
        "headers": {name: value for name, value in headers.items() if name.lower() in _HEADERS_FOR_ALL},
    }


def ssh_options(base: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The options for the SFTP server of a URL: those for all, and those of its table."""
    server = _server(base)
    own = [options for url, options in table.items() if is_origin(url) and _server(url) == server]
    options = for_every_origin("sftp", table)
    for of_origin in own:
        options |= of_origin
    return options


def azure_options(url: str, netloc: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The options for a container. Its account is that of the table, unless the user named another one.

    Raises:
        UsageError: nobody but this URL names its account. Azure's library would take credentials for it from the environment.
    """
    general = {key: value for key, value in table.items() if not is_origin(key)}
    container, at, host = netloc.rpartition("@")
    if not at:
        return general
    account = host.partition(".")[0]
    own = [options for key, options in table.items() if is_origin(key) and urlsplit(key).netloc.rpartition("@")[2] == host]
    if _ACCOUNT.fullmatch(account) is None or not (own or general.get("account_name") == account):
        raise UsageError(
            f"{url.partition('://')[0]}://{container}@{account}…: this account is not one that you named.",
            "Pass the URL as a source, or set account_name in [storage.azure].",
        )
    merged = general if general.get("account_name") == account else {}
    for of_origin in own:
        merged = {**merged, **of_origin}
    return {**merged, "account_name": account}


def _family(url: str) -> str:
    scheme = URL_SCHEME.match(url)
    kind = SCHEMES.get(scheme[1].lower()) if scheme is not None else None
    return kind.family if kind is not None else ""


def _server(url: str) -> tuple[str | None, int]:
    """Host and port of an SFTP server.

    Raises:
        ValueError: the port is invalid.
    """
    parts = urlsplit(url)
    return parts.hostname, parts.port or 22
