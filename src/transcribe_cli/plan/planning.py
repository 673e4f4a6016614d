"""Plan a run: one job for each recording. Plan a single recording again when its turn comes.

Costs one listing per folder and, for each recording that has a transcript, one read of 4 KiB. In a bucket it is one listing for all
folders, and parallel reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from transcribe_cli.plan.contents import Contents
from transcribe_cli.plan.decide import Planner
from transcribe_cli.plan.job import Job, file_version
from transcribe_cli.plan.rttm_files import rttm_candidates
from transcribe_cli.settings import Settings
from transcribe_cli.shards import parse_shard
from transcribe_cli.sinks import AssignedOutput, Listings, Output, alternative_output, assign_outputs, is_older, json_path
from transcribe_cli.sources import Recording, refresh
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import AnyPath, Location, parse_path


def plan(
    recordings: Iterable[Recording],
    spec: JobSpec,
    settings: Settings,
    listings: Listings | None = None,
    *,
    own_formats: bool = False,
    say: Callable[[str], None] | None = None,
) -> list[Job]:
    """A job for every recording, or for those of the shard, in their order. Needs all recordings, because output names may clash.

    `listings` holds the folders that were listed while the recordings were found; `own_formats` is for `Planner`. `say`
    receives a line if the content of recordings has to be read and this takes long.
    """
    everything = list(recordings)
    listings = listings or Listings()
    output_dir = parse_path(settings.output_dir, settings.storage)
    outputs = assign_outputs(everything, output_dir, listings, follow_links=settings.follow_links)
    contents, names = Contents(settings.state_dir, say), frozenset(output for output, _ in outputs)
    planner = Planner(spec, settings, listings, names, contents, own_formats=own_formats)
    shard = parse_shard(settings.shard) if settings.shard else None
    selected = [
        (recording, assigned)
        for recording, assigned in zip(everything, outputs, strict=True)
        if shard is None or shard.contains(os.fsencode(recording.relative.as_posix()))
    ]
    if not settings.trust_names or settings.fail_on:
        listings.prefetch_headers([json_path(assigned.output) for _, assigned in selected])
        listings.prefetch_digests(
            _uncertain_renderings((assigned.output for _, assigned in selected), settings.output_format, listings)
        )
    if spec.turns_are_given:
        candidates = (rttm_candidates(recording, assigned.output, listings) for recording, assigned in selected)
        listings.prefetch_digests(chain.from_iterable(candidates))
    return [planner.job(recording, assigned) for recording, assigned in selected]


def replan(job: Job, spec: JobSpec, settings: Settings) -> Job:
    """The job of the same recording by the files that exist now. Its outputs keep their names.

    With `overwrite`, a transcript that did not exist when the job was planned counts as new, because another run has just written it.

    Args:
        job: from `plan`.
        spec: of the run, as passed to `plan`.
        settings: as passed to `plan`.
    """
    try:
        recording = refresh(job.recording)
    except OSError:
        return job  # the recording is gone; reading it raises the error
    listings = Listings()
    if not job.spec.turns_are_given:  # an RTTM file may have another name
        names = [json_path(output).name for output in (job.output, alternative_output(job.recording, job.output))]
        listings.list_prefix(job.output.folder, os.path.commonprefix(names))  # noqa: RUF071 - names
    if settings.overwrite:
        if file_version(listings.stat(json_path(job.output))) == job.transcript_version:
            return job
        settings = settings.model_copy(update={"overwrite": False})
    return Planner(spec, settings, listings, frozenset()).job(recording, AssignedOutput(job.output, None))


def _uncertain_renderings(outputs: Iterable[Output], formats: Sequence[str], listings: Listings) -> Iterator[AnyPath]:
    """Renderings in stores for which only the content shows whether they were edited."""
    for output in outputs:
        transcript = json_path(output)
        if not isinstance(transcript, Location) or (info := listings.stat(transcript)) is None:
            continue
        header = listings.header(transcript)
        for path in (output.path(name) for name in formats if name != "json"):
            rendering = listings.stat(path)
            if header and rendering and not is_older(path, rendering, header, info.st_mtime_ns):
                yield path
