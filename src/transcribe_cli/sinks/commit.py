"""The files of one recording, so that a half-written set is never taken for done and no finished transcript is lost.

    (a) the new JSON goes to the disk under a temporary name: from here on a crash loses nothing
    (b) the JSON in place is removed, so that it cannot vouch for files that are about to be replaced
    (c) each rendering is written, atomically
    (d) the JSON gets the time of now, hence is the last of the set, and its name

After a crash `recovery.recover` does (d). When (c) fails, on a full disk, (d) is done all the same: what is missing is rendered again
by the next run. A rendering that was there before and could not be replaced is removed rather than left to pass for the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from transcribe_cli.errors import OutputRefused, StorageNotReady
from transcribe_cli.formats import CUE_FORMATS
from transcribe_cli.sinks.atomic import storage_error, storage_errors
from transcribe_cli.sinks.files import Files, Status, files_of
from transcribe_cli.sinks.header import Header, read_header
from transcribe_cli.sinks.names import Output, json_path
from transcribe_cli.sinks.ownership import Ownership, belongs_to_another, digest, file_digest, ownership_of
from transcribe_cli.sources import json_safe
from transcribe_cli.storage import AnyPath
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Transcript

# Of a set, what is in place; None for a symlink to nowhere.
_There = Mapping[AnyPath, Status | None]
MOVE_IT = "Move it away, use --output-dir, or --overwrite to replace it."


def commit(
    output: Output, transcript: Transcript, rendered: Mapping[str, bytes], *, stamp: str = "", overwrite: bool = False
) -> Transcript:
    """Write a new transcript and its renderings (format -> content); return it as written, listing them in `outputs`.

    The stamp is that of the subtitle settings which they were made with (`standards.SubtitleStyle.stamp`).

    Raises:
        OutputRefused: a file there is not ours to replace. If it is the JSON nothing is written; if it is a rendering, everything else
            is, and the transcript does not list it.
        StorageNotReady: the disk is full or read-only. When the JSON itself could be written, it stands.
    """
    target, files = json_path(output), _files(output, rendered)
    there = _there(target, files)
    old = _replaceable(target, transcript, there, overwrite=overwrite)
    kept = [] if overwrite else _not_ours(files, old, target, there)
    files = [file for file in files if file.path not in kept]
    written = transcript.with_outputs({file.key: file.digest for file in files}, _stamped(files, stamp))
    store, document = files_of(output.folder), _json_bytes(written)
    with storage_errors(target):
        temporary = store.stage(output.folder, document)  # (a)
    try:
        if target in there:
            _withdraw(target, old, written)  # (b)
        _write_all(files)  # (c)
    finally:
        _put_in_place(store, temporary, target, document)  # (d)
    if kept:
        raise not_ours_error(kept)
    return written


def add_renderings(
    output: Output, transcript: Transcript, rendered: Mapping[str, bytes], *, stamp: str = "", overwrite: bool = False
) -> Transcript:
    """Write renderings beside their transcript, which is in place; return it listing them.

    The JSON is rewritten, before them, only when it does not list them yet with the same content. It keeps its time, so that files
    edited since are still seen to be. Those that it lists with other content go first: after a crash they are missing, not out of date.
    The stamp is that of the subtitle settings which they were made with.

    Raises:
        OutputRefused: a file there is not ours to replace; the others are written.
        StorageNotReady: the disk is full or read-only.
    """
    target, files = json_path(output), _files(output, rendered)
    there = _there(target, files)
    old = _replaceable(target, transcript, there, overwrite=False)
    kept = [] if overwrite else _not_ours(files, old, target, there)
    files = [file for file in files if file.path not in kept]
    listed = transcript.with_outputs(
        {**transcript.outputs, **{file.key: file.digest for file in files}}, {**transcript.subtitles, **_stamped(files, stamp)}
    )
    if old is None or (listed.outputs, listed.subtitles) != (old.outputs, old.subtitles):
        store, document = files_of(output.folder), _json_bytes(listed)
        with storage_errors(target):
            temporary = store.stage(output.folder, document, _written_ns(there.get(target)) or None)
            for file in files:
                if old is not None and old.outputs.get(file.key, file.digest) != file.digest:
                    store.remove(file.path)
            store.publish(temporary, target, document)
    for file in files:
        files_of(file.path).write(file.path, file.data)
    if kept:
        raise not_ours_error(kept)
    return listed


def not_ours_error(paths: Iterable[AnyPath], why: str = "was not written by this tool, or was edited since") -> OutputRefused:
    """The error for files that are not ours to replace."""
    first, *others = [printable(path.name) for path in paths]
    return OutputRefused(f"{', '.join([first, *others])} {why}.", MOVE_IT)


def other_recording_error(path: AnyPath, head: Header) -> OutputRefused:
    """The error for a transcript of another recording in this place."""
    message = f"{printable(path.name)} is the transcript of another recording, {printable(head.name)}."
    return OutputRefused(message, "Move it away, or use --output-dir.")


@dataclass(frozen=True)
class _File:
    """A rendering to write. `key` is its name in `outputs`."""

    path: AnyPath
    data: bytes
    cued: bool

    @property
    def key(self) -> str:
        return json_safe(self.path.name)

    @property
    def digest(self) -> str:
        return digest(self.data)


def _files(output: Output, rendered: Mapping[str, bytes]) -> list[_File]:
    return [_File(output.path(name), data, name in CUE_FORMATS) for name, data in rendered.items() if name != "json"]


def _stamped(files: Iterable[_File], stamp: str) -> dict[str, str]:
    return {file.key: stamp for file in files if file.cued}


def _json_bytes(transcript: Transcript) -> bytes:
    return transcript.dumps().encode("utf-8", "backslashreplace")  # \udce7 is also JSON's way to write it


def _there(target: AnyPath, files: Sequence[_File]) -> _There:
    return files_of(target).there([target, *(file.path for file in files)])


def _written_ns(status: Status | None) -> int:
    return status.st_mtime_ns if status else 0


def _replaceable(target: AnyPath, transcript: Transcript, there: _There, *, overwrite: bool) -> Header | None:
    """The head of the transcript that is in place, if there is one.

    Raises:
        OutputRefused: what is there is another recording's, or no transcript of ours.
    """
    head = read_header(target) if target in there else None
    if head is not None and belongs_to_another(head, transcript.source, target.parent):
        raise other_recording_error(target, head)
    if head is None and not overwrite and target in there:
        raise not_ours_error([target], "was not written by this tool")
    return head


def _not_ours(files: Iterable[_File], head: Header | None, target: AnyPath, there: _There) -> list[AnyPath]:
    """Files in place that this tool did not write, or that were edited since; identical ones are no loss."""
    time_ns = _written_ns(there.get(target))
    found = [file for file in files if file.path in there]
    foreign = [file for file in found if ownership_of(file.path, there[file.path], head, time_ns) is not Ownership.OURS]
    return [file.path for file in foreign if file_digest(file.path) != file.digest]


def _put_in_place(store: Files, temporary: AnyPath, target: AnyPath, document: bytes) -> None:
    """Give the new JSON the time of now and its name. When that fails it stays: it is whole, and the next run does this again."""
    try:
        store.touch(temporary)
        store.publish(temporary, target, document)
    except (OSError, StorageNotReady) as error:
        refused = storage_error(target, error) if isinstance(error, OSError) else error
        refused.hint = f"The transcript is kept in {temporary.name} beside it; the next run puts it in its place."
        raise refused from error


def _withdraw(target: AnyPath, old: Header | None, new: Transcript) -> None:
    """Remove the JSON that is in place unless it says the same of the files beside it."""
    if old is None or (old.identity, old.fingerprint, old.outputs) != (Header.of(new).identity, new.job.fingerprint, new.outputs):
        files_of(target).remove(target)


def _write_all(files: Iterable[_File]) -> None:
    waiting = list(files)
    try:
        while waiting:
            files_of(waiting[0].path).write(waiting[0].path, waiting[0].data)
            waiting.pop(0)
    except BaseException:
        for file in waiting:
            if file_digest(file.path) != file.digest:
                files_of(file.path).remove(file.path)
        raise
