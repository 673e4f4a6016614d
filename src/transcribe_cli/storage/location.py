"""A path in a store, with the parts of pathlib's interface that the program uses, so that most code handles both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Self
from urllib.parse import quote, unquote

from transcribe_cli.storage.entry import Entry
from transcribe_cli.storage.store import Store
from transcribe_cli.text.credentials import without_parameters

# Characters that need no encoding in a part of a URL's path, besides letters, digits and `_.-~`: RFC 3986, section 3.3.
_KEPT_IN_URLS = "!$&'()*+,;=:@"


@dataclass(frozen=True, eq=False)
class Location:
    """A path in a store.

    Attributes:
        key: POSIX path below the top of the store, without leading and trailing slashes; "" is the top. Percent-encoded on an HTTP
            server, where it includes path parameters (`;key=…`), which may be secrets. They belong to no name, and are never shown.
        query: the query of an HTTP URL. It may be a signature, so that it is never shown.
    """

    store: Store
    key: str
    query: str = field(default="", repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Location) and self.uri == other.uri

    def __hash__(self) -> int:
        return hash(self.uri)

    def __repr__(self) -> str:
        return f"Location({self.uri!r})"

    def __str__(self) -> str:
        return self.uri

    def __truediv__(self, name: str) -> Self:
        """The file of this name in the folder. For a path of several parts, see `storage.below`.

        Raises:
            ValueError: it is not a single name: empty, `.`, `..`, or with a slash or a NUL in it.
        """
        if not is_single_name(name):
            raise ValueError(f"{name!r} is not a file name")
        part = quote(name, safe=_KEPT_IN_URLS) if self.store.has_encoded_keys else name
        return self._with_key(f"{self.key}/{part}" if self.key else part)

    @property
    def uri(self) -> str:
        """The URL without credentials, path parameters and query, for documents, events and messages."""
        return self.store.uri(self.key)

    @property
    def address(self) -> str:
        """The URL with path parameters and query, as it is requested. It may be a secret: never shown or stored."""
        return f"{self.store.uri(self.key, as_requested=True)}{f'?{self.query}' if self.query else ''}"

    @property
    def shown_key(self) -> str:
        """The key without path parameters."""
        return without_parameters(self.key) if self.store.has_encoded_keys else self.key

    @property
    def name(self) -> str:
        """The last part of the path, decoded."""
        return self._decoded(self.shown_key.rpartition("/")[2])

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
        """The parent folder. The parent of the top is the top."""
        return self._with_key(self.key.rstrip("/").rpartition("/")[0])

    @property
    def parents(self) -> Iterator[Self]:
        """The parent folders, from the innermost to the top."""
        folder = self
        while folder.key:
            folder = folder.parent
            yield folder

    def with_name(self, name: str) -> Self:
        """The file of this name in the same folder.

        Raises:
            ValueError: it is not a single name.
        """
        return self.parent / name

    def find(self) -> Iterator[tuple[Self, Entry]]:
        """List all files below this folder, in any order. See `Store.find`."""
        return ((self._with_key(key), entry) for key, entry in self.store.find(self))

    def list(self, prefix: str = "") -> Iterator[tuple[Self, Entry]]:
        """List the names directly in this folder that start with the prefix. A missing folder is empty."""
        for key, entry in self.store.list(self, prefix):
            location = self._with_key(key)
            if not prefix or (location.parent == self and location.name.startswith(prefix)):
                yield location, entry

    def is_relative_to(self, folder: object) -> bool:
        """Whether this is the folder or below it."""
        if not isinstance(folder, Location) or folder.store.uri("") != self.store.uri(""):
            return False
        top, key = folder.shown_key.rstrip("/"), self.shown_key
        return not top or key == top or key.startswith(f"{top}/")

    def relative_to(self, folder: object) -> PurePosixPath:
        """The path below a folder.

        Raises:
            ValueError: this is not below the folder.
        """
        if not isinstance(folder, Location) or not self.is_relative_to(folder):
            raise ValueError(f"{self} is not below {folder}")
        below = self.shown_key[len(folder.shown_key) :].strip("/")
        return PurePosixPath(*[self._decoded(part) for part in below.split("/")])

    def _with_key(self, key: str) -> Self:
        return type(self)(self.store, key)

    def _decoded(self, part: str) -> str:
        if not self.store.has_encoded_keys:
            return part
        decoded = unquote(part)
        return part if "/" in decoded or "\0" in decoded or decoded in (".", "..") else decoded


def is_single_name(name: str) -> bool:
    """Whether a text names one file in a folder: not empty, not `.` or `..`, without a slash or a NUL."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name
