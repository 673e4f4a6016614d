"""Find the RTTM file with the speaker turns of a recording, when the spec takes them from the user instead of a diarizer.

For `aula.mp3` it is `aula.mp3.rttm` or `aula.rttm`, next to the transcript or next to the recording. The tool writes files with these
names, too, with `--output-format rttm`. A file that still has the digest listed in the `outputs` of its transcript is such an output of
some diarizer, and is ignored. A file that was edited since then counts as the user's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from transcribe_cli.errors import DiarizationFailed, OutputRefused
from transcribe_cli.sinks import Listings, Output
from transcribe_cli.sources import Recording, json_safe
from transcribe_cli.spec import RTTM, JobSpec
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.text.links import FOLLOW_LINKS, leads_out
from transcribe_cli.text.printable import printable

_SUFFIX = ".rttm"
_DIGITS = 16  # of the file's SHA-256; a fingerprint has as many


def find_rttm(recording: Recording, output: Output, listings: Listings) -> AnyPath:
    """The file with the speaker turns of a recording whose transcript goes to `output`.

    Raises:
        DiarizationFailed: there is none, or only one that this tool wrote, or it is a link out of its tree; the message names it.
    """
    written_by_us: AnyPath | None = None
    for path in rttm_candidates(recording, output, listings):
        if leads_out(path, output.tree if path.parent == output.folder else recording.tree):
            message = f"{printable(path.name)} is a link out of its tree, so it is not read."
            raise DiarizationFailed(message, f"If you trust where it leads: {FOLLOW_LINKS}")
        if not _is_written_by_us(path, listings):
            return path
        written_by_us = written_by_us or path
    if written_by_us is not None:
        message = f"{printable(written_by_us.name)} was written by this tool."
        raise DiarizationFailed(
            message, f"Put your speaker turns into {printable(recording.path.name)}{_SUFFIX}, or edit that file."
        )
    expected = printable(str(recording.path.with_name(f"{recording.path.stem}{_SUFFIX}")))
    hint = "" if _can_list(recording.path.parent) else " Web servers are not searched: put it next to the transcript."
    raise DiarizationFailed(f"There is no {expected}.", f"Create it with the speaker turns of this recording.{hint}")


def with_rttm_digest(spec: JobSpec, recording: Recording, output: Output, listings: Listings) -> JobSpec:
    """The spec with the digest of the recording's RTTM file, so that other turns change the fingerprint."""
    if spec.turns_are_given:
        with suppress(DiarizationFailed):  # the run reports it after the recognition
            digest = listings.digest(find_rttm(recording, output, listings)) or ""
            return spec.model_copy(update={"diarize_model": f"{RTTM}:{digest[:_DIGITS]}"})
    return spec


def check_rttm_is_kept(spec: JobSpec, recording: Recording, output: Output, listings: Listings) -> None:
    """Check that the RTTM output would not replace the RTTM input of the recording, even with `overwrite`.

    Raises:
        OutputRefused: it would.
    """
    if not spec.turns_are_given:
        return
    with suppress(DiarizationFailed):
        path = find_rttm(recording, output, listings)
        if path == output.path("rttm"):
            message = f"{printable(path.name)} is the RTTM input of this recording, and is never overwritten."
            raise OutputRefused(message, "Leave rttm out of --output-format, or use --output-dir.")


def rttm_candidates(recording: Recording, output: Output, listings: Listings) -> Iterator[AnyPath]:
    """The existing RTTM files, in order of precedence."""
    path = recording.path
    for folder in dict.fromkeys((output.folder, path.parent)):
        for name in (path.name, path.stem):
            with suppress(OSError, ValueError):  # the name is too long, or the folder may not be searched
                file = folder / f"{name}{_SUFFIX}"
                if _can_list(folder) and listings.holds(file) if isinstance(file, Location) else file.is_file():
                    yield file


def _can_list(folder: AnyPath) -> bool:
    return not isinstance(folder, Location) or folder.store.kind.can_list


def _is_written_by_us(path: AnyPath, listings: Listings) -> bool:
    """Whether the transcript of the same name lists the file with its current digest."""
    header = listings.header(path.with_name(f"{path.stem}.json"))
    listed = header.outputs.get(json_safe(path.name)) if header else None
    return listed is not None and listed == listings.digest(path)
