"""Whether a person corrected a transcript or one of its renderings. Such files are never replaced unless that was asked for by name.

The transcript holds a digest of what was recognized (`job.text_digest`). Text with another digest is a person's. A rendering is a person's
if its content is not what the transcript lists. Files of earlier versions have no digest; where doubt remains, they count as corrected.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from transcribe_cli.formats import render_bytes
from transcribe_cli.registry import FORMATS
from transcribe_cli.sinks.files import Status, files_of
from transcribe_cli.sinks.header import Header, read_header
from transcribe_cli.sinks.names import Output, json_path
from transcribe_cli.sinks.ownership import Identified, Ownership, belongs_to_another, digest, ownership_of
from transcribe_cli.sinks.reading import MAX_BYTES
from transcribe_cli.sources import json_safe
from transcribe_cli.spec import RTTM
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.subtitles.standards import DEFAULT_STYLE
from transcribe_cli.text.json_data import json_text
from transcribe_cli.text.links import leads_out
from transcribe_cli.transcript import Correction, Transcript

# A longer transcript whose time is at most this much after its recognition is not read only to see whether it was corrected.
_GLANCE_BYTES, _COMMIT_SECONDS = 1 << 18, 60.0
# What a damaged transcript of this tool still contains.
_MARKS = (b'"schema_version"', b'"fingerprint"')


@dataclass(frozen=True)
class Corrected:
    """What people corrected among the files of a recording.

    Attributes:
        names: of the files.
        at: when the last of them was changed, UTC in ISO 8601 without fractions.
    """

    names: tuple[str, ...]
    at: str

    @classmethod
    def of(cls, paths: Mapping[AnyPath, int]) -> Corrected | None:
        """From paths and their modification times in nanoseconds; None without any."""
        return cls(tuple(path.name for path in paths), iso_time(max(paths.values()))) if paths else None


def iso_time(time_ns: int) -> str:
    """A time in nanoseconds since 1970, as UTC in ISO 8601 without fractions."""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).isoformat()


def text_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the words, times and speakers of a transcript's JSON. Other keys, their order and the layout do not count."""
    segments = document.get("segments")
    parts = [_part(segment, "text") for segment in segments] if isinstance(segments, list) else segments
    return digest(json_text([document.get("text"), parts]).encode("utf-8", "backslashreplace"))


def with_text_digest(transcript: Transcript) -> Transcript:
    """The transcript with the digest of its text as that of the recognized text."""
    found = text_digest(json.loads(json_bytes(transcript)))
    return transcript.model_copy(update={"job": transcript.job.model_copy(update={"text_digest": found})})


def json_bytes(transcript: Transcript) -> bytes:
    """The content of the JSON file."""
    return transcript.dumps().encode("utf-8", "backslashreplace")  # \udce7 is also a valid escape in JSON


def find_corrected(output: Output, source: Identified | None = None, spec: Mapping[str, Any] | None = None) -> Corrected | None:
    """The corrected files of an output. Reads the transcript and compares every rendering that it lists.

    `source` is the recording that the output is for: the transcript of another one does not count. `spec` is that of the new transcript:
    where it takes the turns from an RTTM file, that file is an input.
    """
    target = json_path(output)
    status = files_of(target).status(target)
    if status is None or leads_out(target, output.tree):
        return None
    header = read_header(target)
    if header is not None and source is not None and belongs_to_another(header, source, output.folder):
        return None
    found = {target: status.st_mtime_ns} if is_text_corrected(target, header, status, thorough=True) else {}
    if header is not None:
        others = {"json", RTTM} if spec is not None and _takes_turns(spec) else {"json"}
        existing = files_of(target).existing([output.path(name) for name in FORMATS.names() if name not in others])
        edited = [path for path in existing if ownership_of(path, existing[path], header, 0) is Ownership.EDITED]
        found |= {path: info.st_mtime_ns for path in edited if (info := existing[path]) is not None}
    return Corrected.of(found)


def is_text_corrected(path: AnyPath, header: Header | None, status: Status, *, thorough: bool = False) -> bool:
    """Whether a person changed the text of this transcript.

    Unless `thorough`, a long one that was written when its recognition ended is not read, and doubt does not count.
    """
    if header is not None and header.correction is not None:
        return True
    if not thorough and (header is None or header.text_digest is None or _is_as_written(path, header, status)):
        return False
    document = _read(path)
    if document is None or isinstance(document, bytes):  # unreadable, or not JSON any more
        return header is not None or (document is not None and all(mark in document for mark in _MARKS))
    recognized = document["job"].get("text_digest") if isinstance(document.get("job"), dict) else None
    if isinstance(recognized, str):
        return text_digest(document) != recognized
    return header is not None and not _seems_recognized(document, header, status)


