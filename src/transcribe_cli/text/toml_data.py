"""Parses TOML that others wrote. Whatever is wrong with it is a ValueError.

TOML 1.1: https://toml.io/en/v1.1.0
"""

from __future__ import annotations

import re
from typing import Any

import tomli

MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1  # TOML: integers have 64 bits
# tomli takes a time for a key that grows with the square of its dots, and its own limit is 1000. Possessive, so that a search is linear.
_LONG_KEY = re.compile(
    rb"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}""" % MAX_DEPTH,
)


def parse_toml(data: bytes) -> dict[str, Any]:
    """Parse a document: UTF-8 with or without a byte order mark.

    Raises:
        ValueError: it is not TOML, or has a NUL character, an integer that exceeds 64 bits, or more than 32 levels. The message is a
            predicate without a full stop.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text (byte {error.start})") from error
    if _LONG_KEY.search(data):
        raise ValueError(f"has a key with more than {MAX_DEPTH} parts")
    try:
        document = tomli.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not TOML: {error}") from error
    _check(document)
    return document


def _check(document: dict[str, Any]) -> None:
    pending: list[tuple[object, int]] = [(document, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, dict):
            pending.extend((item, depth + 1) for pair in value.items() for item in pair)
        elif isinstance(value, list):
            pending.extend((item, depth + 1) for item in value)
        elif isinstance(value, str) and "\0" in value:
            raise ValueError("contains a NUL character")
        elif isinstance(value, int) and not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            raise ValueError("contains an integer that exceeds 64 bits")
