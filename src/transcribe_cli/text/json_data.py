"""Writes JSON, and parses JSON that others wrote.

Whatever is wrong with it is a ValueError, and the result can always be written as JSON again.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from pydantic_core import from_json

from transcribe_cli.text.numbers import MAX_COUNT

# An empty list is three bytes in a file and a hundred in memory. The longest transcripts, 16 h of speech, have two million items.
MAX_ITEMS = 12_000_000
# Numbers that may be infinite or longer than 64 bits. Text may look like one, too, so that a match is only a reason to check.
_LARGE = re.compile(r"\d[eE]\+?\d{3}|\d{19}")


def parse_json(data: bytes | str) -> Any:  # noqa: ANN401 - any JSON
    """Parse a document: UTF-8 with or without a byte order mark, at most 200 levels deep, without lone surrogates.

    Raises:
        ValueError: it is not such a document, has more than `MAX_ITEMS` items, or
            contains NaN, an infinite number, or an integer that exceeds 64 bits.
    """
    text = data.decode("utf-8-sig") if isinstance(data, bytes) else data.removeprefix("\ufeff")
    # Text may contain commas, too; the limit leaves room for them.
    if text.count(",") + text.count("[") + text.count("{") > MAX_ITEMS:
        raise ValueError("it has too many items")
    document = from_json(text.encode(), allow_inf_nan=False)
    if _LARGE.search(text):
        _check_numbers(document)
    return document


def json_text(value: object) -> str:
    """The value as JSON on one line, unescaped."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def rounded(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """The value with every float rounded to 3 decimals."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value


def _check_numbers(document: object) -> None:
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) > MAX_COUNT):
            raise ValueError("number out of range")
