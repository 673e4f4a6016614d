"""Parses files into documents, by suffix. A reader is `read(text, name) -> {recording: Document}`; it parses text and opens no files.

The key is the name of the recording inside the file, which only RTTM and STM have; it is "" in all other formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from transcribe_cli.errors import Unreadable, UsageError
from transcribe_cli.scoring.document import Document
from transcribe_cli.scoring.readers import json, nist, subtitles, txt
from transcribe_cli.text.encodings import read_text
from transcribe_cli.text.printable import printable

# The most informative first: when a folder has several files of a recording, the first one in this order is used.
READERS: Mapping[str, Callable[[str, str], Mapping[str, Document]]] = {
    ".json": json.read,
    ".stm": nist.read_stm,
    ".vtt": subtitles.read_vtt,
    ".srt": subtitles.read_srt,
    ".txt": txt.read,
    ".rttm": nist.read_rttm,
}


def check_suffix(path: Path) -> None:
    """Refuse a file for which there is no reader.

    Raises:
        UsageError: its suffix is not supported.
    """
    if path.suffix.lower() not in READERS:
        suffixes = ", ".join(READERS)
        raise UsageError(f"{printable(path.name)} is not a file that can be scored.", f"Supported suffixes: {suffixes}.")


def read(path: Path) -> Mapping[str, Document]:
    """The recordings in a file; at least one.

    Raises:
        Unreadable: it cannot be opened, or its content does not match its suffix.
    """
    name = printable(path.name)
    return READERS[path.suffix.lower()](read_text(path), name)


def read_one(path: Path) -> Document:
    """The only recording in a file of a folder.

    Raises:
        Unreadable: as for `read`, or the file contains several recordings.
    """
    documents = read(path)
    if len(documents) > 1:
        raise Unreadable(
            f"{printable(path.name)} contains {len(documents)} recordings.", "Specify the file itself instead of its folder."
        )
    return next(iter(documents.values()))
