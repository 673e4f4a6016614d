"""What a killed process left beside the recordings: whole transcripts are put in their place, everything else of ours is removed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli.errors import OutputRefused, StorageNotReady, TranscribeError
from transcribe_cli.sinks.atomic import is_abandoned
from transcribe_cli.sinks.files import files_of
from transcribe_cli.sinks.header import Header, read_header
from transcribe_cli.sinks.listing import Listings
from transcribe_cli.sinks.names import Output, json_path, own_stem
from transcribe_cli.sinks.ownership import belongs_to_another, file_digest, modified_ns
from transcribe_cli.sinks.processes import parse_temporary_name
from transcribe_cli.sources import from_json_safe
from transcribe_cli.storage import AnyPath
from transcribe_cli.transcript import Source, Transcript


@dataclass(frozen=True)
class Leftover:
    """A temporary file of a process that is gone.

    Attributes:
        path: of the temporary file.
        target: the JSON that it should have become; None when it is incomplete, or something newer took its place.
        head: of the transcript in it, when there is a target.
        stale: files beside the target that it lists but that are of an earlier transcript, which it was about to replace.
    """

    path: AnyPath
    target: AnyPath | None = None
    head: Header | None = None
    stale: tuple[AnyPath, ...] = ()


def find_leftovers(folder: AnyPath, listings: Listings | None = None) -> list[Leftover]:
    """What a crash left in a folder. Reads only."""
    listings = listings or Listings()
    found = []
    for name, entry in listings.names(folder).items():
        if parse_temporary_name(name):
            with contextlib.suppress(OSError):  # its process was alive after all, and done now
                if is_abandoned(folder / name, entry.stat().st_mtime_ns):
                    found.append(_examined(folder / name, listings))
    return found


def recover(folder: AnyPath) -> list[AnyPath]:
    """Finish what a crash interrupted in a folder and clean up; return the transcripts that are in place now.

    Their missing renderings are for the done test to find. Never raises for what it cannot do: nothing is worse than before.
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
            # On a disk it keeps its time, which is before that of its renderings: they are compared by hash from now on.
            files.publish(leftover.path, leftover.target)
            recovered.append(leftover.target)
    return recovered


def _examined(path: AnyPath, listings: Listings) -> Leftover:
    transcript = _whole(path)
    if transcript is None:
        return Leftover(path)
    head = Header.of(transcript)
    target = json_path(Output(path.parent, _stem(head, path.parent, listings)))
    if listings.holds(target) and not _may_replace(target, head, transcript.source, path):
        return Leftover(path)
    return Leftover(path, target, head, _stale(path, head))


def _whole(path: AnyPath) -> Transcript | None:
    """The transcript in a file, if it is all there."""
    if read_header(path) is None:
        return None
    try:
        return Transcript.loads(files_of(path).read(path))
    except (TranscribeError, OSError):
        return None


def _stem(head: Header, folder: AnyPath, listings: Listings) -> str:
    """The name that the transcript was to have: that of its renderings, or else what its recording's gives here."""
    for name in head.outputs:
        return Path(from_json_safe(name)).stem
    return own_stem(from_json_safe(head.name), folder, listings)


def _may_replace(target: AnyPath, head: Header, source: Source, temporary: AnyPath) -> bool:
    """Whether what is in place is an older transcript of the same recording."""
    there = read_header(target)
    if there is None or belongs_to_another(there, source, target.parent):
        return False
    # What `add` was writing is as old as what is in place, and its renderings are missing either way.
    return (there.finished_at, modified_ns(target)) < (head.finished_at, modified_ns(temporary))


def _stale(path: AnyPath, head: Header) -> tuple[AnyPath, ...]:
    """Renderings of an earlier transcript: other content, and older than this one's JSON. What is newer was edited by somebody."""
    written = modified_ns(path)
    files = {path.with_name(from_json_safe(name)): digest for name, digest in head.outputs.items()}
    return tuple(
        file
        for file, digest in files.items()
        if files_of(file).is_there(file) and modified_ns(file) <= written and file_digest(file) != digest
    )
