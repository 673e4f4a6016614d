"""Recover what a killed process left behind: complete transcripts are moved into place, other temporary files are removed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli.errors import OutputRefused, StorageNotReady, TranscribeError
from transcribe_cli.sinks.atomic import is_abandoned
from transcribe_cli.sinks.files import files_of
from transcribe_cli.sinks.header import Header, read_header
from transcribe_cli.sinks.listing import Listings
from transcribe_cli.sinks.names import Output, default_stem, json_path
from transcribe_cli.sinks.ownership import belongs_to_another, file_digest, modified_ns
from transcribe_cli.sinks.processes import parse_temporary_name
from transcribe_cli.sources import from_json_safe
from transcribe_cli.storage import AnyPath
from transcribe_cli.transcript import Source, Transcript


@dataclass(frozen=True)
class Leftover:
    """A temporary file of a process that has ended.

    Attributes:
        path: of the temporary file.
        target: the JSON path that it was meant for; None when it is incomplete, or a newer file exists there.
        header: of the transcript in it, when there is a target.
        stale: files next to the target that the transcript lists, but that belong to an earlier transcript which it was replacing.
    """

    path: AnyPath
    target: AnyPath | None = None
    header: Header | None = None
    stale: tuple[AnyPath, ...] = ()


def find_leftovers(folder: AnyPath, listings: Listings | None = None) -> list[Leftover]:
    """Find what a crash left in a folder. Read-only."""
    listings = listings or Listings()
    result = []
    for name, entry in listings.names(folder).items():
        if parse_temporary_name(name):
            with contextlib.suppress(OSError):  # its process was still alive and has finished now
                if is_abandoned(folder / name, entry.stat().st_mtime_ns):
                    result.append(_examine(folder / name, listings))
    return result


def recover(folder: AnyPath) -> list[AnyPath]:
    """Finish what a crash interrupted in a folder, and clean up. Returns the transcripts that were moved into place.

    The done test then finds their missing renderings. Ignores errors: a file that cannot be recovered stays as it is.
    """
    files = files_of(folder)
    recovered = []
    for leftover in find_leftovers(folder):
        with contextlib.suppress(OSError, OutputRefused, StorageNotReady):
            if leftover.target is None:
                files.remove(leftover.path)
                continue
            for path in leftover.stale:
                files.remove(path)
            # On a disk it keeps its time, which is older than its renderings, so they are compared by digest from now on.
            files.publish(leftover.path, leftover.target)
            recovered.append(leftover.target)
    return recovered


def _examine(path: AnyPath, listings: Listings) -> Leftover:
    transcript = _read_complete(path)
    if transcript is None:
        return Leftover(path)
    header = Header.of(transcript)
    target = json_path(Output(path.parent, _stem(header, path.parent, listings)))
    if listings.holds(target) and not _may_replace(target, header, transcript.source, path):
        return Leftover(path)
    return Leftover(path, target, header, _stale(path, header))


def _read_complete(path: AnyPath) -> Transcript | None:
    """The transcript in a file; None when it is incomplete."""
    if read_header(path) is None:
        return None
    try:
        return Transcript.loads(files_of(path).read(path))
    except (TranscribeError, OSError):
        return None


def _stem(header: Header, folder: AnyPath, listings: Listings) -> str:
    """The stem that the transcript was meant for: that of its renderings, or else the one of its recording in this folder."""
    for name in header.outputs:
        return Path(from_json_safe(name)).stem
    return default_stem(from_json_safe(header.name), folder, listings)


def _may_replace(target: AnyPath, header: Header, source: Source, temporary: AnyPath) -> bool:
    """Whether the existing file is an older transcript of the same recording."""
    existing = read_header(target)
    if existing is None or belongs_to_another(existing, source, target.parent):
        return False
    # A transcript that `add_renderings` was writing is as old as the existing one; its renderings are missing either way.
    return (existing.finished_at, modified_ns(target)) < (header.finished_at, modified_ns(temporary))


def _stale(path: AnyPath, header: Header) -> tuple[AnyPath, ...]:
    """Renderings of an earlier transcript: other content, and older than this JSON. Newer files were edited by a user."""
    transcript_ns = modified_ns(path)
    files = {path.with_name(from_json_safe(name)): digest for name, digest in header.outputs.items()}
    return tuple(
        file
        for file, digest in files.items()
        if files_of(file).is_there(file) and modified_ns(file) <= transcript_ns and file_digest(file) != digest
    )
