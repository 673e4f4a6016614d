"""Write the files of one recording so that an incomplete set never counts as done and no finished transcript is lost.

    (a) write the new JSON to the disk under a temporary name: from here on, a crash loses nothing
    (b) remove the renderings that are about to be replaced, then the existing JSON, which is what shows that they were ours
    (c) write each rendering atomically
    (d) set the modification time of the JSON to now, which makes it the newest of the set, and rename it into place

After a crash, `recovery.recover` finishes (b) and does (d). If (c) fails, for example on a full disk, (d) is still done: the next run
renders what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from transcribe_cli.errors import OutputRefused, StorageNotReady
from transcribe_cli.formats import CUE_FORMATS
from transcribe_cli.registry import FORMATS
from transcribe_cli.sinks.atomic import storage_error, storage_errors
from transcribe_cli.sinks.corrected import adopt_correction, find_corrected, json_bytes, with_text_digest
from transcribe_cli.sinks.files import Files, Status, files_of
from transcribe_cli.sinks.header import Header, read_header
from transcribe_cli.sinks.names import Output, json_path, link_error
from transcribe_cli.sinks.ownership import Ownership, belongs_to_another, digest, file_digest, ownership_of
from transcribe_cli.sources import json_safe
from transcribe_cli.storage import AnyPath
from transcribe_cli.text.links import leads_out
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Transcript

# The existing files of a set; None for a broken symlink.
_Existing = Mapping[AnyPath, Status | None]
_MOVE_HINT = "Move it away, use --output-dir, or --overwrite to replace it."


def commit(
    output: Output,
    transcript: Transcript,
    rendered: Mapping[str, bytes],
    *,
    stamp: str = "",
    overwrite: bool = False,
    replace_corrected: bool = False,
) -> Transcript:
    """Write a new transcript and its renderings (format -> content). Returns the transcript as written, with the files in `outputs`.

    `stamp` identifies the subtitle settings of the renderings (`standards.SubtitleStyle.stamp`).

    Raises:
        OutputRefused: an existing file was corrected by a person: nothing is written (`corrected.free_output`). Or one was not written
            by this tool. If it is the JSON, nothing is written. If it is a rendering, everything else is written, and the transcript
            does not list that file.
        StorageNotReady: the disk is full or read-only. If the JSON itself could be written, it is kept.
    """
    _check_folder(output)
    target, files = json_path(output), _files(output, rendered)
    if not replace_corrected and (corrected := find_corrected(output, transcript.source, transcript.job.spec)) is not None:
        raise corrected_error(corrected.names)
    existing = _existing(target, files)
    old = _replaceable_header(output, transcript, existing, overwrite=overwrite or replace_corrected)
    kept = _kept(files, old, existing, overwrite=overwrite, replace_corrected=replace_corrected)
    files = [file for file in files if file.path not in kept]
    listed = _still_listed(output, old) | {file.key: file.digest for file in files}
    written = with_text_digest(transcript).with_outputs(listed, _stamps(files, stamp))
    store, document = files_of(output.folder), json_bytes(written)
    with storage_errors(target):
        temporary = store.stage(output.folder, document)  # (a)
    try:
        _remove_outdated([file for file in files if file.path in existing])  # (b)
        if target in existing:
            _remove_unless_equal(target, old, written)
        for file in files:  # (c)
            files_of(file.path).write(file.path, file.data)
    finally:
        _put_in_place(store, temporary, target, document)  # (d)
    if kept:
        raise _kept_error(kept)
    return written


def add_renderings(
    output: Output,
    transcript: Transcript,
    rendered: Mapping[str, bytes],
    *,
    stamp: str = "",
    overwrite: bool = False,
    replace_corrected: bool = False,
) -> Transcript:
    """Write renderings next to their existing transcript. Returns the transcript with the files in `outputs`.

    A correction by hand is recorded in the JSON. It is rewritten first, but only if it does not list the same files with the same
    content. It keeps its modification time, so that files edited since are still recognized as edited. Files that it lists with other
    content are removed first: after a crash they are missing instead of out of date. `stamp` identifies the subtitle settings of the
    renderings.

    Raises:
        OutputRefused: an existing file was not written by this tool; the others are written.
        StorageNotReady: the disk is full or read-only.
    """
    _check_folder(output)
    target, files = json_path(output), _files(output, rendered)
    existing = _existing(target, files)
    old = _replaceable_header(output, transcript, existing, overwrite=False)
    transcript = adopt_correction(transcript, old, existing.get(target), target)
    kept = _kept(files, old, existing, overwrite=overwrite, replace_corrected=replace_corrected)
    files = [file for file in files if file.path not in kept]
    listed = transcript.with_outputs(
        {**transcript.outputs, **{file.key: file.digest for file in files}}, {**transcript.subtitles, **_stamps(files, stamp)}
    )
    if old is None or (listed.outputs, listed.subtitles, listed.correction) != (old.outputs, old.subtitles, old.correction):
        store, document = files_of(output.folder), json_bytes(listed)
        with storage_errors(target):
            temporary = store.stage(output.folder, document, _written_ns(existing.get(target)) or None)
            for file in files:
                if old is not None and old.outputs.get(file.key, file.digest) != file.digest:
                    store.remove(file.path)
            store.publish(temporary, target, document)
    for file in files:
        files_of(file.path).write(file.path, file.data)
    if kept:
        raise _kept_error(kept)
    return listed


def write_corrected(
    output: Output, transcript: Transcript, rendered: Mapping[str, bytes], taken: Mapping[AnyPath, str], *, stamp: str = ""
) -> Transcript:
    """Replace a transcript by one with corrections, and what was rendered from it. Returns it with the files in `outputs`.

    The JSON is written first, so that the corrections in the `taken` files are in it before these are replaced. They are given with their
    digests: one that was edited again meanwhile stays, and so do other edited files.

    Raises:
        OutputRefused: the file is not the transcript of this recording.
        StorageNotReady: the disk is full or read-only.
    """
    _check_folder(output)
    target, files = json_path(output), _files(output, rendered)
    existing = _existing(target, files)
    old = _replaceable_header(output, transcript, existing, overwrite=False)
    kept = _kept(files, old, existing, overwrite=False, replace_corrected=False)
    files = [file for file in files if file.path not in kept or taken.get(file.path) == file_digest(file.path)]
    listed = {**transcript.outputs, **{file.key: file.digest for file in files}}
    written = transcript.with_outputs(listed, {**transcript.subtitles, **_stamps(files, stamp)})
    store, document = files_of(output.folder), json_bytes(written)
    with storage_errors(target):
        temporary = store.stage(output.folder, document, _written_ns(existing.get(target)) or None)
        _remove_outdated([file for file in files if file.path in existing and file.path not in taken])
        store.publish(temporary, target, document)
    for file in files:
        files_of(file.path).write(file.path, file.data)
    return written


def not_ours_error(paths: Iterable[AnyPath], reason: str = "was not written by this tool, or was edited since") -> OutputRefused:
    """The error for files that this tool must not replace."""
    first, *others = [printable(path.name) for path in paths]
    return OutputRefused(f"{', '.join([first, *others])} {reason}.", _MOVE_HINT)


def corrected_error(names: Sequence[str]) -> OutputRefused:
    """The error for files that a person corrected, and that nothing replaces."""
    return OutputRefused(
        f"{', '.join(map(printable, names))} {'was' if len(names) == 1 else 'were'} edited since, and not replaced.",
        "`transcribe correct` takes corrections over; --replace-corrected replaces them.",
    )


def other_recording_error(path: AnyPath, header: Header) -> OutputRefused:
    """The error for a file that is the transcript of another recording."""
    message = f"{printable(path.name)} is the transcript of another recording, {printable(header.name)}."
    return OutputRefused(message, "Move it away, or use --output-dir.")


@dataclass(frozen=True)
class _File:
    """A rendering to write. `key` is its name in `outputs`."""

    path: AnyPath
    data: bytes
    has_cues: bool

    @property
    def key(self) -> str:
        return json_safe(self.path.name)

    @property
    def digest(self) -> str:
        return digest(self.data)


def _files(output: Output, rendered: Mapping[str, bytes]) -> list[_File]:
    return [_File(output.path(name), data, name in CUE_FORMATS) for name, data in rendered.items() if name != "json"]


def _stamps(files: Iterable[_File], stamp: str) -> dict[str, str]:
    return {file.key: stamp for file in files if file.has_cues}


def _existing(target: AnyPath, files: Sequence[_File]) -> _Existing:
    return files_of(target).existing([target, *(file.path for file in files)])


def _written_ns(status: Status | None) -> int:
    return status.st_mtime_ns if status else 0


def _check_folder(output: Output) -> None:
    """Raise OutputRefused if the folder leads out of its tree: a link may have been put there since the plan."""
    if (error := link_error(output)) is not None:
        raise error


def _replaceable_header(output: Output, transcript: Transcript, existing: _Existing, *, overwrite: bool) -> Header | None:
    """The header of the existing transcript; None when there is none. One behind a link out of the tree is not read.

    Raises:
        OutputRefused: the file belongs to another recording, or is not a transcript of this tool.
    """
    target = json_path(output)
    header = read_header(target) if target in existing and not leads_out(target, output.tree) else None
    if header is not None and belongs_to_another(header, transcript.source, target.parent):
        raise other_recording_error(target, header)
    if header is None and not overwrite and target in existing:
        raise not_ours_error([target], "was not written by this tool")
    return header


def _kept(
    files: Iterable[_File], header: Header | None, existing: _Existing, *, overwrite: bool, replace_corrected: bool
) -> dict[AnyPath, Ownership]:
    """The existing files that must not be replaced: those that this tool did not write, and those that were edited since.

    Identical files do not count. Times are no evidence here: a copy of a tree has them in any order.
    """
    replaceable = {Ownership.OURS}
    replaceable |= {Ownership.FOREIGN} if overwrite else set()
    replaceable |= {Ownership.EDITED} if replace_corrected else set()
    in_place = [file for file in files if file.path in existing]
    found = {file: ownership_of(file.path, existing[file.path], header, 0) for file in in_place}
    changed = {file: ownership for file, ownership in found.items() if ownership not in replaceable}
    return {file.path: ownership for file, ownership in changed.items() if file_digest(file.path) != file.digest}


def _still_listed(output: Output, header: Header | None) -> dict[str, str]:
    """The existing renderings that a transcript lists. Unlisted, they would count as another tool's, and a correction in them as none."""
    outputs = header.outputs if header is not None else {}
    paths = [path for name in FORMATS.names() if name != "json" and json_safe((path := output.path(name)).name) in outputs]
    return {json_safe(path.name): outputs[json_safe(path.name)] for path in files_of(output.folder).existing(paths)}


