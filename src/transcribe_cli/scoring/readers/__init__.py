"""Files to documents, by their suffix. A reader is `read(text, name) -> {recording: Document}`: it knows text, never files.

The key is what the file itself calls the recording, which only RTTM and STM do; it is "" in all other formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from transcribe_cli.errors import Unreadable, UsageError
from transcribe_cli.scoring.document import Document
from transcribe_cli.scoring.readers import json, nist, subtitles, txt
from transcribe_cli.text.encodings import read_text
from transcribe_cli.text.printable import printable

# In the order of preference, when a folder has several files of a recording: those that say most come first.
READERS: Mapping[str, Callable[[str, str], Mapping[str, Document]]] = {
    ".json": json.read,
    ".stm": nist.read_stm,
    ".vtt": subtitles.read_vtt,
    ".srt": subtitles.read_srt,
    ".txt": txt.read,
    ".rttm": nist.read_rttm,
}


def check_suffix(path: Path) -> None:
    """Refuse a file that the user named and no reader is for.

    Raises:
        UsageError: its name does not end in one of ours.
    """
    if path.suffix.lower() not in READERS:
        endings = ", ".join(READERS)
        raise UsageError(f"{printable(path.name)} is not a kind of file that can be scored.", f"Names end in {endings}.")


def read(path: Path) -> Mapping[str, Document]:
    """The recordings in a file; there is always one at least.

    Raises:
        Unreadable: it cannot be opened, or is not what its suffix says.
    """
    name = printable(path.name)
    return READERS[path.suffix.lower()](read_text(path), name)


def read_one(path: Path) -> Document:
    """The recording in a file of a folder.

    Raises:
        Unreadable: as `read`, and when it holds several.
    """
    found = read(path)
    if len(found) > 1:
        raise Unreadable(f"{printable(path.name)} holds {len(found)} recordings.", "Name the file itself instead of its folder.")
    return next(iter(found.values()))
