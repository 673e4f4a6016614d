"""The done test, and the decision that follows from it for each recording.

A recording is done when its JSON exists, the source in it is this recording, everything that somebody set fits it, and every requested
format exists, with subtitles made under the settings that somebody set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import ValidationError

from transcribe_cli.config import OPTION_GROUPS
from transcribe_cli.errors import RecordingError
from transcribe_cli.formats import CUE_FORMATS
from transcribe_cli.plan.contents import Contents, is_same_recording
from transcribe_cli.plan.corrected_files import respect_corrections
from transcribe_cli.plan.existing_files import ExistingFiles
from transcribe_cli.plan.fit import Change, Fit, concern_speakers_only
from transcribe_cli.plan.job import Decision, Job, file_version
from transcribe_cli.plan.reasons import RECORDING_CHANGED, change_reason, done_reason, subtitle_changes
from transcribe_cli.plan.rttm_files import check_rttm_is_kept, with_rttm_digest
from transcribe_cli.registry import FORMATS
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import (
    AssignedOutput,
    Header,
    Leftover,
    Listings,
    Output,
    Ownership,
    json_path,
    link_error,
    listed_for,
    not_ours_error,
)
from transcribe_cli.sources import Recording
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.text.printable import printable
from transcribe_cli.text.verdicts import Assessment


class Planner:
    """Decides for one recording after the other. Caches what the recordings share.

    Args:
        spec: of the run.
        settings: of the run.
        listings: the folders as they are now.
        assigned: the outputs of all recordings of the run.
        contents: compares the content of recordings where their times do not tell.
        own_formats: if nobody set the formats, a recording that has a transcript needs only those that it was rendered to.
    """

    def __init__(
        self,
        spec: JobSpec,
        settings: Settings,
        listings: Listings,
        assigned: frozenset[Output],
        contents: Contents | None = None,
        *,
        own_formats: bool = False,
    ) -> None:
        self._own_formats = own_formats and "output_format" not in settings.model_fields_set
        self._spec = spec
        self._settings = settings
        self._listings = listings
        self._files = ExistingFiles(settings, listings, assigned, contents or Contents(settings.state_dir))
        self._stamp = settings.subtitle_style.stamp
        self._are_subtitles_set = settings.update or not settings.model_fields_set.isdisjoint(OPTION_GROUPS["Subtitles"])
        self._fits: dict[str, Fit] = {}

    def job(self, recording: Recording, assigned: AssignedOutput) -> Job:
        """The job of this recording. It fails if a manifest gives the recording options that contradict the spec."""
        try:
            fit = self._fit_for(recording)
        except RecordingError as invalid:
            return Job(recording, self._spec, assigned.output, Decision.FAIL, invalid.message, error=invalid)
        spec = fit.spec
        if (outside := link_error(assigned.output)) is not None:
            return Job(recording, spec, assigned.output, Decision.FAIL, outside.message, error=outside)
        output = assigned.output if assigned.refused else self._files.existing_output(recording, assigned.output)
        if not self._is_done_by_name(output):
            recording = self._files.identified(recording, output)
        if spec.turns_are_given:
            spec = with_rttm_digest(spec, recording, output, self._listings)
            fit = Fit(spec, update=self._settings.update)
        version = file_version(self._listings.stat(json_path(output)))
        header = None
        try:
            if (error := recording.problem or assigned.refused) is not None:
                raise error
            header = self._header_for(recording, output)
            decision, reason, formats, changes = self._decide(recording, fit, output, header)
        except RecordingError as error:
            job = Job(recording, spec, output, Decision.FAIL, error.message, error=error, transcript_version=version)
            return replace(job, assessment=_assessment(header, recording, Decision.FAIL))
        place = None
        if decision is Decision.TRANSCRIBE and header is None and not self._settings.overwrite:
            place = self._transcript_beside(recording, fit, output)
        if place is not None:
            decision, reason = Decision.RENDER, "from the transcript beside the recording"
        has_leftovers = self._files.has_leftovers(output.folder)
        duration = self._duration(recording, output) if decision is Decision.DONE else None
        assessment = _assessment(header, recording, decision)
        known = (version, has_leftovers, duration, assessment, changes, place)
        job = Job(recording, spec, output, decision, reason, formats, None, *known)
        return respect_corrections(job, header, self._settings, self._listings, lambda at: self._planned_at(recording, at))

    def _planned_at(self, recording: Recording, output: Output) -> Job:
        return self.job(recording, AssignedOutput(output, None))

    def _decide(
        self, recording: Recording, fit: Fit, output: Output, header: Header | None
    ) -> tuple[Decision, str, tuple[str, ...], tuple[Change, ...]]:
        """Decision, reason, formats, and what does not fit.

        Raises:
            OutputRefused: a file that this tool did not write is in the way.
        """
        if self._is_done_by_name(output):
            return Decision.DONE, "done, by file names only", (), ()
        leftover = self._files.leftover_for(output)
        requested = self._requested(output, header)
        self._files.check_no_folders(output, requested)
        if "rttm" in requested:
            check_rttm_is_kept(fit.spec, recording, output, self._listings)
        if self._settings.overwrite:
            return Decision.TRANSCRIBE, "overwrite", (*requested, *self._files.other_formats(output, header, leftover)), ()
        ownerships = self._files.ownerships(requested, output, header, leftover)
        reason, changes = self._change(header, recording, fit)
        if in_the_way := [output.path(name) for name, ownership in ownerships.items() if ownership is Ownership.FOREIGN]:
            raise not_ours_error(in_the_way)
        if reason:
            decision = Decision.DIARIZE if concern_speakers_only(changes) else Decision.TRANSCRIBE
            return decision, reason, (*requested, *self._files.other_formats(output, header, leftover)), changes
        variant = fit.variant(header) if header else ()
        return *self._decide_formats(output, header, leftover, ownerships, variant), ()

    def _requested(self, output: Output, header: Header | None) -> tuple[str, ...]:
        if header is None or not self._own_formats:
            return self._settings.output_format
        return ("json", *(name for name in FORMATS.names() if listed_for(header.outputs, output.path(name)) is not None))

    def _transcript_beside(self, recording: Recording, fit: Fit, output: Output) -> AnyPath | None:
        """The transcript beside the recording, if the output is elsewhere and it fits."""
        fitting = (
            path for path, header in self._files.beside(recording, output) if self._settings.keep or not fit.changes(header)
        )
        return next(fitting, None)

    def _change(self, header: Header | None, recording: Recording, fit: Fit) -> tuple[str, tuple[Change, ...]]:
        """Why the transcript is missing or out of date, and what does not fit; "" when it is up to date."""
        if header is None:
            return "new", ()
        if not is_same_recording(header, recording):
            return RECORDING_CHANGED, ()
        changes = () if self._settings.keep else fit.changes(header)
        return change_reason(changes) if changes else "", changes

    def _decide_formats(
        self,
        output: Output,
        header: Header | None,
        leftover: Leftover | None,
        ownerships: Mapping[str, Ownership],
        variant: Sequence[Change],
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
            formats = tuple(name for name in ("json", *ownerships) if name in {*missing, *outdated})
            return Decision.RENDER, ", ".join(filter(None, reasons)), formats
        edited = [output.path(name).name for name, ownership in ownerships.items() if ownership is Ownership.EDITED]
        return Decision.DONE, done_reason(variant, edited), ()

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
        leftover = self._files.leftover_for(output)
        return leftover.header if leftover else self._files.header(recording, output)

    def _outdated_subtitles(self, header: Header | None, output: Output, ownerships: Mapping[str, Ownership]) -> dict[str, str]:
        """Format and stamp of the subtitles that were made by an earlier version, or with other settings than those that somebody set.

        Edited files are left.
        """
        stamps = {name: (header and listed_for(header.subtitles, output.path(name))) or "" for name in ownerships}
        return {
            name: stamp
            for name, stamp in stamps.items()
            if name in CUE_FORMATS and ownerships[name] is Ownership.OURS and stamp != self._stamp
            if self._are_subtitles_set or not stamp
        }

    def _duration(self, recording: Recording, output: Output) -> float | None:
        """From the transcript, whose header has been read, for a recording that would have to be fetched."""
        if not isinstance(recording.path, Location) or self._settings.trust_names:
            return None
        header = self._listings.header(json_path(output))
        return header.duration if header else None

    def _fit_for(self, recording: Recording) -> Fit:
        """The spec of this recording. Cached, because a fingerprint is slow to compute.

        Raises:
            RecordingError: the options of its line in a manifest contradict the spec.
        """
        key = json.dumps(recording.overrides, sort_keys=True, default=str)
        if (cached := self._fits.get(key)) is None:
            try:
                spec = JobSpec.model_validate({**self._spec.model_dump(exclude_unset=True), **recording.overrides})
            except ValidationError as error:
                message = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise RecordingError(
                    f"{printable(recording.name)}: {printable(message)}.", "Correct its line in the manifest."
                ) from error
            cached = self._fits[key] = Fit(spec, update=self._settings.update)
        return cached


def _assessment(header: Header | None, recording: Recording, decision: Decision) -> Assessment | None:
    """The verdict on the transcript, if it is a transcript of what the recording is now."""
    is_current = decision in (Decision.DONE, Decision.RENDER)
    return header.assessment if header and (is_current or is_same_recording(header, recording)) else None
