"""The done test, and what follows from it for each recording.

Done means: the JSON is there, its source and fingerprint are today's, and every format asked for is there, subtitles as today's settings
make them. Costs a listing per folder and, for each recording that has a transcript, one read of 4 KiB; in a bucket one listing for all,
and these reads side by side.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from pydantic import ValidationError

from transcribe_cli.errors import OutputRefused, RecordingError, UsageError
from transcribe_cli.formats import CUE_FORMATS
from transcribe_cli.plan.job import Decision, Job, file_version
from transcribe_cli.plan.reasons import spec_changes, subtitle_changes
from transcribe_cli.plan.rttm_files import check_rttm_is_kept, rttm_candidates, with_rttm_digest
from transcribe_cli.settings import Settings
from transcribe_cli.shards import parse_shard
from transcribe_cli.sinks import (
    Assigned,
    Header,
    Leftover,
    Listings,
    Output,
    Ownership,
    alternative_output,
    assign_outputs,
    belongs_to_another,
    find_leftovers,
    is_older,
    json_path,
    not_ours_error,
    other_recording_error,
    ownership_of,
    parse_temporary_name,
)
from transcribe_cli.sources import LEASE_SUFFIX, Recording, json_safe, refresh
from transcribe_cli.spec import DIARIZATION_FIELDS, JobSpec
from transcribe_cli.storage import AnyPath, Location, parse_path
from transcribe_cli.text.printable import printable


def plan(recordings: Iterable[Recording], spec: JobSpec, settings: Settings, listings: Listings | None = None) -> list[Job]:
    """A job for every recording, or for those of the shard, in their order. Takes them all, because names may clash.

    `listings` is what was noted while the recordings were found.

    Raises:
        UsageError: what a manifest says about a recording does not go with the spec.
    """
    everything = list(recordings)
    listings = listings or Listings()
    assigned = assign_outputs(everything, parse_path(settings.output_dir, settings.storage), listings)
    planner = _Planner(spec, settings, listings, frozenset(output for output, _ in assigned))
    shard = parse_shard(settings.shard) if settings.shard else None
    wanted = [
        (recording, place)
        for recording, place in zip(everything, assigned, strict=True)
        if shard is None or shard.contains(os.fsencode(recording.relative.as_posix()))
    ]
    if not settings.trust_names:
        listings.prefetch_headers([json_path(place.output) for _, place in wanted])
        listings.prefetch_digests(_in_doubt((place.output for _, place in wanted), settings.output_format, listings))
    if spec.turns_are_given:
        found = (rttm_candidates(recording, place.output, listings) for recording, place in wanted)
        listings.prefetch_digests(chain.from_iterable(found))
    return [planner.job(recording, place) for recording, place in wanted]


def replan(job: Job, spec: JobSpec, settings: Settings) -> Job:
    """What is to be done with the job's recording by what is on the disk now; where its outputs go stays.

    With `overwrite`, a transcript that was not there when the job was planned is one that somebody else has just made anew.

    Args:
        job: from `plan`.
        spec: the run's own, as given to `plan`.
        settings: the same.
    """
    try:
        recording = refresh(job.recording)
    except OSError:
        return job  # it vanished, which whoever reads it will say
    listings = Listings()
    if not job.spec.turns_are_given:  # which may have another name
        names = [json_path(place).name for place in (job.output, alternative_output(job.recording, job.output))]
        listings.narrow(job.output.folder, os.path.commonprefix(names))  # noqa: RUF071 - names
    if settings.overwrite:
        if file_version(listings.stat(json_path(job.output))) == job.transcript_version:
            return job
        settings = settings.model_copy(update={"overwrite": False})
    return _Planner(spec, settings, listings, frozenset()).job(recording, Assigned(job.output, None))


class _Planner:
    """Decides about one recording after the other, remembering what they share."""

    def __init__(self, spec: JobSpec, settings: Settings, listings: Listings, taken: frozenset[Output]) -> None:
        self._spec = spec
        self._settings = settings
        self._listings = listings
        self._taken = taken
        self._stamp = settings.subtitle_style.stamp
        self._specs: dict[str, tuple[JobSpec, str]] = {}
        self._traces: dict[AnyPath, bool] = {}
        self._leftovers: dict[AnyPath, dict[AnyPath, Leftover]] = {}

    def job(self, recording: Recording, place: Assigned) -> Job:
        """What is to be done with this recording."""
        spec, fingerprint = self._spec_for(recording)
        output = place.output if place.refused else self._where_it_is(recording, place.output)
        if spec.turns_are_given:
            spec = with_rttm_digest(spec, recording, output, self._listings)
            fingerprint = spec.fingerprint
        version = file_version(self._listings.stat(json_path(output)))
        try:
            if (error := recording.problem or place.refused) is not None:
                raise error
            decision, reason, formats = self._decide(recording, spec, fingerprint, output)
        except RecordingError as error:
            return Job(recording, spec, output, Decision.FAIL, error.message, error=error, transcript_version=version)
        has_leftovers = self._has_traces(output.folder)
        duration = self._duration(recording, output) if decision is Decision.DONE else None
        return Job(recording, spec, output, decision, reason, formats, None, version, has_leftovers, duration)

    def _decide(
        self, recording: Recording, spec: JobSpec, fingerprint: str, output: Output
    ) -> tuple[Decision, str, tuple[str, ...]]:
        """Decision, reason and formats.

        Raises:
            OutputRefused: a file that this tool did not write is in the way.
        """
        asked = self._settings.output_format
        if self._settings.trust_names and not self._settings.overwrite and self._has_names(output, asked):
            return Decision.DONE, "done, by its names", ()
        leftover = self._left_by_a_crash(output)
        head = leftover.head if leftover else self._head(recording, output)
        self._no_folders(output, asked)
        if "rttm" in asked:
            check_rttm_is_kept(spec, recording, output, self._listings)
        if self._settings.overwrite:
            return Decision.TRANSCRIBE, "overwrite", asked
        standings = self._standings(output, head, leftover)
        changed = _changed(head, recording, spec, fingerprint)
        not_ours = {Ownership.FOREIGN, Ownership.EDITED} if changed else {Ownership.FOREIGN}
        if in_the_way := [output.path(name) for name, found in standings.items() if found in not_ours]:
            raise not_ours_error(in_the_way)
        if changed and head is not None and _only_speakers(head, recording, spec):
            return Decision.DIARIZE, changed, asked
        if changed:
            return Decision.TRANSCRIBE, changed, asked
        missing = tuple(name for name, found in standings.items() if found is Ownership.MISSING)
        older = self._older(head, output, standings)
        if missing or older or leftover:
            reasons = [
                "left by a crash" if leftover else "",
                f"{', '.join(missing)} missing" if missing else "",
                subtitle_changes(older.values(), self._stamp),
            ]
            return Decision.RENDER, ", ".join(filter(None, reasons)), tuple(name for name in asked if name in {*missing, *older})
        edited = [output.path(name).name for name, found in standings.items() if found is Ownership.EDITED]
        return (
            Decision.DONE,
            f"done ({', '.join(edited)} {'was' if len(edited) == 1 else 'were'} edited)" if edited else "done",
            (),
        )

    def _has_names(self, output: Output, formats: Iterable[str]) -> bool:
        return all(self._listings.holds(output.path(name)) for name in formats)

    def _head(self, recording: Recording, output: Output) -> Header | None:
        """Of the transcript in place, when it is this recording's."""
        path = json_path(output)
        if not self._listings.holds(path):
            return None
        head = self._listings.header(path)
        if head is not None and belongs_to_another(head, recording, output.folder):
            raise other_recording_error(path, head)
        if head is None and not self._settings.overwrite:
            raise not_ours_error([path], "was not written by this tool, or not by this version")
        return head

    def _standings(self, output: Output, head: Header | None, leftover: Leftover | None) -> dict[str, Ownership]:
        """Of each format asked for, apart from the JSON itself."""
        listings = self._listings
        info = None if leftover else listings.stat(json_path(output))
        found = {}
        for name in self._settings.output_format:
            path = output.path(name)
            if name == "json":
                continue
            if not listings.holds(path) or (leftover and path in leftover.stale):
                found[name] = Ownership.MISSING
            else:
                found[name] = ownership_of(path, listings.stat(path), head, info.st_mtime_ns if info else 0, listings.digest)
        return found

    def _older(self, head: Header | None, output: Output, standings: Mapping[str, Ownership]) -> dict[str, str]:
        """The subtitles that were made with other settings than today's, and with which; not those that somebody edited."""
        made = {name: head.subtitles.get(json_safe(output.path(name).name), "") if head else "" for name in standings}
        return {
            name: stamp
            for name, stamp in made.items()
            if name in CUE_FORMATS and standings[name] is Ownership.OURS and stamp != self._stamp
        }

    def _no_folders(self, output: Output, formats: Iterable[str]) -> None:
        for name in formats:
            info = self._listings.stat(output.path(name))
            if info is not None and stat.S_ISDIR(info.st_mode):
                raise OutputRefused(f"{printable(output.path(name).name)} is a folder.", "Move it away, or use --output-dir.")

    def _where_it_is(self, recording: Recording, output: Output) -> Output:
        """The output, or the other of its two names when its transcript has that: another recording of this stem came or went."""
        other = alternative_output(recording, output)
        if other in self._taken or self._listings.holds(json_path(output)) or not self._listings.holds(json_path(other)):
            return output
        head = self._listings.header(json_path(other))
        return other if head and head.identity == recording.identity else output

    def _left_by_a_crash(self, output: Output) -> Leftover | None:
        """The transcript that `sinks.recover` would put in this place."""
        if (by_target := self._leftovers.get(output.folder)) is None:
            found = find_leftovers(output.folder, self._listings)
            by_target = self._leftovers[output.folder] = {leftover.target: leftover for leftover in found if leftover.target}
        return by_target.get(json_path(output))

    def _duration(self, recording: Recording, output: Output) -> float | None:
        """Of a recording that would have to be fetched; its transcript has been read."""
        if not isinstance(recording.path, Location) or self._settings.trust_names:
            return None
        head = self._listings.header(json_path(output))
        return head.duration if head else None

    def _has_traces(self, folder: AnyPath) -> bool:
        """Whether there are temporary files or leases in it."""
        if (found := self._traces.get(folder)) is None:
            names = self._listings.names(folder)
            found = self._traces[folder] = any(parse_temporary_name(name) or name.endswith(LEASE_SUFFIX) for name in names)
        return found

    def _spec_for(self, recording: Recording) -> tuple[JobSpec, str]:
        """The spec of this recording and its fingerprint, which takes longer to make than to look up."""
        key = json.dumps(recording.overrides, sort_keys=True, default=str)
        if (found := self._specs.get(key)) is None:
            try:
                spec = JobSpec.model_validate({**self._spec.model_dump(), **recording.overrides})
            except ValidationError as error:
                message = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise UsageError(f"{printable(recording.name)}: {printable(message)}.", "Its manifest line says so.") from error
            found = self._specs[key] = spec, spec.fingerprint
        return found


