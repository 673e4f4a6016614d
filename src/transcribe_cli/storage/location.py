"""A path in a store, with those of pathlib's ways that the rest of the program uses, so that most of it need not know the difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath
from typing import Self
from urllib.parse import unquote

from transcribe_cli.storage.entry import Entry
from transcribe_cli.storage.store import Store


@dataclass(frozen=True, eq=False)
class Location:
    """Where something is, or would be, in a store.

    Attributes:
        key: POSIX path below the store's top, without a slash at either end; "" is the top. As the store has it: on an HTTP server
            percent-encoded.
        query: what an HTTP server wants to be asked beside the path. It may be a signature, so that it is never shown.
    """

    store: Store
    key: str
    query: str = field(default="", repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Location) and self.uri == other.uri

    def __hash__(self) -> int:
        return hash(self.uri)

    def __str__(self) -> str:
        return self.uri

    def __truediv__(self, other: str | PurePath) -> Self:
        below = other.as_posix() if isinstance(other, PurePath) else other
        return self._at(f"{self.key}/{below}".strip("/")) if below != "." else self

    @property
    def uri(self) -> str:
        """Its URL, without credentials and without a query: what documents, events and messages have."""
        return self.store.uri(self.key)

    @property
    def name(self) -> str:
        """The last part, as people write it."""
        return self._shown(self.key.rpartition("/")[2])

    @property
    def stem(self) -> str:
        """The name without its last extension."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The last extension with its dot, or ""."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Self:
        """The folder that it is in; the top's is the top."""
        return self._at(self.key.rstrip("/").rpartition("/")[0])

    @property
    def parents(self) -> Iterator[Self]:
        """The folders that it is in, from the inside out."""
        folder = self
        while folder.key:
            folder = folder.parent
            yield folder

    def with_name(self, name: str) -> Self:
        """A neighbour."""
        return self.parent / name

    def find(self) -> Iterator[tuple[Self, Entry]]:
        """All files below this folder, in any order, as `Store.find`."""
        return ((self._at(key), entry) for key, entry in self.store.find(self))

    def list(self, beginning: str = "") -> Iterator[tuple[Self, Entry]]:
        """What is directly in this folder, of names that begin so; nothing when it is not there."""
        for key, entry in self.store.list(self, beginning):
            found = self._at(key)
            if not beginning or (found.parent == self and found.name.startswith(beginning)):
                yield found, entry

    def is_relative_to(self, folder: object) -> bool:
        """Whether it is this folder or something below."""
        if not isinstance(folder, Location) or folder.store.uri("") != self.store.uri(""):
            return False
        top = folder.key.rstrip("/")
        return not top or self.key == top or self.key.startswith(f"{top}/")

    def relative_to(self, folder: object) -> PurePosixPath:
        """The path below a folder.

        Raises:
            ValueError: it is not below.
        """
        if not isinstance(folder, Location) or not self.is_relative_to(folder):
            raise ValueError(f"{self} is not below {folder}")
        below = self.key[len(folder.key) :].strip("/")
        return PurePosixPath(*[self._shown(part) for part in below.split("/")])

    def _at(self, key: str) -> Self:
        return type(self)(self.store, key)

    def _shown(self, part: str) -> str:
        if not self.store.quoted:
            return part
        plain = unquote(part)
        return part if "/" in plain or "\0" in plain or plain in (".", "..") else plain
