"""What an attacker who knows the formats puts into a file or an answer: text, numbers and documents for the tests of parsers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from transcribe_cli.errors import TranscribeError

FUZZ = settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))

ODD_TEXT = st.sampled_from(
    [
        "",
        "\0",
        "\ud800",
        "\udcff",
        "\ufeff",
        "1e308",
        "1e999",
        "-1",
        "nan",
        "9" * 5000,
        "1_0",
        "\u0663",
        "http://[::1/",
        "a" * 5000,
        "&#" + "9" * 5000,
        "../x",
        "=1+1",
        "\x1b[2J",
        "<v " * 100,
        "-->",
        "{\\an8}",
        "0001-01-01",
        "9999-12-31T23:59:59+00:00",
        "null",
        "s3://",
        "file:///%00",
    ]
)
TEXT = ODD_TEXT | st.text(max_size=40)
NUMBER = st.sampled_from(
    [0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan, 0.5, True]
) | (st.integers() | st.floats())
VALUE = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
ODD_JSON = st.sampled_from(
    [
        b"[" * 3000,
        b'{"a":' * 1000,
        b"9" * 5000,
        b"1e999",
        b'"\\ud800"',
        b"\xff\xfe",
        b"NaN",
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"',
        b"-",
        b"\xef\xbb\xbf{}",
    ]
)


def as_json(value: object) -> bytes:
    """JSON as Python writes it: with NaN, Infinity, and integers of any length."""
    return json.dumps(value).encode()


def mutated(document: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A valid document with one or two values replaced, at any depth, or removed."""
    paths = list(_paths(document))

    @st.composite
    def draw_one(draw: st.DrawFn) -> bytes:
        copy = json.loads(json.dumps(document))
        for _ in range(draw(st.integers(1, 2))):
            *above, last = draw(st.sampled_from(paths))
            part = copy
            try:
                for key in above:
                    part = part[key]
                if draw(st.integers(0, 9)):
                    part[last] = draw(VALUE)
                else:
                    del part[last]
            except (KeyError, IndexError, TypeError):  # the first change removed it
                continue
        return as_json(copy)

    return draw_one()


def _paths(value: object, above: tuple[str | int, ...] = ()) -> Iterable[tuple[str | int, ...]]:
    if above:
        yield above
    items: Iterable[tuple[str | int, object]] = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in items:
        yield from _paths(item, (*above, key))


def only_ours(function: Callable[[], object]) -> Any:
    """The result, or None after an error of ours."""
    try:
        return function()
    except TranscribeError:
        return None
