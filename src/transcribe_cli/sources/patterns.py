"""Globs: the `--include` and `--exclude` filters, and sources such as `aulas/**/*.mp3` that no shell expanded.

`*`, `?` and `[…]` match within a name, `**` across folders. Python's own glob follows every symlink under `**`, so that a circular one
yields each file forty times; here no folder is entered twice.
"""

from __future__ import annotations

import fnmatch
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from transcribe_cli.sources.walk import folder_identity, is_folder, sorted_entries
from transcribe_cli.text.links import Links, Tree, leads_out

MAGIC = re.compile(r"[*?\[]")
_TOKEN = re.compile(r"(?<![^/])\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class Filter:
    """Selects files that match one of `include` (if there are any) and none of `exclude`.

    A glob is matched against the file's name and its POSIX path below the source folder, ignoring case and the composition of accents.
    `rascunhos/` matches everything in that folder.
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include = [_compile(pattern) for pattern in include]
        self._exclude = [_compile(pattern) for pattern in exclude]
        self._excluded_folders = [_compile(pattern) for pattern in exclude if pattern.endswith(("/", "/**"))]

    def matches(self, relative: str) -> bool:
        """Whether the file at this POSIX path below its root is selected."""
        path = _normalize(relative)
        texts = (path, path.rpartition("/")[2])
        if any(glob.fullmatch(text) for glob in self._exclude for text in texts):
            return False
        return not self._include or any(glob.fullmatch(text) for glob in self._include for text in texts)

    def should_enter(self, relative: str) -> bool:
        """Whether the folder at this path may contain selected files. Excluded folders are not listed."""
        return not any(glob.fullmatch(f"{_normalize(relative)}/") for glob in self._excluded_folders)


def split_glob(source: str) -> tuple[Path, list[str]]:
    """The folder before the first component with a wildcard, and the remaining components."""
    parts = source.split("/")
    first = next(index for index, part in enumerate(parts) if MAGIC.search(part))
    return Path("/".join(parts[:first]) or ("/" if source.startswith("/") else ".")), [part for part in parts[first:] if part]


def glob_pattern(glob: str) -> re.Pattern[str]:
    """Convert a glob to a regular expression for paths, case-sensitive. Hidden names only match an explicit dot."""
    parts = "/".join(
        part if part == "**" or part.startswith(".") or not MAGIC.match(part) else f"\0{part}" for part in glob.split("/")
    )
    tokens = _TOKEN.findall(parts if not parts.endswith("**") else f"{parts}/*")
    meaning = {**_MEANING, "\0": r"(?!\.)"}
    return re.compile("".join(meaning.get(token) or _literal(token) for token in tokens), re.DOTALL)


def expand(base: Path, parts: Sequence[str], links: Links, tree: Tree | None) -> Iterator[Path]:
    """The paths below `base` that match the components, in natural order. Hidden ones only match an explicit dot.

    No path goes through a symlink to a folder outside the tree; those are recorded in `links`. The last component may be any symlink.
    """
    first, remaining = parts[0], parts[1:]
    for path in _matches(base, first, links, tree):
        if not remaining:
            yield path
        elif folder_identity(path) is not None and not is_refused(path, links, tree):
            yield from expand(path, remaining, links, tree)


def is_refused(path: Path, links: Links, tree: Tree | None) -> bool:
    """Whether a path is a symlink out of the tree, which is then recorded. Broken symlinks are not."""
    if not (path.is_symlink() and leads_out(path, tree) and os.path.exists(path)):  # noqa: PTH110 - does not raise
        return False
    links.skip(str(path))
    return True


def _matches(base: Path, part: str, links: Links, tree: Tree | None) -> Iterator[Path]:
    """The paths in a folder that match one component. `**` matches the folder and all folders below it."""
    if part == "**":
        yield from _all_folders(base, links, tree)
    elif MAGIC.search(part):
        for entry in _list_folder(base):
            if fnmatch.fnmatchcase(entry.name, part) and (not entry.name.startswith(".") or part.startswith(".")):
                yield base / entry.name
    elif os.path.lexists(base / part):
        yield base / part


def _all_folders(base: Path, links: Links, tree: Tree | None) -> Iterator[Path]:
    """The folder and all folders below it, each once, without hidden ones."""
    seen: set[tuple[int, int]] = set()
    pending = [base]
    while pending:
        folder = pending.pop()
        if (identity := folder_identity(folder)) is None or identity in seen:
            continue
        seen.add(identity)
        yield folder
        below = [folder / entry.name for entry in _list_folder(folder) if is_folder(entry) and not entry.name.startswith(".")]
        pending.extend(path for path in reversed(below) if not is_refused(path, links, tree))


def _list_folder(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted_entries(str(folder))
    except OSError:  # no matches in an unreadable folder, as in a shell
        return []


def _compile(pattern: str) -> re.Pattern[str]:
    tokens = _TOKEN.findall(_normalize(f"{pattern}**" if pattern.endswith("/") else pattern))
    return re.compile("".join(_MEANING.get(token) or _literal(token) for token in tokens), re.DOTALL)


def _literal(token: str) -> str:
    """The regular expression of a character, or of a class such as [!a-c], which fnmatch translates."""
    return f"(?!/){fnmatch.translate(token)[4:-3]}" if len(token) > 1 else re.escape(token)


def _normalize(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
