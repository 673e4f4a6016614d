"""Takes the corrections in the edited renderings of a transcript over into it, and renders everything else from it again."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transcribe_cli import sinks
from transcribe_cli.batch.rendering import TranscriptFile
from transcribe_cli.corrections import READABLE_FORMATS, Change, EditedFile, changes, take_over, undone
from transcribe_cli.errors import RecordingError, Unreadable
from transcribe_cli.formats import render_bytes
from transcribe_cli.registry import FORMATS
from transcribe_cli.sinks.ownership import digest
from transcribe_cli.sources import json_safe
from transcribe_cli.storage import AnyPath
from transcribe_cli.subtitles.standards import SubtitleStyle
from transcribe_cli.text.links import leads_out
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Correction, Transcript

# Hours of subtitles have half a megabyte.
_MAX_BYTES = 1 << 24


@dataclass(frozen=True)
class Result:
    """What became of the corrections of one transcript.

    Attributes:
        words: number of changed words in each file that was taken over.
        rendered: names of the files that were written again.
        kept: edited files that were not taken over, each with the reason.
    """

    words: Mapping[str, int]
    rendered: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


class Correcting:
    """One transcript and the files around it.

    Args:
        file: the transcript.
        style: subtitle settings for what is rendered again.

    Raises:
        TranscribeError: the transcript cannot be read.
    """

    def __init__(self, file: TranscriptFile, style: SubtitleStyle) -> None:
        self._style = style
        self._output = sinks.Output(file.path.parent, file.path.stem, file.tree)
        self._path = file.path
        self._header = sinks.read_header(file.path)
        status = sinks.files_of(file.path).status(file.path)
        self._on_disk = file.read()
        self._is_new_by_hand = bool(self._header and status and sinks.is_correction_new(file.path, self._header, status))
        self._transcript = sinks.adopt_correction(self._on_disk, self._header, status, file.path)

    def take_over(self, named: Sequence[AnyPath] = ()) -> Result:
        """Take over the corrections in the named renderings, or in every one that was edited.

        Raises:
            RecordingError: the corrections contradict others; nothing is written.
            Unreadable: a file cannot be read as the format that its name has.
            OutputRefused, StorageNotReady: the files cannot be written.
        """
        edited = [name for name, path in self._listed().items() if self._is_edited(path)]
        formats = [name for name, path in self._paths().items() if path in named] if named else edited
        kept = [
            f"{self._name(name)}: cannot be taken over, only {', '.join(READABLE_FORMATS)}" for name in formats if not _can(name)
        ]
        data = {name: self._read(name) for name in formats if _can(name)}
        files = [self._edited_file(name, content) for name, content in data.items()]
        taken = take_over(self._transcript, files)
        kept += taken.refused
        kept += [f"{name}: no changed words, kept as it is" for name, words in taken.taken.items() if not words]
        words = {name: count for name, count in taken.taken.items() if count}
        if taken.transcript is self._transcript:
            rendered = self._render_adopted() if self._is_new_by_hand else ()
            return Result(words, rendered, tuple(kept))
        digests = {self._output.path(name): digest(content) for name, content in data.items() if self._name(name) in words}
        return Result(words, self._write(self._recorded(taken.transcript, list(words)), digests), tuple(kept))

    def undo(self) -> Result:
        """Restore what was recognized.

        Raises:
            RecordingError: nothing was taken over, or the corrections were made in the JSON itself.
        """
        transcript = undone(self._transcript)
        if transcript is self._transcript:
            why = "was corrected by hand, so what was recognized is not known" if transcript.correction else "has no corrections"
            raise RecordingError(
                f"{printable(self._path.name)} {why}.", "`transcribe run --overwrite` recognizes it again, beside it."
            )
        return Result({self._path.name: sum(change.words for change in self.changes())}, self._write(transcript, {}))

    def changes(self) -> list[Change]:
        """Where the text differs from what was recognized."""
        return changes(self._transcript)

    def _recorded(self, transcript: Transcript, names: Sequence[str]) -> Transcript:
        """With the record of the correction."""
        known = self._transcript.correction
        text = sinks.text_digest(json.loads(sinks.json_bytes(transcript)))
        files = tuple(dict.fromkeys([*(known.files if known else ()), *map(json_safe, names)]))
        count = sum(change.words for change in changes(transcript))
        record = Correction(at=sinks.iso_time(time.time_ns()), digest=text, files=files, words=count)
        return transcript.model_copy(update={"correction": record})

    def _edited_file(self, name: str, content: bytes) -> EditedFile:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Unreadable(f"{printable(self._name(name))} is not UTF-8 text (byte {error.start}).") from error
        is_current = self._is_current(name)
        if not is_current and self._transcript.original is None:
            message = f"{printable(self._name(name))} is older than the corrections in {printable(self._path.name)}"
            raise RecordingError(
                f"{message}, so which words are newer is not known.", "Make its corrections in a file rendered since."
            )
        return EditedFile(self._name(name), name, text, is_current)

    def _is_current(self, name: str) -> bool:
        """Whether the file was rendered from the text as it is now."""
        if self._transcript.correction is None:
            return True
        listed = self._header.outputs.get(json_safe(self._name(name))) if self._header else None
        return not self._is_new_by_hand and listed == digest(self._rendered(name, self._on_disk))

    def _render_adopted(self) -> tuple[str, ...]:
        """Render what was made before the JSON was corrected by hand."""
        return self._write(self._transcript, {})

    def _write(self, transcript: Transcript, taken: Mapping[AnyPath, str]) -> tuple[str, ...]:
        names = [name for name, path in self._listed().items() if path in taken or not self._is_edited(path)]
        rendered = {name: self._rendered(name, transcript) for name in names}
        sinks.write_corrected(self._output, transcript, rendered, taken, stamp=self._style.stamp)
        return tuple(self._name(name) for name in names)

    def _rendered(self, name: str, transcript: Transcript) -> bytes:
        return render_bytes(name, transcript, self._style, self._output.uri)

    def _paths(self) -> dict[str, AnyPath]:
        return {name: self._output.path(name) for name in FORMATS.names() if name != "json"}

    def _listed(self) -> dict[str, AnyPath]:
        """The renderings that the transcript lists and that are there, by format."""
        outputs = self._header.outputs if self._header else {}
        listed = {name: path for name, path in self._paths().items() if json_safe(path.name) in outputs}
        existing = sinks.files_of(self._path).existing(list(listed.values()))
        return {name: path for name, path in listed.items() if path in existing and not leads_out(path, self._output.tree)}

    def _is_edited(self, path: AnyPath) -> bool:
        status = sinks.files_of(path).status(path)
        return sinks.ownership_of(path, status, self._header, 0) is sinks.Ownership.EDITED

    def _name(self, format: str) -> str:
        return self._output.path(format).name

    def _read(self, format: str) -> bytes:
        path = self._output.path(format)
        if leads_out(path, self._output.tree):
            raise Unreadable(f"{printable(path.name)} is a link out of its tree, so it is not read.")
        try:
            data = sinks.files_of(path).read(path, 0, _MAX_BYTES + 1)
        except OSError as error:
            raise Unreadable(f"{printable(path.name)} cannot be read ({error.strerror}).") from error
        if len(data) > _MAX_BYTES:
            raise Unreadable(f"{printable(path.name)} is too large for a transcript.")
        return data


def _can(format: str) -> bool:
    return format in READABLE_FORMATS
