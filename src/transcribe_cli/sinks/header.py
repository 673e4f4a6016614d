"""The header of a transcript: its provenance and its verdict, from the first lines of the JSON. `plan` and `status` read nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, cast

from pydantic import FailFast, TypeAdapter, ValidationError
from pydantic_core import from_json

from transcribe_cli.sinks.files import files_of
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.text.numbers import checked_count, checked_seconds
from transcribe_cli.text.verdicts import VERDICTS, Assessment, Verdict
from transcribe_cli.transcript import SCHEMA_VERSION, Correction, Reason, Transcript

HEADER_BYTES = 4096
# The longest header has a prompt of 100 kB.
_MAX_HEADER_BYTES = 1 << 20
# An editor may have indented the file.
_FIRST_BYTES = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"schema_version"')
_REASONS = TypeAdapter(Annotated[tuple[Reason, ...], FailFast()])


@dataclass(frozen=True)
class Header:
    """Provenance of a transcript: the recording, the spec, and the files that were rendered from it; and the verdict on its text.

    `size` is in bytes, `outputs` maps a file name to its SHA-256, `subtitles` maps a file name to the standard that it was made under,
    `finished_at` is UTC in ISO 8601, `spec` contains no nulls. `duration`, in seconds, is None if it was not in the bytes that were read.
    `language` is that of the text, as given or voted; None if it was not read. `tool` names the version that made the transcript.
    `digest` is that of the recording's content; earlier versions wrote none.
    `text_digest` is that of the recognized text, and None in files of earlier versions; `correction` says that a person corrected it.
    `assessment` has no verdict if an earlier version wrote the transcript, or if that part of the header is damaged.
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
    language: str | None = None
    tool: str = ""
    model_revision: str | None = None
    digest: str | None = None
    assessment: Assessment = field(default_factory=Assessment)
    text_digest: str | None = None
    correction: Correction | None = None

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """Equal for the same, unchanged recording: see `Recording.identity`."""
        return self.name, self.size, self.etag or self.modified

    @classmethod
    def of(cls, transcript: Transcript) -> Header:
        """The header of a transcript in memory."""
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
            language=transcript.language,
            tool=job.tool,
            model_revision=job.model_revision,
            digest=source.digest,
            subtitles=transcript.subtitles,
            assessment=Assessment.of(transcript.quality.verdict, transcript.quality.reasons),
            text_digest=job.text_digest,
            correction=transcript.correction,
        )


def read_header(path: AnyPath) -> Header | None:
    """The header of the transcript in this file; None when it does not exist, cannot be read, or is not a transcript of this version.

    Costs one read of 4 KiB, and more only if a long prompt or many reasons make the header longer.

    Raises:
        StorageNotReady: the store cannot be reached.
    """
    files = files_of(path)
    try:
        return _read(files.read(path, 0, HEADER_BYTES), lambda start, size: files.read(path, start, size))
    except OSError:
        return None


def read_headers(paths: Sequence[Location]) -> list[Header | None]:
    """The headers of many transcripts in one store, read in parallel.

    Raises:
        StorageNotReady: the store cannot be reached.
    """
    if not paths:
        return []
    contents = zip(paths, paths[0].store.read_headers(paths, HEADER_BYTES), strict=True)
    return [None if data is None else _read(data, partial(files_of(path).read, path)) for path, data in contents]


def _read(data: bytes, read_more: Callable[[int, int], bytes]) -> Header | None:
    """The header in the first bytes. `read_more(start, size)` reads further ones."""
    if not _FIRST_BYTES.match(data):
        return None
    provenance = None
    while (document := _parse(data)) is not None:
        if "language" in document:  # the first key after the provenance
            provenance = document
        if _has_verdict_or_text(document):
            break
        if not HEADER_BYTES <= len(data) < _MAX_HEADER_BYTES or not (more := read_more(len(data), len(data))):
            break
        data += more
    return _to_header(provenance)


def _has_verdict_or_text(document: Mapping[str, Any]) -> bool:
    """Whether verdict and reasons are complete, or will not come: `quality` is before `text`, except in earlier versions."""
    quality = document.get("quality")
    return "text" in document or (isinstance(quality, dict) and "speech" in quality)  # the first key after the reasons


def _parse(data: bytes) -> dict[str, Any] | None:
    """The document as far as the bytes go. The last value may be truncated; a truncated character is dropped."""
    try:
        document = from_json(data.decode("utf-8-sig", "ignore"), allow_partial="trailing-strings")
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _to_header(document: Mapping[str, Any] | None) -> Header | None:
    if document is None or document.get("schema_version") != SCHEMA_VERSION:
        return None
    source, job, outputs = (document.get(key) for key in ("source", "job", "outputs"))
    if not (
        isinstance(source, dict) and isinstance(job, dict) and isinstance(outputs, dict) and isinstance(job.get("spec"), dict)
    ):
        return None
    subtitles = document.get("subtitles")  # missing in transcripts of earlier versions
    try:
        return Header(
            name=str(source["name"]),
            uri=str(source["uri"]),
            size=checked_count(source["size"]),
            modified=_optional_text(source.get("modified")),
            etag=_optional_text(source.get("etag")),
            fingerprint=str(job["fingerprint"]),
            spec=job["spec"],
            finished_at=str(job["finished_at"]),
            outputs={str(name): str(digest) for name, digest in outputs.items()},
            duration=checked_seconds(document["duration"])
            if "flags" in document
            else None,  # otherwise the number may be truncated
            # A later key shows that the text before it is complete.
            language=_optional_text(document.get("language")) if "language_probability" in document else None,
            tool=str(job.get("tool", "")),
            model_revision=_optional_text(job.get("model_revision")),
            digest=_optional_text(source.get("digest")),
            subtitles={str(name): str(stamp) for name, stamp in subtitles.items()} if isinstance(subtitles, dict) else {},
            assessment=_assessment(document),
            text_digest=_optional_text(job.get("text_digest")),
            correction=None if document.get("correction") is None else Correction.model_validate(document["correction"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _assessment(document: Mapping[str, Any]) -> Assessment:
    quality = document.get("quality")
    if not isinstance(quality, dict) or quality.get("verdict") not in VERDICTS or not _has_verdict_or_text(document):
        return Assessment()
    try:
        reasons = _REASONS.validate_python(quality.get("reasons", ()))
    except ValidationError:  # the file was edited, or is damaged
        return Assessment()
    return Assessment.of(cast("Verdict", quality["verdict"]), reasons)


def _optional_text(value: object) -> str | None:
    return None if value is None else str(value)
