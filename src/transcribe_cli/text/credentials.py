"""Credentials in URLs: user info (`user:password@`), path parameters (`;key=`), queries and fragments. Also in URLs with a mistake."""

from __future__ import annotations

import re
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


def without_credentials(text: str) -> str:
    """The text with stars for the user info, query and fragment of each URL in it, and what follows them."""
    return _URL.sub(lambda url: url["scheme"] + _masked(url["rest"]), _WITHOUT_SCHEME.sub(f"{MASK}@", text))


def has_credentials(text: str) -> bool:
    """Whether a URL in the text contains a password, a user of a web server (often a token), or a query that may hold a signature."""
    urls = _URL.finditer(text)
    return bool(_WITHOUT_SCHEME.search(text)) or any(_has_credentials(url["scheme"].lower(), url["rest"]) for url in urls)


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
