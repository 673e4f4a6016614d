"""Symbolic links in a tree: they may lead anywhere below its top, and not out of it unless the user says so.

Whoever fills a tree can put a link there to a private file or folder of the user. A hard link cannot be told from any other file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from transcribe_cli.text.printable import printable

FOLLOW_LINKS = "--follow-links"
_SHOWN = 3


@dataclass(frozen=True)
class Tree:
    """A folder that the user named.

    Attributes:
        top: its real path.
        named: real path of a file that the user named, which may be anywhere; "" if there is none.
    """

    top: str
    named: str = ""

    @classmethod
    def at(cls, folder: Path, named: Path | None = None) -> Self:
        """The tree of a folder. Links that lead to the folder, and the file `named`, are the user's own word."""
        return cls(os.path.realpath(folder), os.path.realpath(named) if named else "")

    def holds(self, path: Path) -> bool:
        """Whether the end of all links in a path, which need not exist, is in the tree."""
        try:
            return self.holds_real(os.path.realpath(path))
        except (OSError, ValueError):  # a NUL in the name
            return False

    def holds_real(self, real: str) -> bool:
        """Whether a path without links is in the tree."""
        return real in (self.named, self.top) or real.startswith(f"{self.top.rstrip('/')}/")

    def holds_open(self, path: Path, descriptor: int) -> bool:
        """Whether the file that was opened at a path is in the tree, also if the path leads elsewhere by now."""
        try:
            real = os.path.realpath(path)
            return self.holds_real(real) and os.path.samestat(os.lstat(real), os.fstat(descriptor))
        except (OSError, ValueError):
            return False


class Links:
    """Whether links may lead out of the trees of a command, and those that were not followed because they do.

    Attributes:
        follow: whether they may.
    """

    def __init__(self, *, follow: bool = False) -> None:
        self.follow = follow
        self._not_followed: dict[str, None] = {}

    def tree(self, folder: Path, named: Path | None = None) -> Tree | None:
        """The tree of a folder, as `Tree.at`; None if links may lead out of it."""
        return None if self.follow else Tree.at(folder, named)

    def skip(self, path: str) -> None:
        """Remember a link that is not followed, by its absolute path or URL."""
        self._not_followed[path] = None

    @property
    def message(self) -> str:
        """One line with their number, the first names, and the flag that follows them; "" if there are none."""
        count, here = len(self._not_followed), f"{os.getcwd()}/"  # noqa: PTH109 - a text
        if not count:
            return ""
        names = [printable(path.removeprefix(here)) for path in list(self._not_followed)[:_SHOWN]]
        listed = ", ".join(names) + (f" and {count - _SHOWN} more" if count > _SHOWN else "")
        what = "1 link leads out of its tree and was" if count == 1 else f"{count} links lead out of their trees and were"
        return f"{what} not followed: {listed}. If you trust where they lead: {FOLLOW_LINKS}"


def leads_out(path: object, tree: Tree | None) -> bool:
    """Whether a local path leads out of its tree through links. False for what is no local path, and without a tree."""
    return tree is not None and isinstance(path, Path) and not tree.holds(path)
