"""Matches files to compare: two files, two folders by relative path, or a file of many recordings by the names in it."""

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
from transcribe_cli.text.combining_marks import without_endless_marks
from transcribe_cli.text.links import Links, leads_out
from transcribe_cli.text.printable import printable


@dataclass(frozen=True)
class Candidate:
    """A recording on one side.

    Attributes:
        label: the file, safe for JSON: its path relative to the folder, or its name.
        read: reads the file; raises Unreadable.
    """

    label: str
    read: Callable[[], Document]


@dataclass(frozen=True)
class Pair:
    """Two recordings to compare. `name` is the path without suffix, or the name inside an RTTM or STM file."""

    name: str
    reference: Candidate
    hypothesis: Candidate


@dataclass(frozen=True)
class Matched:
    """All pairs, ordered by name, and the labels of recordings without a counterpart."""

    pairs: tuple[Pair, ...]
    only_reference: tuple[str, ...]
    only_hypothesis: tuple[str, ...]


def match(reference: Path, hypothesis: Path, links: Links | None = None) -> Matched:
    """The pairs of two files or folders. Two files with one recording each are a pair, whatever their names. For `links`, see `score`.

    Raises:
        SourceNotFound, UsageError: a path does not exist, is not a supported file, or nothing has a counterpart.
        Unreadable: a file that was named directly cannot be read, or a folder cannot be listed.
    """
    links = links or Links()
    left, right = _candidates(reference, links), _candidates(hypothesis, links)
    if len(left) == len(right) == 1 and not (reference.is_dir() or hypothesis.is_dir()):
        return Matched((Pair(_stem(hypothesis), *left.values(), *right.values()),), (), ())
    left, right = _rekeyed(left, reference, right), _rekeyed(right, hypothesis, left)
    both = sorted(left.keys() & right.keys())
    if not both:
        raise UsageError(
            f"No file has a counterpart: there are {_first_labels(left)} in {printable(str(reference))},"
            f" {_first_labels(right)} in {printable(str(hypothesis))}.",
            "Files are matched by relative path without suffix.",
        )
    return Matched(
        tuple(Pair(key, left[key], right[key]) for key in both),
        tuple(left[key].label for key in sorted(left.keys() - right.keys())),
        tuple(right[key].label for key in sorted(right.keys() - left.keys())),
    )


def _candidates(path: Path, links: Links) -> dict[str, Candidate]:
    """Key -> recording, of a file or folder."""
    try:
        if path.is_dir():
            return dict(_in_folder(path, links))
        exists = path.exists()
    except (OSError, ValueError):  # the name is too long, or has a NUL
        exists = False
    if not exists:
        raise SourceNotFound(f"{printable(str(path))} does not exist.", "Specify a transcript or a folder of transcripts.")
    check_suffix(path)
    documents = read(path)
    label = json_safe(path.name)
    return {
        _composed_key(key) or _stem(path): Candidate(
            f"{label}:{json_safe(key)}" if len(documents) > 1 else label, partial(documents.__getitem__, key)
        )
        for key in documents
    }


def _rekeyed(side: dict[str, Candidate], path: Path, other: Mapping[str, Candidate]) -> dict[str, Candidate]:
    """A file of one recording gets its stem as key, if the other side does not have the name inside it."""
    if len(side) > 1 or path.is_dir() or not side.keys().isdisjoint(other):
        return side
    return {_stem(path): candidate for candidate in side.values()}


def _in_folder(folder: Path, links: Links) -> Iterator[tuple[str, Candidate]]:
    files: defaultdict[str, dict[str, Path]] = defaultdict(dict)
    tree = links.tree(folder)
    for path in _walk(folder):
        suffix = path.suffix.lower()
        if suffix in READERS and path.is_symlink() and leads_out(path, tree):
            links.skip(str(path.absolute()))
        elif suffix in READERS:
            files[_composed_key(path.relative_to(folder).with_suffix("").as_posix())][suffix] = path
    for key, by_suffix in files.items():
        yield key, _best_file(folder, by_suffix)


def _best_file(folder: Path, files: Mapping[str, Path]) -> Candidate:
    """The most informative file of a recording; its turns are from an RTTM next to it, if there is one."""
    best = next(files[suffix] for suffix in READERS if suffix in files)
    turns = files.get(".rttm", best)
    label = json_safe(best.relative_to(folder).as_posix())
    if turns == best:
        return Candidate(label, lambda: read_one(best))
    return Candidate(f"{label} + {json_safe(turns.name)}", lambda: read_one(best).with_turns(read_one(turns).turns))


def _walk(folder: Path) -> Iterator[Path]:
    """Files in the folder and its subfolders, without hidden ones; symlinked folders are not followed."""

    def refuse(error: OSError) -> None:
        raise Unreadable(f"The folder {printable(str(error.filename))} cannot be listed ({error.strerror}).") from error

    for top, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(top, name) for name in sorted(names) if not name.startswith("."))


def _stem(path: Path) -> str:
    return _composed_key(path.stem)


def _composed_key(name: str) -> str:
    """The name as a key. macOS decomposes accents, other systems do not."""
    return unicodedata.normalize("NFC", without_endless_marks(json_safe(name)))


def _first_labels(side: Mapping[str, Candidate]) -> str:
    """The first labels of one side, for a message."""
    if not side:
        return "no transcripts"
    labels = [printable(candidate.label) for candidate in list(side.values())[:3]]
    return ", ".join(labels) + (f" and {len(side) - 3} more" if len(side) > 3 else "")
