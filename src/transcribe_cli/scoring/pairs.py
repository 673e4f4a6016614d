"""Which file is compared with which: two files, two trees by relative stem, or a table of many recordings by its own names."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from transcribe_cli.errors import SourceNotFound, Unreadable, UsageError
from transcribe_cli.scoring.document import Document
from transcribe_cli.scoring.readers import READERS, check_suffix, read, read_one
from transcribe_cli.sources import json_safe
from transcribe_cli.text.printable import printable


@dataclass(frozen=True)
class Found:
    """A recording on one side.

    Attributes:
        label: the file, as JSON can hold it: the path below the folder that was named, or the file's name.
        read: opens it; raises Unreadable.
    """

    label: str
    read: Callable[[], Document]


@dataclass(frozen=True)
class Pair:
    """What is compared. The name is the stem, or what the tables call the recording."""

    name: str
    reference: Found
    hypothesis: Found


@dataclass(frozen=True)
class Matched:
    """All pairs, in the order of their names, and the labels of what has no counterpart."""

    pairs: tuple[Pair, ...]
    only_reference: tuple[str, ...]
    only_hypothesis: tuple[str, ...]


def match(reference: Path, hypothesis: Path) -> Matched:
    """The pairs of two files or folders. Two files of one recording each are a pair, whatever they are called.

    Raises:
        SourceNotFound, UsageError: a path that is not there, no kind of file of ours, or nothing on both sides.
        Unreadable: a file that was named, or a folder that cannot be listed.
    """
    left, right = _side(reference), _side(hypothesis)
    if len(left) == len(right) == 1 and not (reference.is_dir() or hypothesis.is_dir()):
        return Matched((Pair(_stem(hypothesis), *left.values(), *right.values()),), (), ())
    left, right = _called(left, reference, right), _called(right, hypothesis, left)
    both = sorted(left.keys() & right.keys())
    if not both:
        raise UsageError(
            f"Nothing has the same name on both sides: there is {_some(left)} in {printable(str(reference))},"
            f" {_some(right)} in {printable(str(hypothesis))}.",
            "Files are matched by their paths without suffix.",
        )
    return Matched(
        tuple(Pair(key, left[key], right[key]) for key in both),
        tuple(left[key].label for key in sorted(left.keys() - right.keys())),
        tuple(right[key].label for key in sorted(right.keys() - left.keys())),
    )


def _side(path: Path) -> dict[str, Found]:
    """The recordings below a path by their keys."""
    try:
        if path.is_dir():
            return dict(_in_folder(path))
        there = path.exists()
    except (OSError, ValueError):  # a name too long, or with a NUL
        there = False
    if not there:
        raise SourceNotFound(f"{printable(str(path))} is not there.", "Name a transcript or a folder of transcripts.")
    check_suffix(path)
    documents = read(path)
    label = json_safe(path.name)
    return {
        _composed(key) or _stem(path): Found(
            f"{label}:{json_safe(key)}" if len(documents) > 1 else label, partial(documents.__getitem__, key)
        )
        for key in documents
    }


def _called(side: dict[str, Found], path: Path, other: Mapping[str, Found]) -> dict[str, Found]:
    """A file of one recording by its stem, when the name inside it is none of the other side's."""
    if len(side) > 1 or path.is_dir() or not side.keys().isdisjoint(other):
        return side
    return {_stem(path): found for found in side.values()}


def _in_folder(folder: Path) -> Iterator[tuple[str, Found]]:
    files: defaultdict[str, dict[str, Path]] = defaultdict(dict)
    for path in _walk(folder):
        suffix = path.suffix.lower()
        if suffix in READERS:
            files[_composed(path.relative_to(folder).with_suffix("").as_posix())][suffix] = path
    for key, by_suffix in files.items():
        yield key, _combined(folder, by_suffix)


def _combined(folder: Path, files: Mapping[str, Path]) -> Found:
    """The file that says most about a recording; RTTM beside it says who spoke when."""
    best = next(files[suffix] for suffix in READERS if suffix in files)
    turns = files.get(".rttm", best)
    label = json_safe(best.relative_to(folder).as_posix())
    if turns == best:
        return Found(label, lambda: read_one(best))
    return Found(f"{label} + {json_safe(turns.name)}", lambda: read_one(best).with_turns(read_one(turns).turns))


def _walk(folder: Path) -> Iterator[Path]:
    """Its files and those of its subfolders, without hidden ones and without folders behind symlinks."""

    def refuse(error: OSError) -> None:
        raise Unreadable(f"The folder {printable(str(error.filename))} cannot be listed ({error.strerror}).") from error

    for top, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(top, name) for name in sorted(names) if not name.startswith("."))


def _stem(path: Path) -> str:
    return _composed(path.stem)


def _composed(name: str) -> str:
    """The name as a key: macOS writes accents decomposed, other systems do not."""
    return unicodedata.normalize("NFC", json_safe(name))


def _some(side: Mapping[str, Found]) -> str:
    """The first names of one side, for a message."""
    if not side:
        return "no transcripts"
    names = [printable(found.label) for found in list(side.values())[:3]]
    return ", ".join(names) + (f" and {len(side) - 3} more" if len(side) > 3 else "")