def _in_doubt(outputs: Iterable[Output], formats: Sequence[str], listings: Listings) -> Iterator[AnyPath]:
    """Renderings in stores of which only their content tells whether they were edited."""
    for output in outputs:
        transcript = json_path(output)
        if not isinstance(transcript, Location) or (info := listings.stat(transcript)) is None:
            continue
        head = listings.header(transcript)
        for path in (output.path(name) for name in formats if name != "json"):
            there = listings.stat(path)
            if head and there and not is_older(path, there, head, info.st_mtime_ns):
                yield path


def _only_speakers(head: Header, recording: Recording, spec: JobSpec) -> bool:
    """Whether the text of the transcript fits, and what differs is only who said it."""
    before = {name: value for name, value in head.spec.items() if name not in DIARIZATION_FIELDS}
    return head.identity == recording.identity and before == spec.model_copy(update={"diarize": False}).canonical()


def _changed(head: Header | None, recording: Recording, spec: JobSpec, fingerprint: str) -> str | None:
    """Why there is no transcript that fits; None when there is one."""
    if head is None:
        return "new"
    if head.identity != recording.identity:
        return "recording changed"
    if head.fingerprint == fingerprint or (not spec.diarize and _only_speakers(head, recording, spec)):
        return None  # who spoke may be said without being asked for
    return spec_changes(head.spec, spec)
