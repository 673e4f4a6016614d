"""Reads text files from other sources: UTF-8 with or without a byte order mark, or UTF-16 with one."""

from __future__ import annotations

import codecs
from pathlib import Path

from transcribe_cli.errors import Unreadable
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import MB, read_regular_file

# Thousands of hours as plain text, ten days as JSON with word times.
MAX_TEXT_BYTES = 100 * MB

_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        Unreadable: it cannot be opened, is not a regular file, is far too large, or has another encoding.
    """
    name = printable(path.name)
    try:
        data = read_regular_file(path, MAX_TEXT_BYTES)
    except OSError as error:
        raise Unreadable(f"{name} cannot be read ({error.strerror}).") from error
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        hint = "Convert it, for example: iconv -f WINDOWS-1252 -t UTF-8."
        raise Unreadable(f"{name} is not UTF-8 text (byte {error.start}).", hint) from error
