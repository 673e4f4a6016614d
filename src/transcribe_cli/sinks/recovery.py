"""Recover what a killed process left behind: complete transcripts are moved into place, other temporary files are removed.

Anybody may have written such a file, so what it says is a claim. Names are derived: from the file name of its recording and the registered
formats. Of the files with these names, only those are removed that the existing transcript there lists with their present content.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from transcribe_cli.errors import OutputRefused, StorageNotReady, TranscribeError
from transcribe_cli.registry import FORMATS
from transcribe_cli.sinks.atomic import is_abandoned
from transcribe_cli.sinks.corrected import free_output
from transcribe_cli.sinks.files import files_of
from transcribe_cli.sinks.header import Header, read_header
from transcribe_cli.sinks.listing import Listings
from transcribe_cli.sinks.names import NAME_BYTES, Output, alternative_output, default_stem, json_path
from transcribe_cli.sinks.ownership import belongs_to_another, file_digest, modified_ns
from transcribe_cli.sinks.processes import parse_temporary_name
from transcribe_cli.sinks.reading import read_transcript
from transcribe_cli.sources import Recording, from_json_safe, json_safe
from transcribe_cli.storage import AnyPath, is_single_name
from transcribe_cli.transcript import Source, Transcript

# How often a recording was corrected, recognized again, and that corrected, too.
_MAX_NEW = 4


@dataclass(frozen=True)
class Leftover:
    """A temporary file of a process that has ended.

    Attributes:
        path: of the temporary file, a regular one.
        target: the JSON path that it was meant for; None when it is incomplete, or a newer file exists there.
        header: of the transcript in it, when there is a target.
        stale: renderings of the existing transcript, which it was replacing.
    """

    path: AnyPath
    target: AnyPath | None = None
    header: Header | None = None
    stale: tuple[AnyPath, ...] = ()


def find_leftovers(folder: AnyPath, listings: Listings | None = None) -> list[Leftover]:
    """Find what a crash left in a folder. Read-only."""
    listings = listings or Listings()
    files, result = files_of(folder), []
    for name, entry in listings.names(folder).items():
        # Only a regular file is ours. A link would be published as a link, and lead to any other file.
        if parse_temporary_name(name) and files.is_plain(path := folder / name):
            with contextlib.suppress(OSError):  # its process was still alive and has finished now
                if is_abandoned(path, entry.stat().st_mtime_ns):
                    result.append(_examine(path, listings))
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
    if (stem := _stem(header, path.parent, listings)) is None:
        return Leftover(path)
    output = free_output(Output(path.parent, stem), transcript.source, transcript.job.spec)
    target = json_path(output)
    existing = read_header(target) if listings.holds(target) else None
    if listings.holds(target) and not _may_replace(target, existing, header, transcript.source, path):
        return Leftover(path)
    return Leftover(path, target, header, _stale(output, existing, header))


def _read_complete(path: AnyPath) -> Transcript | None:
    """The transcript in a file; None when it is incomplete."""
    if read_header(path) is None:
        return None
    with contextlib.suppress(TranscribeError):
        return read_transcript(path)
    return None


def _stem(header: Header, folder: AnyPath, listings: Listings) -> str | None:
    """The stem that the transcript was meant for; None if no recording can have the name that it states.

    A recording has one of two stems, with `.new` if the files of that name were corrected. It is the one that the renderings of the
    transcript have, or else the one of its recording in this folder.
    """
    name = from_json_safe(header.name)
    if not is_single_name(name) or len(os.fsencode(name)) > NAME_BYTES:
        return None
    stem = default_stem(name, folder, listings)
    other = alternative_output(Recording(folder / name, folder), Output(folder, stem)).stem
    beside = [f"{base}{'.new' * level}" for base in (stem, other) for level in range(_MAX_NEW)]
    listed = [candidate for candidate in beside if _listed(Output(folder, candidate), header)]
    return listed[0] if listed else stem


def _listed(output: Output, header: Header) -> dict[AnyPath, str]:
    """The renderings of an output that a transcript lists, with their digests. Other names in the list are ignored."""
    paths = [output.path(name) for name in FORMATS.names() if name != "json"]
    digests = {path: header.outputs.get(json_safe(path.name)) for path in paths}
    return {path: digest for path, digest in digests.items() if digest is not None}


def _may_replace(target: AnyPath, existing: Header | None, header: Header, source: Source, temporary: AnyPath) -> bool:
    """Whether the existing file is an older transcript of the same recording."""
    if existing is None or belongs_to_another(existing, source, target.parent):
        return False
    # A transcript that `add_renderings` was writing is as old as the existing one; its renderings are missing either way.
    return (existing.finished_at, modified_ns(target)) < (header.finished_at, modified_ns(temporary))


def _stale(output: Output, existing: Header | None, header: Header) -> tuple[AnyPath, ...]:
    """Renderings of the existing transcript that have other content than those of the new one. An edited one is not what it lists."""
    if existing is None:
        return ()
    old, new = _listed(output, existing), _listed(output, header)
    return tuple(path for path in new if old.get(path, new[path]) != new[path] and file_digest(path) == old[path])
