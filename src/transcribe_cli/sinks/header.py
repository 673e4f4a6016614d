"""What a transcript says about itself in its first lines; `plan` reads nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic_core import from_json

from transcribe_cli.sinks.files import files_of
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.transcript import SCHEMA_VERSION, Transcript

HEAD_BYTES = 4096
_BEGINNING = b'{"schema_version"'


@dataclass(frozen=True)
class Header:
    """Provenance of a transcript: which recording, which spec, which files were rendered from it.

    `size` is in bytes, `outputs` goes from file name to SHA-256, `subtitles` to the standard that a file was made under, `finished_at` is
    UTC in ISO 8601; `spec` is without nulls. `duration`, in seconds, is there when it was among what had to be read.
    """

    name: str
    uri: str
    size: int
    modified: str | None
    etag: str | None
    fingerprint: str
    spec: Mapping[str, Any]
    finished_at: str
    outputs: Mapping[str, str]
    subtitles: Mapping[str, str]
    duration: float | None = None

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """What must be equal for the recording to be the same, unchanged: see `Recording.identity`."""
        return self.name, self.size, self.etag or self.modified

    @classmethod
    def of(cls, transcript: Transcript) -> Header:
        """The head of a transcript that is in memory."""
        source, job = transcript.source, transcript.job
        return cls(
            name=source.name,
            uri=source.uri,
            size=source.size,
            modified=source.modified,
            etag=source.etag,
            fingerprint=job.fingerprint,
            spec=job.spec,
            finished_at=job.finished_at,
            outputs=transcript.outputs,
            duration=transcript.duration,
            subtitles=transcript.subtitles,
        )


def read_header(path: AnyPath) -> Header | None:
    """The head of the transcript in this file; None when it is not there, cannot be read, or is no transcript of this version.

    Costs one read of 4 KiB; more only when a long prompt makes the head longer.

    Raises:
        StorageNotReady: a store cannot be asked.
    """
    files = files_of(path)
    try:
        return _read(files.read(path, 0, HEAD_BYTES), lambda start, size: files.read(path, start, size))
    except OSError:
        return None


def read_headers(paths: Sequence[Location]) -> list[Header | None]:
    """The heads of many transcripts in one store, read side by side.

    Raises:
        StorageNotReady: it cannot be asked.
    """
    if not paths:
        return []
    heads = zip(paths, paths[0].store.read_headers(paths, HEAD_BYTES), strict=True)
    return [None if data is None else _read(data, partial(files_of(path).read, path)) for path, data in heads]


def _read(data: bytes, more: Callable[[int, int], bytes]) -> Header | None:
    """From the first bytes; `more` gives others, from a start, of a size."""
    if not data.startswith(_BEGINNING):
        return None
    while True:
        document = _parsed(data)
        if document is None or "language" in document:  # the key after the last one that is wanted
            return _head(document)
        if len(data) < HEAD_BYTES or not (found := more(len(data), len(data))):
            return None
        data += found


def _parsed(data: bytes) -> dict[str, Any] | None:
    """The document as far as it goes; a character or value that was cut is left out."""
    try:
        document = from_json(data.decode("utf-8", "ignore"), allow_partial=True)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _head(document: Mapping[str, Any] | None) -> Header | None:
    if document is None or document.get("schema_version") != SCHEMA_VERSION:
        return None
    source, job, outputs = (document.get(key) for key in ("source", "job", "outputs"))
    if not (
        isinstance(source, dict) and isinstance(job, dict) and isinstance(outputs, dict) and isinstance(job.get("spec"), dict)
    ):
        return None
    subtitles = document.get("subtitles")  # earlier versions of the tool wrote none
    try:
        return Header(
            name=str(source["name"]),
            uri=str(source["uri"]),
            size=int(source["size"]),
            modified=source.get("modified"),
            etag=source.get("etag"),
            fingerprint=str(job["fingerprint"]),
            spec=job["spec"],
            finished_at=str(job["finished_at"]),
            outputs={str(name): str(digest) for name, digest in outputs.items()},
            duration=float(document["duration"]) if "flags" in document else None,  # a number may be cut
            subtitles={str(name): str(stamp) for name, stamp in subtitles.items()} if isinstance(subtitles, dict) else {},
        )
    except (KeyError, TypeError, ValueError):
        return None
