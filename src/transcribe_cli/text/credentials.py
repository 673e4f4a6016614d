"""Credentials in URLs: user info (`user:password@`), path parameters (`;key=`), queries and fragments. Also in URLs with a mistake."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import unquote

MASK = "***"
# A URL in a text, also one that a path has shortened to `https:/host`. As a password may contain anything, it ends only where another URL
# follows a space, or is chained (`zip://::s3://…`).
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,30}+:/+"
_URL = re.compile(rf"(?P<scheme>{_SCHEME})(?P<rest>(?:(?!(?:\s|::){_SCHEME}).)*+)", re.DOTALL)
# Somebody forgot the scheme or a part of it: `user:password@host`, `ftp//user:password@host`. `@` and `:` may be percent-encoded.
_AT = re.compile("@|%40", re.IGNORECASE)
_WITHOUT_SCHEME = re.compile(
    r"(?<![^\s\"'])(?!" + _SCHEME + r")(?:[^\s@\"':%]|%(?!3a))*+(?::|%3a)\S{0,2000}(?:@|%40)", re.IGNORECASE
)
# Parameters of ledger URLs that hold no credentials: https://docs.sqlalchemy.org/en/20/core/engines.html
_HARMLESS_PARAMETERS = frozenset(
    {"application_name", "cache", "charset", "connect_timeout", "mode", "sslmode", "timeout", "uri", "versionid"}
)

# A URL with its parts. Another URL may follow in its host or path, but what follows `?` or `#` is all its own.
_LINK = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{{0,30}}+):(?P<slashes>/+)(?P<host>(?:(?!{_SCHEME})[^/?#])*+)"
    rf"(?P<path>(?:(?!{_SCHEME})[^?#])*+)(?P<tail>(?:[?#].*)?)",
    re.DOTALL,
)
_WORD = re.compile(r"\S*://\S*")
_QUERY = re.compile(r"(?<=\S)\?[^\s?]*=\S*")
_PARAMETERS = re.compile(r";[^/]*=[^/]*")
# Schemes whose paths have neither parameters nor a query: these characters belong to names. The latter have no host either.
_NAMED_OBJECTS = frozenset({"abfs", "abfss", "az", "gcs", "gs", "s3", "sftp", "ssh"})
_WITHOUT_HOST = frozenset({"file", "memory", "tar", "zip"})


def without_credentials(text: str) -> str:
    """The text with stars for the user info, query and fragment of each URL in it, and what follows them."""
    return _URL.sub(lambda url: url["scheme"] + _masked(url["rest"]), _WITHOUT_SCHEME.sub(f"{MASK}@", text))


def shown_url(url: str) -> str:
    """What of a URL may be shown and stored: scheme, host, port, and the path without parameters. Of a URL without secrets, all of it.

    Buckets, SSH and archives have no parameters and no query: `;`, `?` and `#` belong to names, and what precedes `@` is a container
    or a user. Of these, only a password is removed. The URL may be invalid, and may be chained (`zip://::https://…`).
    """
    return _LINK.sub(partial(_shown, mark=""), url)


def shown_text(text: str) -> str:
    """A text of somebody else, such as a library's error, with what may be shown of the URLs in it, and `?…` for each query."""
    words = _WORD.sub(lambda word: _LINK.sub(partial(_shown, mark="?…"), word[0]), text)
    return _QUERY.sub("?…", words)


def without_parameters(path: str) -> str:
    """The path of a web server's URL without the parameters of its segments: `a;key=x/b` is `a/b`. RFC 3986, section 3.3."""
    return _PARAMETERS.sub("", path) if ";" in path else path


def has_credentials(text: str) -> bool:
    """Whether a URL in the text contains a password, a user of a web server (often a token), or a query that may hold a signature."""
    urls = _URL.finditer(text)
    return bool(_WITHOUT_SCHEME.search(text)) or any(_has_credentials(url["scheme"].lower(), url["rest"]) for url in urls)


def _shown(url: re.Match[str], *, mark: str) -> str:
    """What may be shown of a URL; `mark` stands for its query."""
    scheme, host, path, tail = url["scheme"].lower(), url["host"], url["path"], url["tail"]
    if scheme not in _WITHOUT_HOST:
        host, path = _without_password(host, path, is_web=scheme not in _NAMED_OBJECTS)
    if scheme in _NAMED_OBJECTS or scheme in _WITHOUT_HOST:
        tail = _LINK.sub(partial(_shown, mark=mark), tail)
    else:
        path, tail = without_parameters(path), mark if len(tail) > 1 else tail if mark else ""
    return f"{url['scheme']}:{url['slashes']}{host}{path}{tail}"


def _without_password(host: str, path: str, *, is_web: bool) -> tuple[str, str]:
    """Host and path without user info; a user without a password stays where it is no token. A port is a number, or not shown."""
    name, _, port = host.partition(":")
    is_password = ":" in host and not _AT.search(host) and not host.startswith("[") and not port.isdecimal()
    if is_password and "@" in path:  # the password contains a slash
        place, slash, rest = path.rpartition("@")[2].partition("/")
        return place, f"{slash}{rest}"
    if is_password and port:
        return name, path
    *user, place = _AT.split(host)
    return (place if user and (is_web or ":" in unquote("@".join(user))) else host), path


def _masked(rest: str) -> str:
    address = re.split(r"[?#;]", rest, maxsplit=1)[0]
    *before, place = _AT.split(address)
    at = bool(before)
    tail = f"{rest[len(address)]}{MASK}" if len(rest) > len(address) + 1 else rest[len(address) :]
    return (f"{MASK}@{place}" if at else place) + tail


def _has_credentials(scheme: str, rest: str) -> bool:
    address, _, query = rest.partition("?")
    if "=" in address.partition(";")[2]:
        return True
    *before, _ = _AT.split(address)
    user, at = unquote("@".join(before)), bool(before)
    if at and (":" in user or scheme.startswith("http")):
        return True
    return any(parameter.partition("=")[0].lower() not in _HARMLESS_PARAMETERS for parameter in query.split("&") if parameter)
