"""The names of output files.

The outputs of `aula.mp4` are `aula.json`, `aula.srt`, … in the same folder. If another recording would have outputs of the same names, each
keeps its extension: `aula.mp3.srt`, `aula.mp4.srt`. Names are compared without regard to case and Unicode composition.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from transcribe_cli.errors import OutputRefused
from transcribe_cli.registry import FILE_EXTENSIONS, FORMATS, file_extension
from transcribe_cli.sinks.files import FolderEntry
from transcribe_cli.sinks.listing import Listings
from transcribe_cli.sources import Recording, is_media
from transcribe_cli.storage import AnyPath, below
from transcribe_cli.text.links import FOLLOW_LINKS, Tree, leads_out
from transcribe_cli.text.printable import printable

NAME_BYTES = 255  # maximum length of a file name on ext4, XFS, APFS, NTFS
_SUFFIX_BYTES = len(".TextGrid")  # the longest suffix of an output
_HASH_DIGITS = 8
_EXTENSIONS = frozenset(map(str.casefold, FILE_EXTENSIONS))


@dataclass(frozen=True)
class Output:
    """Where the files of one recording go: each is named `stem` plus a suffix.

    Attributes:
        tree: where the end of the folder's path must be; None in a store, or if links may lead anywhere.
    """

    folder: AnyPath
    stem: str
    tree: Tree | None = field(default=None, compare=False)

    def path(self, format: str) -> AnyPath:
        """The file of a format, such as srt."""
        return self.folder / f"{self.stem}.{file_extension(format)}"

    @property
    def uri(self) -> str:
        """URL of the folder, percent-encoded from its bytes. Links from renderings to the recording are relative to it."""
        return self.folder.absolute().as_uri() if isinstance(self.folder, Path) else self.folder.uri


def link_error(output: Output) -> OutputRefused | None:
    """The error for an output whose folder is reached through a link that leads out of the tree."""
    if not leads_out(output.folder, output.tree):
        return None
    message = f"The folder {printable(str(output.folder))} leads out of its tree through a link, so nothing is written there."
    return OutputRefused(message, f"If you trust where it leads: {FOLLOW_LINKS}")


class AssignedOutput(NamedTuple):
    """The output of a recording, and the error if it must not be written."""

    output: Output
    refused: OutputRefused | None


def json_path(output: Output) -> AnyPath:
    """The path of the transcript."""
    return output.path("json")


def assign_outputs(
    recordings: Sequence[Recording], output_dir: AnyPath | None, listings: Listings | None = None, *, follow_links: bool = False
) -> list[AssignedOutput]:
    """The output of each recording, in order. Needs all recordings of the run at once, because names may clash.

    Links below `output_dir` may only lead out of it with `follow_links`.

    Clashes are searched on the disk and not only among the recordings, so that a name does not depend on the selection of the run.
    With `output_dir`, recordings from two folders may still have the same name: then each is refused with an error that names the other.
    """
    listings = listings or Listings()
    listings.prefetch((recording.root, recording.path.parent) for recording in recordings)
    siblings = _siblings(recordings, listings)
    target = output_dir.absolute() if isinstance(output_dir, Path) else output_dir
    tree = None if follow_links or not isinstance(target, Path) else Tree.at(target)
    outputs = [
        replace(_output(recording, siblings[recording.path.parent], target), tree=tree if target else recording.tree)
        for recording in recordings
    ]
    listings.prefetch((target or recording.root, output.folder) for recording, output in zip(recordings, outputs, strict=True))
    return _without_collisions(recordings, outputs, ignoring_case=target is not None)


def alternative_output(recording: Recording, output: Output) -> Output:
    """The name that the output had, or would have, if another recording of the same stem was added or removed since."""
    whole, stem = shorten_name(recording.path.name), shorten_name(_stem(recording.path.name))
    return replace(output, stem=stem if output.stem == whole else whole)


def default_stem(name: str, folder: AnyPath, listings: Listings) -> str:
    """The stem of the outputs of a recording with this name in this folder, whether it exists or not."""
    recording = Recording(folder / name, folder)
    return _output(recording, _siblings([recording], listings)[folder], None).stem


def shorten_name(stem: str, suffix_bytes: int = _SUFFIX_BYTES) -> str:
    """The stem, cut if needed so that a suffix of `suffix_bytes` fits; the rest is replaced by `~` and 8 digits of its hash."""
    stem = stem.replace("\0", "")  # only in the keys of buckets; such recordings fail
    if len(os.fsencode(stem)) + suffix_bytes <= NAME_BYTES:
        return stem
    digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:_HASH_DIGITS]
    max_bytes = NAME_BYTES - suffix_bytes - len(f"~{digest}")
    short = stem[:max_bytes]
    while len(os.fsencode(short)) > max_bytes:
        short = short[:-1]
    return f"{short}~{digest}"


@dataclass(frozen=True)
class _Siblings:
    """Media files of one folder: their normalized names, and how many share each normalized stem."""

    names: frozenset[str]
    stems: Mapping[str, int]


def _siblings(recordings: Iterable[Recording], listings: Listings) -> dict[AnyPath, _Siblings]:
    """The media files by folder, from the disk. Recordings count whatever their extension."""
    folders: defaultdict[AnyPath, set[str]] = defaultdict(set)
    for recording in recordings:
        folders[recording.path.parent].add(recording.path.name)
    siblings = {}
    for folder, names in folders.items():
        # Entries of unknown type, such as broken symlinks, count as files.
        names |= {name for name, entry in listings.names(folder).items() if is_media(name) and not _is_folder(entry)}
        siblings[folder] = _Siblings(frozenset(map(_normalized, names)), Counter(_normalized(_stem(name)) for name in names))
    return siblings


def _output(recording: Recording, siblings: _Siblings, output_dir: AnyPath | None) -> Output:
    name = recording.path.name
    stem = _stem(name)
    # The second case: the stem of a.mp3.wav is a.mp3, which a.mp3 also uses if it has to keep its extension. The third: audio that is
    # called a.txt would be replaced by its own transcript.
    clashes = siblings.stems[_normalized(stem)] > 1 or (stem != name and _normalized(stem) in siblings.names)
    clashes = clashes or _normalized(name).removeprefix(f"{_normalized(stem)}.") in _EXTENSIONS
    return Output(_folder(recording, output_dir), shorten_name(name if clashes else stem))


def _folder(recording: Recording, output_dir: AnyPath | None) -> AnyPath:
    if output_dir is None:
        return recording.path.parent
    try:
        return below(output_dir, recording.relative.parent)
    except ValueError:  # a key with `..` in a bucket; the recording fails because of it (`Recording.problem`)
        return output_dir


def _without_collisions(
    recordings: Sequence[Recording], outputs: Sequence[Output], *, ignoring_case: bool
) -> list[AssignedOutput]:
    """Refuse outputs that two recordings of the run would write, or that are a recording themselves.

    Next to the recordings, the file system distinguishes `A.mp3.srt` and `a.mp3.srt`, as it does the recordings; an output folder may not.
    """
    recordings_by_key: defaultdict[tuple[str, str], list[Recording]] = defaultdict(list)
    folders = {output.folder for output in outputs}
    real = {folder: os.path.realpath(folder) if isinstance(folder, Path) else folder.uri for folder in folders}
    keys = [(real[output.folder], _normalized(output.stem) if ignoring_case else output.stem) for output in outputs]
    for recording, key in zip(recordings, keys, strict=True):
        if recording.problem is None:
            recordings_by_key[key].append(recording)
    inputs = {recording.path for recording in recordings if recording.path.suffix.removeprefix(".") in FILE_EXTENSIONS}
    return [
        AssignedOutput(output, _collision_error(recording, output, recordings_by_key[key]) or _input_error(output, inputs))
        for recording, output, key in zip(recordings, outputs, keys, strict=True)
    ]


def _input_error(output: Output, inputs: Collection[AnyPath]) -> OutputRefused | None:
    """The error if a file of the output is a recording of the run, which must not be replaced."""
    replaced = next((path for path in map(output.path, FORMATS.names()) if path in inputs), None) if inputs else None
    if replaced is None:
        return None
    return OutputRefused(f"{printable(replaced.name)} is a recording, and would be replaced.", "Use --output-dir, or rename it.")


def _collision_error(recording: Recording, output: Output, candidates: Sequence[Recording]) -> OutputRefused | None:
    other = next((candidate for candidate in candidates if candidate is not recording), None)
    if other is None or recording.problem is not None:
        return None
    message = f"{printable(json_path(output).name)} would also be the transcript of {printable(str(other.path))}."
    return OutputRefused(message, "Give them different output folders, or rename one.")


def _stem(name: str) -> str:
    return Path(name).stem


def _normalized(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _is_folder(entry: FolderEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