def _kept_error(kept: Mapping[AnyPath, Ownership]) -> OutputRefused:
    edited = tuple(path.name for path, ownership in kept.items() if ownership is Ownership.EDITED)
    return corrected_error(edited) if len(edited) == len(kept) else not_ours_error(kept)


def _put_in_place(store: Files, temporary: AnyPath, target: AnyPath, document: bytes) -> None:
    """Touch the new JSON and rename it into place. If that fails, the temporary file is kept, and the next run tries again."""
    try:
        store.touch(temporary)
        store.publish(temporary, target, document)
    except (OSError, StorageNotReady) as error:
        refused = storage_error(target, error) if isinstance(error, OSError) else error
        refused.hint = f"The transcript is kept in {temporary.name} in the same folder; the next run moves it into place."
        raise refused from error


def _remove_outdated(files: Iterable[_File]) -> None:
    """Remove the files that have other content than the new ones. A symlink is replaced, whatever is at its end."""
    for file in files:
        if file_digest(file.path) != file.digest:
            files_of(file.path).remove(file.path)


def _remove_unless_equal(target: AnyPath, old: Header | None, new: Transcript) -> None:
    """Remove the existing JSON unless it describes the same files."""
    if old is None or (old.identity, old.fingerprint, old.outputs) != (Header.of(new).identity, new.job.fingerprint, new.outputs):
        files_of(target).remove(target)
