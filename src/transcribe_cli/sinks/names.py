"""Which files a recording's transcript goes to.

`aula.mp4` gives `aula.json`, `aula.srt`, … in the same folder. Where another recording would give the same names, each keeps its
extension: `aula.mp3.srt`, `aula.mp4.srt`. Names are compared as file systems that ignore case and composition would.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from transcribe_cli.errors import OutputRefused
from transcribe_cli.registry import file_extension
from transcribe_cli.sinks.files import Listed
from transcribe_cli.sinks.listing import Listings
from transcribe_cli.sources import Recording, is_media
from transcribe_cli.storage import AnyPath
from transcribe_cli.text.printable import printable

NAME_BYTES = 255  # of a file name: ext4, XFS, APFS, NTFS allow no more
_ENDING_BYTES = len(".TextGrid")  # the longest of our endings
_HASH_DIGITS = 8


@dataclass(frozen=True)
class Output:
    """Where the files of one recording go: all are called `stem` and an ending."""

    folder: AnyPath
    stem: str

    def path(self, format: str) -> AnyPath:
        """The file of a format, such as srt."""
        return self.folder / f"{self.stem}.{file_extension(format)}"

    @property
    def uri(self) -> str:
        """URL of the folder, percent-encoded from its bytes: from there renderings link to their recording."""
        return self.folder.absolute().as_uri() if isinstance(self.folder, Path) else self.folder.uri


class Assigned(NamedTuple):
    """A recording's output, and why it must not be written to, if so."""

    output: Output
    refused: OutputRefused | None


def json_path(output: Output) -> AnyPath:
    """The transcript itself."""
    return output.path("json")


def assign_outputs(
    recordings: Sequence[Recording], output_dir: AnyPath | None, listings: Listings | None = None
) -> list[Assigned]:
    """The output of each recording, in their order. Every recording of the run must be given at once, because names may clash.

    Clashes are looked for on the disk and not only among the recordings, so that a name does not depend on what a run includes.
    With `output_dir`, two folders may still want one name there: then each is refused, naming the other.
    """
    listings = listings or Listings()
    listings.prefetch((recording.root, recording.path.parent) for recording in recordings)
    siblings = _siblings(recordings, listings)
    target = output_dir.absolute() if isinstance(output_dir, Path) else output_dir
    outputs = [_output(recording, siblings[recording.path.parent], target) for recording in recordings]
    listings.prefetch((target or recording.root, output.folder) for recording, output in zip(recordings, outputs, strict=True))
    return _without_collisions(recordings, outputs, ignoring_case=target is not None)


def alternative_output(recording: Recording, output: Output) -> Output:
    """The name it had, or would have, when another recording of the same stem came or went since."""
    whole, stem = shorten_name(recording.path.name), shorten_name(_stem(recording.path.name))
    return Output(output.folder, stem if output.stem == whole else whole)


def own_stem(name: str, folder: AnyPath, listings: Listings) -> str:
    """The stem that a recording of this name has in this folder, be it there or not."""
    recording = Recording(folder / name, folder)
    return _output(recording, _siblings([recording], listings)[folder], None).stem


def shorten_name(stem: str, more_bytes: int = _ENDING_BYTES) -> str:
    """The stem, or so much of it that an ending (or so many bytes) fits, with `~` and 8 digits of its hash for the rest."""
    if len(os.fsencode(stem)) + more_bytes <= NAME_BYTES:
        return stem
    digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:_HASH_DIGITS]
    room = NAME_BYTES - more_bytes - len(f"~{digest}")
    short = stem[:room]
    while len(os.fsencode(short)) > room:
        short = short[:-1]
    return f"{short}~{digest}"


@dataclass(frozen=True)
class _Siblings:
    """Media files of one folder: their folded names, and how many share each folded stem."""

    names: frozenset[str]
    stems: Mapping[str, int]


def _siblings(recordings: Iterable[Recording], listings: Listings) -> dict[AnyPath, _Siblings]:
    """By folder, from the disk; recordings count whatever their extension."""
    folders: defaultdict[AnyPath, set[str]] = defaultdict(set)
    for recording in recordings:
        folders[recording.path.parent].add(recording.path.name)
    siblings = {}
    for folder, names in folders.items():
        # What cannot be told to be a folder, such as a broken symlink, counts as a file.
        names |= {name for name, entry in listings.names(folder).items() if is_media(name) and not _is_folder(entry)}
        siblings[folder] = _Siblings(frozenset(map(_folded, names)), Counter(_folded(_stem(name)) for name in names))
    return siblings


def _output(recording: Recording, siblings: _Siblings, output_dir: AnyPath | None) -> Output:
    name = recording.path.name
    stem = _stem(name)
    # The second case: a.mp3.wav would give a.mp3, which a.mp3 gives when it has to keep its extension.
    shared = siblings.stems[_folded(stem)] > 1 or (stem != name and _folded(stem) in siblings.names)
    folder = recording.path.parent if output_dir is None else output_dir / recording.relative.parent
    return Output(folder, shorten_name(name if shared else stem))


def _without_collisions(recordings: Sequence[Recording], outputs: Sequence[Output], *, ignoring_case: bool) -> list[Assigned]:
    """Refuse outputs that two recordings of the run would write.

    Beside the recordings the file system itself tells `A.mp3.srt` from `a.mp3.srt`; that of an output folder may not.
    """
    takers: defaultdict[tuple[str, str], list[Recording]] = defaultdict(list)
    folders = {output.folder for output in outputs}
    real = {folder: os.path.realpath(folder) if isinstance(folder, Path) else folder.uri for folder in folders}
    keys = [(real[output.folder], _folded(output.stem) if ignoring_case else output.stem) for output in outputs]
    for recording, key in zip(recordings, keys, strict=True):
        if recording.problem is None:
            takers[key].append(recording)
    return [
        Assigned(output, _refusal(recording, output, takers[key]))
        for recording, output, key in zip(recordings, outputs, keys, strict=True)
    ]


def _refusal(recording: Recording, output: Output, takers: Sequence[Recording]) -> OutputRefused | None:
    other = next((taker for taker in takers if taker is not recording), None)
    if other is None or recording.problem is not None:
        return None
    message = f"{printable(json_path(output).name)} would also be the transcript of {printable(str(other.path))}."
    return OutputRefused(message, "Give them different output folders, or rename one.")


def _stem(name: str) -> str:
    return Path(name).stem


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _is_folder(entry: Listed) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
