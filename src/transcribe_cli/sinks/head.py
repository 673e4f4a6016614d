"""What a transcript says about itself in its first lines; `plan` reads nothing else of it."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from transcribe_cli.transcript import SCHEMA_VERSION, Transcript

HEAD_BYTES = 4096
_BEGINNING = b'{"schema_version"'


@dataclass(frozen=True)
class Head:
    """Provenance of a transcript: which recording, which spec, which files were rendered from it.

    `size` is in bytes, `outputs` goes from file name to SHA-256, `subtitles` to the standard that a file was made under, `finished_at` is
    UTC in ISO 8601; `spec` is without nulls.
    """

    name: str
    uri: str
    size: int
    modified: str | None
    fingerprint: str
    spec: Mapping[str, Any]
    finished_at: str
    outputs: Mapping[str, str]
    subtitles: Mapping[str, str]

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """What must be equal for the recording to be the same, unchanged."""
        return self.name, self.size, self.modified

    @classmethod
    def of(cls, transcript: Transcript) -> Head:
        """The head of a transcript that is in memory."""
        source, job = transcript.source, transcript.job
        return cls(
            name=source.name,
            uri=source.uri,
            size=source.size,
            modified=source.modified,
            fingerprint=job.fingerprint,
            spec=job.spec,
            finished_at=job.finished_at,
            outputs=transcript.outputs,
            subtitles=transcript.subtitles,
        )


def read_head(path: Path) -> Head | None:
    """The head of the transcript in this file; None when it is not there, cannot be read, or is no transcript of this version.

    Costs one read of 4 KiB; more only when a long prompt makes the head longer.
    """
    try:
        with open_regular(path) as file:
            data = file.read(HEAD_BYTES)
            if not data.startswith(_BEGINNING):
                return None
            while True:
                document = _parsed(data)
                if document is None or "language" in document:  # the key after the last one that is wanted
                    return _head(document)
                if not (more := file.read(len(data))):
                    return None
                data += more
    except OSError:
        return None


def open_regular(path: Path) -> BufferedReader:
    """The file, open for reading; a named pipe would be waited for.

    Raises:
        OSError: it cannot be opened, or is not a regular file.
    """
    if not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", path)
    return path.open("rb")


def _parsed(data: bytes) -> dict[str, Any] | None:
    """The document as far as it goes; a character or value that was cut is left out."""
    try:
        document = from_json(data.decode("utf-8", "ignore"), allow_partial=True)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _head(document: Mapping[str, Any] | None) -> Head | None:
    if document is None or document.get("schema_version") != SCHEMA_VERSION:
        return None
    source, job, outputs = (document.get(key) for key in ("source", "job", "outputs"))
    if not (
        isinstance(source, dict) and isinstance(job, dict) and isinstance(outputs, dict) and isinstance(job.get("spec"), dict)
    ):
        return None
    subtitles = document.get("subtitles")  # earlier versions of the tool wrote none
    try:
        return Head(
            name=str(source["name"]),
            uri=str(source["uri"]),
            size=int(source["size"]),
            modified=source.get("modified"),
            fingerprint=str(job["fingerprint"]),
            spec=job["spec"],
            finished_at=str(job["finished_at"]),
            outputs={str(name): str(digest) for name, digest in outputs.items()},
            subtitles={str(name): str(stamp) for name, stamp in subtitles.items()} if isinstance(subtitles, dict) else {},
        )
    except (KeyError, TypeError, ValueError):
        return None