def is_correction_new(path: AnyPath, header: Header, status: Status) -> bool:
    """Whether the text was changed by hand since the renderings were made from it."""
    if header.correction is None:
        return is_text_corrected(path, header, status)
    if _is_as_written(path, header, status, header.correction.at):
        return False
    document = _read(path)
    return isinstance(document, dict) and text_digest(document) != header.correction.digest


def adopt_correction(transcript: Transcript, header: Header | None, status: Status | None, path: AnyPath) -> Transcript:
    """The transcript, read from this path, with a correction by hand recorded in it."""
    if (
        header is None
        or header.text_digest is None
        or status is None
        or not is_text_corrected(path, header, status, thorough=True)
    ):
        return transcript
    current = text_digest(json.loads(json_bytes(transcript)))
    before = transcript.correction
    if before is not None and before.digest == current:
        return transcript
    names = tuple(dict.fromkeys([*(before.files if before else ()), json_safe(path.name)]))
    correction = Correction(at=iso_time(status.st_mtime_ns), digest=current, files=names, words=before.words if before else 0)
    return transcript.model_copy(update={"correction": correction})


def new_output(output: Output) -> Output:
    """Where a new transcript goes if the files of this output are corrected: `aula.new.json` and so on."""
    return replace(output, stem=f"{output.stem}.new")


def free_output(output: Output, source: Identified, spec: Mapping[str, Any] | None = None) -> Output:
    """The output, or the first one beside it whose files a new transcript of this recording, with this spec, may replace."""
    while find_corrected(output, source, spec) is not None:
        output = new_output(output)
    return output


def listed_formats(output: Output, header: Header | None) -> list[str]:
    """The formats, without JSON, whose files are there as the transcript lists them."""
    if header is None:
        return []
    paths = {output.path(name): name for name in FORMATS.names() if name != "json"}
    existing = files_of(output.folder).existing([path for path in paths if json_safe(path.name) in header.outputs])
    return [paths[path] for path, info in existing.items() if ownership_of(path, info, header, 0) is Ownership.OURS]


def _takes_turns(spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("diarize")) and str(spec.get("diarize_model")).partition(":")[0] == RTTM


def _part(part: Any, key: str) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(part, dict):
        return part
    words = part.get("words")
    listed = [_part(word, "word") for word in words] if isinstance(words, list) else words
    return [part.get(key), _time(part.get("start")), _time(part.get("end")), part.get("speaker"), listed]


def _time(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """An editor may have written 1.0 as 1."""
    return float(value) if isinstance(value, int | float) else value


def _read(path: AnyPath) -> dict[str, Any] | bytes | None:
    """The document; its bytes if it is not one, None if it cannot be read."""
    try:
        data = files_of(path).read(path, 0, MAX_BYTES + 1)
    except OSError:
        return None
    try:
        document = json.loads(data.decode("utf-8-sig")) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        return data
    return document if isinstance(document, dict) else data


def _is_as_written(path: AnyPath, header: Header, status: Status, at: str = "") -> bool:
    """Whether the time of a long file, or of one in a store, shows that nobody changed it since the end of its recognition, or `at`."""
    if status.st_size <= _GLANCE_BYTES and not isinstance(path, Location):
        return False
    return _seconds_after(at or header.finished_at, status) <= _COMMIT_SECONDS


def _seconds_after(moment: str, status: Status) -> float:
    try:
        return status.st_mtime_ns / 1e9 - datetime.fromisoformat(moment).timestamp()
    except (ValueError, OverflowError):
        return float("inf")


def _seems_recognized(document: Mapping[str, Any], header: Header, status: Status) -> bool:
    """Whether a transcript of an earlier version, without a digest, seems unchanged.

    What was rendered from it decides. If there is nothing to compare, its time does, and whether its words and its text agree.
    """
    try:
        transcript = Transcript.model_validate(document)
    except ValueError:
        return False
    for path, listed in ((PurePath(name), listed) for name, listed in header.outputs.items()):
        name = path.suffix.removeprefix(".")
        is_plain = name in ("txt", "tsv")
        if is_plain or (name in ("srt", "vtt") and header.subtitles.get(path.name) == DEFAULT_STYLE.stamp):
            return digest(render_bytes(name, transcript)) == listed
    is_consistent = transcript.text == "".join(segment.text for segment in transcript.segments)
    words = ((segment.text, "".join(word.word for word in segment.words)) for segment in transcript.segments if segment.words)
    is_consistent = is_consistent and all(text.strip() == joined.strip() for text, joined in words)
    return is_consistent and _seconds_after(header.finished_at, status) <= _COMMIT_SECONDS
