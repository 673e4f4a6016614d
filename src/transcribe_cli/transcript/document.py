"""The transcript: segments of timed words, stored as a JSON document. All other output formats are rendered from it.

The document (schema_version 1) is a superset of the JSON of openai/whisper and whisperX, and their readers accept it. Its keys have a
fixed order with the provenance first, so that `plan` can decide from the first few KiB of a file whether a recording is done.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, ValidationError

from transcribe_cli.errors import TranscribeError
from transcribe_cli.text.json_data import json_text, parse_json, rounded
from transcribe_cli.transcript.parts import Flags, Label, Measure, Part, Seconds
from transcribe_cli.transcript.provenance import Correction, Cost, JobRecord, Original, Source, Timing
from transcribe_cli.transcript.quality import Quality
from transcribe_cli.transcript.segments import Segment, Turn

SCHEMA_VERSION = 1


class Transcript(Part):
    """The transcript of a recording with its provenance. The fields are in the order of the file."""

    schema_version: int = SCHEMA_VERSION
    source: Source
    job: JobRecord
    outputs: dict[str, str] = Field(default_factory=dict, description="file name -> SHA-256 of the files rendered next to it")
    subtitles: dict[str, str] = Field(default_factory=dict, description="file name -> subtitle standard of its cues")
    correction: Correction | None = Field(default=None, description="absent unless a person corrected the text")
    language: Label
    language_probability: Measure
    duration: Seconds = Field(description="duration of the decoded audio, in seconds")
    flags: Flags = Field(
        default=(),
        description="flags of the whole recording: truncated, header_mismatch, damaged, channels_cancelled, no_speech, quiet, …",
    )
    speakers: tuple[str, ...] = Field(default=(), description="speaker labels, in the order of their first words")
    speaker_names: dict[str, str] = Field(default_factory=dict, description="label -> display name in the rendered files")
    quality: Quality
    text: str
    segments: tuple[Segment, ...]
    turns: tuple[Turn, ...] = Field(default=(), description="speaker turns, including those without words; they may overlap")
    timing: Timing = Timing()
    cost: Cost | None = Field(default=None, description="null if the price is unknown")
    original: Original | None = Field(default=None, description="absent unless a correction was taken over")

    def with_outputs(self, outputs: dict[str, str], subtitles: dict[str, str] | None = None) -> Self:
        """A copy that lists these rendered files, and the standards of those with cues."""
        return self.model_copy(update={"outputs": outputs, "subtitles": subtitles or {}})

    def dumps(self) -> str:
        """Serialize to JSON: unescaped UTF-8, floats with 3 decimals, one line per top-level key and per segment."""
        document = self.model_dump(mode="json")
        for key in ("correction", "original"):
            if document[key] is None:
                del document[key]
        if self.original is not None:
            document["original"]["segments"] = [
                part if isinstance(part, int) else _sparse(part) for part in document["original"]["segments"]
            ]
        document["segments"] = [_sparse(segment) for segment in document["segments"]]
        lines = []
        for key, exact in document.items():
            # The spec and the cost are not rounded: a threshold of 0.0005 is not 0.001.
            value = exact if key in ("job", "cost") else rounded(exact)
            one_per_line = "[\n" + ",\n".join(map(json_text, value)) + "]" if key == "segments" and value else None
            lines.append(f"{json_text(key)}: {one_per_line or json_text(value)}")
        return "{" + ",\n".join(lines) + "}\n"

    @classmethod
    def loads(cls, text: str | bytes, name: str = "the JSON") -> Self:
        """Read a document written by `dumps`.

        Raises:
            TranscribeError: the text is not such a document, or has a newer schema. `name` is used in the message.
        """
        try:
            document = parse_json(text)
        except ValueError as error:
            raise TranscribeError(f"{name} is not JSON ({error}).") from error
        if not isinstance(document, dict) or "schema_version" not in document:
            raise TranscribeError(f"{name} is not a transcript of this tool.")
        if document["schema_version"] != SCHEMA_VERSION:
            version = document["schema_version"]
            raise TranscribeError(f"{name} has schema version {version}; this version of the tool reads {SCHEMA_VERSION}.")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            location = ".".join(str(part) for part in first["loc"])
            raise TranscribeError(f"{name} is not a complete transcript ({location}: {first['msg']}).") from error


def _sparse(segment: dict[str, Any]) -> dict[str, Any]:
    """Remove nulls: openai/whisper's readers expect any `words` to be a list, and whisperX's any `speaker` to be a name."""
    known = {key: value for key, value in segment.items() if value is not None}
    if "words" in known:
        known["words"] = [
            {key: value for key, value in word.items() if value is not None and not (key == "aligned" and value)}
            for word in known["words"]
        ]
    return known
