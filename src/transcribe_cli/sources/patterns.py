"""Globs: the `--include` and `--exclude` filters, and sources such as `aulas/**/*.mp3` that no shell expanded.

`*`, `?` and `[…]` stay within a name, `**` spans folders. Python's own glob follows every symlink under `**`, so that one that
leads in a circle gives each file forty times; here no folder is entered twice.
"""

from __future__ import annotations

import fnmatch
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from transcribe_cli.sources.walk import folder_identity, is_folder, ordered

MAGIC = re.compile(r"[*?\[]")
_TOKEN = re.compile(r"(?<![^/])\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class Filter:
    """Which files are wanted: those that match one of `include` (when there are any) and none of `exclude`.

    A glob is compared with the file's name and with its POSIX path below the folder that the source named, whatever the case and
    however accents are composed. `rascunhos/` means everything in that folder.
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include = [_compiled(pattern) for pattern in include]
        self._exclude = [_compiled(pattern) for pattern in exclude]
        self._closed = [_compiled(pattern) for pattern in exclude if pattern.endswith(("/", "/**"))]

    def wants(self, relative: str) -> bool:
        """Whether the file at this POSIX path below its root is wanted."""
        path = _folded(relative)
        texts = (path, path.rpartition("/")[2])
        if any(glob.fullmatch(text) for glob in self._exclude for text in texts):
            return False
        return not self._include or any(glob.fullmatch(text) for glob in self._include for text in texts)

    def enters(self, relative: str) -> bool:
        """Whether the folder at this path may hold wanted files; an excluded one is not even listed."""
        return not any(glob.fullmatch(f"{_folded(relative)}/") for glob in self._closed)


def split_glob(source: str) -> tuple[Path, list[str]]:
    """The folder before the first component with a wildcard, and the components from there on."""
    parts = source.split("/")
    first = next(index for index, part in enumerate(parts) if MAGIC.search(part))
    return Path("/".join(parts[:first]) or ("/" if source.startswith("/") else ".")), [part for part in parts[first:] if part]


def as_expression(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression for paths, as the file system tells names apart; hidden names only where a dot is written."""
    parts = "/".join(
        part if part == "**" or part.startswith(".") or not MAGIC.match(part) else f"\0{part}" for part in glob.split("/")
    )
    tokens = _TOKEN.findall(parts if not parts.endswith("**") else f"{parts}/*")
    meaning = {**_MEANING, "\0": r"(?!\.)"}
    return re.compile("".join(meaning.get(token) or _literal(token) for token in tokens), re.DOTALL)


def expand(base: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Paths below `base` that match the components, in natural order; hidden ones only where a dot is written."""
    head, rest = parts[0], parts[1:]
    for path in _matches(base, head):
        if rest:
            yield from expand(path, rest)
        else:
            yield path


def _matches(base: Path, part: str) -> Iterator[Path]:
    """What one component stands for in a folder; `**` for the folder and all that are below it."""
    if part == "**":
        yield from _tree(base)
    elif MAGIC.search(part):
        for entry in _listed(base):
            if fnmatch.fnmatchcase(entry.name, part) and (not entry.name.startswith(".") or part.startswith(".")):
                yield base / entry.name
    elif os.path.lexists(base / part):
        yield base / part


def _tree(base: Path) -> Iterator[Path]:
    """The folder and all folders below it, none twice, hidden ones left out."""
    seen: set[tuple[int, int]] = set()
    waiting = [base]
    while waiting:
        folder = waiting.pop()
        if (identity := folder_identity(folder)) is None or identity in seen:
            continue
        seen.add(identity)
        yield folder
        below = [folder / entry.name for entry in _listed(folder) if is_folder(entry) and not entry.name.startswith(".")]
        waiting.extend(reversed(below))


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return ordered(str(folder))
    except OSError:  # what cannot be listed has no matches; a shell says nothing about it either
        return []


def _compiled(pattern: str) -> re.Pattern[str]:
    tokens = _TOKEN.findall(_folded(f"{pattern}**" if pattern.endswith("/") else pattern))
    return re.compile("".join(_MEANING.get(token) or _literal(token) for token in tokens), re.DOTALL)


def _literal(token: str) -> str:
    """The regular expression of a character, or of a class such as [!a-c], whose corners fnmatch knows."""
    return f"(?!/){fnmatch.translate(token)[4:-3]}" if len(token) > 1 else re.escape(token)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
