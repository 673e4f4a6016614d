"""What is there already for a recording: its transcript, the renderings, and what crashed runs left."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import replace

from transcribe_cli.errors import OutputRefused
from transcribe_cli.plan.contents import Contents, is_same_recording
from transcribe_cli.registry import FORMATS
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import (
    Header,
    Leftover,
    Listings,
    Output,
    Ownership,
    alternative_output,
    belongs_to_another,
    find_leftovers,
    json_path,
    listed_for,
    not_ours_error,
    other_recording_error,
    ownership_of,
    parse_temporary_name,
)
from transcribe_cli.sources import LEASE_SUFFIX, Recording
from transcribe_cli.storage import AnyPath
from transcribe_cli.text.links import leads_out
from transcribe_cli.text.printable import printable


class ExistingFiles:
    """The files in the folders of the outputs. Caches what the recordings share.

    Args:
        settings: of the run.
        listings: the folders as they are now.
        assigned: the outputs of all recordings of the run.
        contents: compares the content of recordings where their times do not tell.
    """

    def __init__(self, settings: Settings, listings: Listings, assigned: frozenset[Output], contents: Contents) -> None:
        self._contents = contents
        self._headers: dict[AnyPath, Header | None] = {}
        self._settings = settings
        self._listings = listings
        self._assigned = assigned
        self._folders_with_leftovers: dict[AnyPath, bool] = {}
        self._leftovers: dict[AnyPath, dict[AnyPath, Leftover]] = {}

    def existing_output(self, recording: Recording, output: Output) -> Output:
        """The output, or its alternative if the transcript has that name: another recording of this stem was added or removed."""
        other = alternative_output(recording, output)
        if alternative_output(recording, other).stem != output.stem:
            return output  # beside a corrected one
        if other in self._assigned or self._listings.holds(json_path(output)) or not self._listings.holds(json_path(other)):
            return output
        header = self._read(other)
        return other if header and is_same_recording(header, self._contents.identified(recording, header)) else output

    def identified(self, recording: Recording, output: Output) -> Recording:
        """The recording with the digest of its content, if that decides whether the existing transcript is its own."""
        leftover = self.leftover_for(output)
        return self._contents.identified(recording, leftover.header if leftover else self._read(output))

    def _read(self, output: Output) -> Header | None:
        """The header in the JSON, whichever recording it is of; None behind a link out of the tree. Read once."""
        path = json_path(output)
        if path not in self._headers:
            is_readable = self._listings.holds(path) and not leads_out(path, output.tree)
            self._headers[path] = self._listings.header(path) if is_readable else None
        return self._headers[path]

    def header(self, recording: Recording, output: Output) -> Header | None:
        """The header of the existing transcript, if it belongs to this recording.

        Raises:
            OutputRefused: the file is the transcript of another recording, or not a transcript of this tool.
        """
        path = json_path(output)
        if not self._listings.holds(path):
            return None
        header = self._read(output)
        if header is not None and belongs_to_another(header, recording, output.folder):
            raise other_recording_error(path, header)
        if header is None and not self._settings.overwrite:
            reason = (
                "is a link out of its tree"
                if leads_out(path, output.tree)
                else "was not written by this tool, or not by this version"
            )
            raise not_ours_error([path], reason)
        return header

    def beside(self, recording: Recording, output: Output) -> Iterator[tuple[AnyPath, Header]]:
        """The transcripts of this recording that lie beside it, if its output is elsewhere."""
        folder = recording.path.parent
        if output.folder == folder:
            return
        here = replace(output, folder=folder, tree=recording.tree)
        for place in (here, alternative_output(recording, here)):
            header = self._read(place)
            if header is not None and is_same_recording(header, self._contents.identified(recording, header)):
                yield json_path(place), header

    def leftover_for(self, output: Output) -> Leftover | None:
        """The transcript that `sinks.recover` would move to this output."""
        if (by_target := self._leftovers.get(output.folder)) is None:
            leftovers = find_leftovers(output.folder, self._listings)
            by_target = {leftover.target: leftover for leftover in leftovers if leftover.target}
            self._leftovers[output.folder] = by_target
        return by_target.get(json_path(output))

    def ownerships(
        self, formats: Iterable[str], output: Output, header: Header | None, leftover: Leftover | None
    ) -> dict[str, Ownership]:
        """The ownership of the file of each format except the JSON."""
        listings = self._listings
        info = None if leftover else listings.stat(json_path(output))
        ownerships = {}
        for name in formats:
            path = output.path(name)
            if name == "json":
                continue
            if not listings.holds(path) or (leftover and path in leftover.stale):
                ownerships[name] = Ownership.MISSING
            else:
                ownerships[name] = ownership_of(
                    path, listings.stat(path), header, info.st_mtime_ns if info else 0, listings.digest
                )
        return ownerships

    def other_formats(self, output: Output, header: Header | None, leftover: Leftover | None) -> list[str]:
        """The formats that are not requested, but there: they follow a new transcript, so that none is left of the old one."""
        if header is None:
            return []
        listed = [
            name
            for name in FORMATS.names()
            if name not in self._settings.output_format and listed_for(header.outputs, output.path(name)) is not None
        ]
        ownerships = self.ownerships(listed, output, header, leftover)
        others = [name for name in listed if ownerships.get(name) is Ownership.OURS]
        return [name for name in others if name in FORMATS.installed()]

    def check_no_folders(self, output: Output, formats: Iterable[str]) -> None:
        """Check that no folder has the name of an output.

        Raises:
            OutputRefused: one has.
        """
        for name in formats:
            info = self._listings.stat(output.path(name))
            if info is not None and stat.S_ISDIR(info.st_mode):
                raise OutputRefused(f"{printable(output.path(name).name)} is a folder.", "Move it away, or use --output-dir.")

    def has_leftovers(self, folder: AnyPath) -> bool:
        """Whether the folder contains temporary files or leases."""
        if (result := self._folders_with_leftovers.get(folder)) is None:
            names = self._listings.names(folder)
            result = any(parse_temporary_name(name) or name.endswith(LEASE_SUFFIX) for name in names)
            self._folders_with_leftovers[folder] = result
        return result
