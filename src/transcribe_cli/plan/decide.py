"""The done test, and the decision that follows from it for each recording.

A recording is done when its JSON exists, source and fingerprint in it match, and every requested format exists, with subtitles made under
the current settings.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pydantic import ValidationError

from transcribe_cli.errors import OutputRefused, RecordingError
from transcribe_cli.formats import CUE_FORMATS
from transcribe_cli.plan.corrected_files import respect_corrections
from transcribe_cli.plan.job import Decision, Job, file_version
from transcribe_cli.plan.reasons import spec_changes, subtitle_changes
from transcribe_cli.plan.rttm_files import check_rttm_is_kept, with_rttm_digest
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import (
    AssignedOutput,
    Header,
    Leftover,
    Listings,
    Output,
    Ownership,
    alternative_output,
    belongs_to_another,
    find_leftovers,
    json_path,
    link_error,
    not_ours_error,
    other_recording_error,
    ownership_of,
    parse_temporary_name,
)
from transcribe_cli.sources import LEASE_SUFFIX, Recording, json_safe
from transcribe_cli.spec import DIARIZATION_FIELDS, JobSpec
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.text.links import leads_out
from transcribe_cli.text.printable import printable
from transcribe_cli.text.verdicts import Assessment


class Planner:
    """Decides for one recording after the other. Caches what the recordings share.

    Args:
        spec: of the run.
        settings: of the run.
        listings: the folders as they are now.
        assigned: the outputs of all recordings of the run.
    """

    def __init__(self, spec: JobSpec, settings: Settings, listings: Listings, assigned: frozenset[Output]) -> None:
        self._spec = spec
        self._settings = settings
        self._listings = listings
        self._assigned = assigned
        self._stamp = settings.subtitle_style.stamp
        self._specs: dict[str, tuple[JobSpec, str]] = {}
        self._folders_with_leftovers: dict[AnyPath, bool] = {}
        self._leftovers: dict[AnyPath, dict[AnyPath, Leftover]] = {}

    def job(self, recording: Recording, assigned: AssignedOutput) -> Job:
        """The job of this recording. It fails if a manifest gives the recording options that contradict the spec."""
        try:
            spec, fingerprint = self._spec_for(recording)
        except RecordingError as invalid:
            return Job(recording, self._spec, assigned.output, Decision.FAIL, invalid.message, error=invalid)
        if (outside := link_error(assigned.output)) is not None:
            return Job(recording, spec, assigned.output, Decision.FAIL, outside.message, error=outside)
        output = assigned.output if assigned.refused else self._existing_output(recording, assigned.output)
        if spec.turns_are_given:
            spec = with_rttm_digest(spec, recording, output, self._listings)
            fingerprint = spec.fingerprint
        version = file_version(self._listings.stat(json_path(output)))
        header = None
        try:
            if (error := recording.problem or assigned.refused) is not None:
                raise error
            header = self._header_for(recording, output)
            decision, reason, formats = self._decide(recording, spec, fingerprint, output, header)
        except RecordingError as error:
            job = Job(recording, spec, output, Decision.FAIL, error.message, error=error, transcript_version=version)
            return replace(job, assessment=_assessment(header, recording, Decision.FAIL))
        has_leftovers = self._has_leftovers(output.folder)
        duration = self._duration(recording, output) if decision is Decision.DONE else None
        assessment = _assessment(header, recording, decision)
        job = Job(recording, spec, output, decision, reason, formats, None, version, has_leftovers, duration, assessment)
        return respect_corrections(job, header, self._settings, self._listings, lambda at: self._planned_at(recording, at))

    def _planned_at(self, recording: Recording, output: Output) -> Job:
        return self.job(recording, AssignedOutput(output, None))

    def _decide(
        self, recording: Recording, spec: JobSpec, fingerprint: str, output: Output, header: Header | None
    ) -> tuple[Decision, str, tuple[str, ...]]:
        """Decision, reason and formats.

        Raises:
            OutputRefused: a file that this tool did not write is in the way.
        """
        requested = self._settings.output_format
        if self._is_done_by_name(output):
            return Decision.DONE, "done, by file names only", ()
        leftover = self._leftover_for(output)
        self._check_no_folders(output, requested)
        if "rttm" in requested:
            check_rttm_is_kept(spec, recording, output, self._listings)
        if self._settings.overwrite:
            return Decision.TRANSCRIBE, "overwrite", requested
        ownerships = self._ownerships(output, header, leftover)
        change = _change(header, recording, spec, fingerprint)
        if in_the_way := [output.path(name) for name, ownership in ownerships.items() if ownership is Ownership.FOREIGN]:
            raise not_ours_error(in_the_way)
        if change and header is not None and _differs_in_speakers_only(header, recording, spec):
            return Decision.DIARIZE, change, requested
        if change:
            return Decision.TRANSCRIBE, change, requested
        return self._decide_formats(output, header, leftover, ownerships)

    def _decide_formats(
        self, output: Output, header: Header | None, leftover: Leftover | None, ownerships: Mapping[str, Ownership]
    ) -> tuple[Decision, str, tuple[str, ...]]:
        """Decision, reason and formats for a recording whose transcript is up to date."""
        missing = tuple(name for name, ownership in ownerships.items() if ownership is Ownership.MISSING)
        outdated = self._outdated_subtitles(header, output, ownerships)
        if missing or outdated or leftover:
            reasons = [
                "left by a crash" if leftover else "",
                f"{', '.join(missing)} missing" if missing else "",
                subtitle_changes(outdated.values(), self._stamp),
            ]
            formats = tuple(name for name in self._settings.output_format if name in {*missing, *outdated})
            return Decision.RENDER, ", ".join(filter(None, reasons)), formats
        edited = [output.path(name).name for name, ownership in ownerships.items() if ownership is Ownership.EDITED]
        if edited:
            return Decision.DONE, f"done ({', '.join(edited)} {'was' if len(edited) == 1 else 'were'} edited)", ()
        return Decision.DONE, "done", ()

    def _is_done_by_name(self, output: Output) -> bool:
        settings = self._settings
        return (
            settings.trust_names
            and not settings.overwrite
            and all(self._listings.holds(output.path(name)) for name in settings.output_format)
        )

    def _header_for(self, recording: Recording, output: Output) -> Header | None:
        """The header of the transcript that is there, or that a crash left behind.

        Raises:
            OutputRefused: as `_header`.
        """
        if self._is_done_by_name(output):  # only its verdict may matter
            return self._listings.header(json_path(output)) if self._settings.fail_on else None
        leftover = self._leftover_for(output)
        return leftover.header if leftover else self._header(recording, output)

    def _header(self, recording: Recording, output: Output) -> Header | None:
        """The header of the existing transcript, if it belongs to this recording.

        Raises:
            OutputRefused: the file is the transcript of another recording, or not a transcript of this tool.
        """
        path = json_path(output)
        if not self._listings.holds(path):
            return None
        is_outside = leads_out(path, output.tree)
        header = None if is_outside else self._listings.header(path)
        if header is not None and belongs_to_another(header, recording, output.folder):
            raise other_recording_error(path, header)
        if header is None and not self._settings.overwrite:
            reason = "is a link out of its tree" if is_outside else "was not written by this tool, or not by this version"
            raise not_ours_error([path], reason)
        return header

    def _ownerships(self, output: Output, header: Header | None, leftover: Leftover | None) -> dict[str, Ownership]:
        """The ownership of the file of each requested format except the JSON."""
        listings = self._listings
        info = None if leftover else listings.stat(json_path(output))
        ownerships = {}
        for name in self._settings.output_format:
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

    def _outdated_subtitles(self, header: Header | None, output: Output, ownerships: Mapping[str, Ownership]) -> dict[str, str]:
        """Format and stamp of the subtitles that were made with other settings than the current ones, except edited files."""
        stamps = {name: header.subtitles.get(json_safe(output.path(name).name), "") if header else "" for name in ownerships}
        return {
            name: stamp
            for name, stamp in stamps.items()
            if name in CUE_FORMATS and ownerships[name] is Ownership.OURS and stamp != self._stamp
        }

    def _check_no_folders(self, output: Output, formats: Iterable[str]) -> None:
        for name in formats:
            info = self._listings.stat(output.path(name))
            if info is not None and stat.S_ISDIR(info.st_mode):
                raise OutputRefused(f"{printable(output.path(name).name)} is a folder.", "Move it away, or use --output-dir.")

    def _existing_output(self, recording: Recording, output: Output) -> Output:
        """The output, or its alternative if the transcript has that name: another recording of this stem was added or removed."""
        other = alternative_output(recording, output)
        if alternative_output(recording, other).stem != output.stem:
            return output  # beside a corrected one
        if other in self._assigned or self._listings.holds(json_path(output)) or not self._listings.holds(json_path(other)):
            return output
        header = None if leads_out(json_path(other), other.tree) else self._listings.header(json_path(other))
        return other if header and header.identity == recording.identity else output

    def _leftover_for(self, output: Output) -> Leftover | None:
        """The transcript that `sinks.recover` would move to this output."""
        if (by_target := self._leftovers.get(output.folder)) is None:
            leftovers = find_leftovers(output.folder, self._listings)
            by_target = {leftover.target: leftover for leftover in leftovers if leftover.target}
            self._leftovers[output.folder] = by_target
        return by_target.get(json_path(output))

    def _duration(self, recording: Recording, output: Output) -> float | None:
        """From the transcript, whose header has been read, for a recording that would have to be fetched."""
        if not isinstance(recording.path, Location) or self._settings.trust_names:
            return None
        header = self._listings.header(json_path(output))
        return header.duration if header else None

    def _has_leftovers(self, folder: AnyPath) -> bool:
        """Whether the folder contains temporary files or leases."""
        if (result := self._folders_with_leftovers.get(folder)) is None:
            names = self._listings.names(folder)
            result = any(parse_temporary_name(name) or name.endswith(LEASE_SUFFIX) for name in names)
            self._folders_with_leftovers[folder] = result
        return result

    def _spec_for(self, recording: Recording) -> tuple[JobSpec, str]:
        """The spec of this recording and its fingerprint. Cached, because a fingerprint is slow to compute."""
        key = json.dumps(recording.overrides, sort_keys=True, default=str)
        if (cached := self._specs.get(key)) is None:
            try:
                spec = JobSpec.model_validate({**self._spec.model_dump(), **recording.overrides})
            except ValidationError as error:
                message = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise RecordingError(
                    f"{printable(recording.name)}: {printable(message)}.", "Correct its line in the manifest."
                ) from error
            cached = self._specs[key] = spec, spec.fingerprint
        return cached


def _differs_in_speakers_only(header: Header, recording: Recording, spec: JobSpec) -> bool:
    """Whether the text of the transcript is up to date and only its speakers may differ."""
    spec_of_text = {name: value for name, value in header.spec.items() if name not in DIARIZATION_FIELDS}
    return header.identity == recording.identity and spec_of_text == spec.model_copy(update={"diarize": False}).canonical()


def _assessment(header: Header | None, recording: Recording, decision: Decision) -> Assessment | None:
    """The verdict on the transcript, if it is a transcript of what the recording is now."""
    is_current = decision in (Decision.DONE, Decision.RENDER)
    return header.assessment if header and (is_current or header.identity == recording.identity) else None


def _change(header: Header | None, recording: Recording, spec: JobSpec, fingerprint: str) -> str | None:
    """Why the transcript is missing or out of date; None when it is up to date."""
    if header is None:
        return "new"
    if header.identity != recording.identity:
        return "recording changed"
    if header.fingerprint == fingerprint or (not spec.diarize and _differs_in_speakers_only(header, recording, spec)):
        return None  # speakers in a transcript do no harm if none are requested
    return spec_changes(header.spec, spec)
