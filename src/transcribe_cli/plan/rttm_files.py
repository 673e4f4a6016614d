"""Which RTTM file says who speaks in a recording, where the spec wants the turns that the user has already.

For `aula.mp3` it is `aula.mp3.rttm` or `aula.rttm`, next to its transcript or next to the recording itself. The tool writes files of
such names too, with `--output-format rttm`: one that is still as a transcript beside it lists it in `outputs` says only what some
diarizer found, and is passed over. One that was edited since holds the turns of whoever edited it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from transcribe_cli.errors import DiarizationFailed, OutputRefused
from transcribe_cli.sinks import Listings, Output
from transcribe_cli.sources import Recording, json_safe
from transcribe_cli.spec import RTTM, JobSpec
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.text.printable import printable

_SUFFIX = ".rttm"
_DIGITS = 16  # of the file's SHA-256, as many as a fingerprint has


def find_rttm(recording: Recording, output: Output, listings: Listings) -> AnyPath:
    """The file with the turns of a recording whose transcript goes to `output`.

    Raises:
        DiarizationFailed: there is none, or only one that this tool wrote itself; the message names it.
    """
    ours: AnyPath | None = None
    for path in rttm_candidates(recording, output, listings):
        if not _written_by_us(path, listings):
            return path
        ours = ours or path
    if ours is not None:
        message = f"{printable(ours.name)} was written by this tool itself."
        raise DiarizationFailed(
            message, f"Put yours into {printable(recording.path.name)}{_SUFFIX}, or correct them in that file."
        )
    wanted = printable(str(recording.path.with_name(f"{recording.path.stem}{_SUFFIX}")))
    where = "" if _lists(recording.path.parent) else " Web servers are not asked for it: put it next to the transcript."
    raise DiarizationFailed(f"There is no {wanted}.", f"It is to hold the turns of this recording.{where}")


def with_rttm_digest(spec: JobSpec, recording: Recording, output: Output, listings: Listings) -> JobSpec:
    """The spec, which names the content of the recording's RTTM file where it wants its turns: other turns are another job."""
    if spec.turns_are_given:
        with suppress(DiarizationFailed):  # the run says so, once the text is there
            digest = listings.digest(find_rttm(recording, output, listings)) or ""
            return spec.model_copy(update={"diarize_model": f"{RTTM}:{digest[:_DIGITS]}"})
    return spec


def check_rttm_is_kept(spec: JobSpec, recording: Recording, output: Output, listings: Listings) -> None:
    """That the RTTM output of a recording would not replace the turns that it is given, whatever else may be overwritten.

    Raises:
        OutputRefused: it would.
    """
    if not spec.turns_are_given:
        return
    with suppress(DiarizationFailed):
        path = find_rttm(recording, output, listings)
        if path == output.path("rttm"):
            message = f"{printable(path.name)} holds the turns that this recording is given, and is never written over."
            raise OutputRefused(message, "Leave rttm out of --output-format, or use --output-dir.")


def rttm_candidates(recording: Recording, output: Output, listings: Listings) -> Iterator[AnyPath]:
    """Those that are there, what counts more first."""
    path = recording.path
    for folder in dict.fromkeys((output.folder, path.parent)):
        for name in (path.name, path.stem):
            with suppress(OSError, ValueError):  # too long a name, a folder that may not be searched
                file = folder / f"{name}{_SUFFIX}"
                if _lists(folder) and listings.holds(file) if isinstance(file, Location) else file.is_file():
                    yield file


def _lists(folder: AnyPath) -> bool:
    return not isinstance(folder, Location) or folder.store.kind.can_list


def _written_by_us(path: AnyPath, listings: Listings) -> bool:
    """Whether the transcript of the same name lists the file as it is."""
    head = listings.header(path.with_name(f"{path.stem}.json"))
    listed = head.outputs.get(json_safe(path.name)) if head else None
    return listed is not None and listed == listings.digest(path)
