"""Render other formats from existing transcripts: find the transcripts, name their speakers, write the files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from transcribe_cli import sinks
from transcribe_cli.errors import OutputRefused, SourceNotFound, TranscribeError
from transcribe_cli.formats import render_bytes, speaker_names
from transcribe_cli.plan import Job
from transcribe_cli.registry import FORMATS
from transcribe_cli.sinks.atomic import storage_errors
from transcribe_cli.sources import Recording, find_recordings, is_media, json_safe, refresh
from transcribe_cli.sources.patterns import Filter
from transcribe_cli.sources.walk import walk
from transcribe_cli.storage import (
    AnyPath,
    Location,
    Options,
    below,
    bind_to_sources,
    is_single_name,
    is_url,
    locate,
    relative_path,
    ssh,
)
from transcribe_cli.subtitles.standards import DEFAULT_STYLE, SubtitleStyle
from transcribe_cli.text.links import Links, Tree, leads_out
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Transcript


@dataclass(frozen=True)
class TranscriptFile:
    """A transcript on a disk or in a store.

    Attributes:
        root: the folder that the user named; `output_dir` mirrors the tree below it.
        tree: where links beside it must stay; None in a store, or if they may lead anywhere.
    """

    path: AnyPath
    root: AnyPath
    tree: Tree | None = None

    def read(self) -> Transcript:
        """The document.

        Raises:
            Unreadable, TranscribeError: it cannot be read, or is not a transcript of this tool.
        """
        return sinks.read_transcript(self.path)

    def with_speaker_names(self, names: Mapping[str, str]) -> Transcript:
        """The document with speaker names: its own, then those in files next to it or to its recording, then `names`.

        Raises:
            Unreadable, TranscribeError: as for `read`.
            ConfigError: an invalid file of speaker names.
        """
        return self._add_names(self.read(), names)

    def write(
        self,
        formats: Sequence[str],
        output_dir: AnyPath | None,
        names: Mapping[str, str],
        *,
        overwrite: bool,
        replace_corrected: bool = False,
        subtitles: SubtitleStyle = DEFAULT_STYLE,
    ) -> list[str]:
        """Write the formats next to the transcript, or below `output_dir`. Returns the names of the files.

        Next to the transcript, new speaker names are also stored in the transcript, and formats that were rendered before are rendered
        again with them. With `output_dir`, the transcript is not changed.

        Raises:
            ConfigError: an invalid file of speaker names; nothing is written.
            OutputRefused: an existing file was not written by this tool.
            StorageNotReady: the disk is full or read-only.
        """
        original = self.read()
        transcript = self._add_names(original, names)
        if output_dir is None:
            output = sinks.Output(self.path.parent, self.path.stem, self.tree)
            if transcript.speaker_names != original.speaker_names:
                formats = list(dict.fromkeys([*formats, *_existing_formats(output, original), "json"]))
            formats = list(dict.fromkeys([*formats, *self._outdated_by_correction(output)]))
            rendered = {name: render_bytes(name, transcript, subtitles, output.uri) for name in formats}
            if transcript.speaker_names != original.speaker_names:
                self._replace(transcript)
            sinks.add_renderings(
                output, transcript, rendered, stamp=subtitles.stamp, overwrite=overwrite, replace_corrected=replace_corrected
            )
        else:
            tree = Tree.at(output_dir) if self.tree is not None and isinstance(output_dir, Path) else None
            output = sinks.Output(below(output_dir, relative_path(self.path.parent, self.root)), self.path.stem, tree)
            if (error := sinks.link_error(output)) is not None:
                raise error
            for name, data in {name: render_bytes(name, transcript, subtitles, output.uri) for name in formats}.items():
                _export(output.path(name), data, tree, overwrite=overwrite)
        return [output.path(name).name for name in formats]

    def _outdated_by_correction(self, output: sinks.Output) -> list[str]:
        """The formats that were made before the text was corrected by hand."""
        header, status = sinks.read_header(self.path), sinks.files_of(self.path).status(self.path)
        if header is None or status is None or not sinks.is_correction_new(self.path, header, status):
            return []
        return sinks.listed_formats(output, header)

    def _add_names(self, transcript: Transcript, names: Mapping[str, str]) -> Transcript:
        if not transcript.speakers:
            return transcript
        paths = [*_recording_path(transcript, self.path), self.path]
        trees = [self.tree and Tree.at(path.parent) for path in paths[:-1] if isinstance(path, Path)]
        found = speaker_names.read_name_files(*paths, labels=transcript.speakers, trees=[*trees, self.tree])
        return speaker_names.add_names(transcript, found | dict(names))

    def _replace(self, transcript: Transcript) -> None:
        """Replace the document. It keeps its modification time, so that renderings edited since are still recognized as edited."""
        files = sinks.files_of(self.path)
        with storage_errors(self.path):
            data = transcript.dumps().encode("utf-8", "backslashreplace")
            files.publish(files.stage(self.path.parent, data, sinks.modified_ns(self.path)), self.path, data)


def check_labels(names: Mapping[str, str], files: Iterable[TranscriptFile]) -> None:
    """Check that each label belongs to a speaker in one of the transcripts. Reads only as many transcripts as needed.

    Raises:
        ConfigError: a label belongs to no speaker, so that its name would be ignored silently.
    """
    labels: set[str] = set()
    for file in files:
        if labels >= names.keys():
            return
        with suppress(TranscribeError):  # reported when it is rendered
            labels.update(file.read().speakers)
    speaker_names.check_labels_exist(names, labels, f"{speaker_names.OPTION} names")


def find_transcripts(
    sources: Sequence[str], storage: Options | None = None, links: Links | None = None
) -> Iterator[TranscriptFile]:
    """Find the transcripts of the sources: JSON files, folders of them, or the recordings that they belong to.

    Args:
        sources: paths or URLs.
        storage: options of the stores behind URLs.
        links: whether links below a source may lead out of it; receives those that are not followed. Default: they may not.

    Raises:
        SourceNotFound: a source does not exist, or a recording has no transcript.
        NotReady: a store cannot be used.
    """
    links = links or Links()
    for source in sources:
        if is_url(source):
            yield from _in_store(source, storage or {}, links)
            continue
        path = Path(source)
        if path.is_dir():
            yield from _in_folder(path, links)
        elif path.suffix == ".json" and path.exists():
            yield TranscriptFile(path, path.parent, links.tree(path.parent, named=path))
        else:
            yield from _of_recordings(source, {}, links)


def _in_folder(folder: Path, links: Links) -> Iterator[TranscriptFile]:
    tree = links.tree(folder)
    entries = walk(folder, Filter(), links, tree, lambda name: name.endswith(".json"))
    for file in sorted(Path(entry.path) for entry in entries if entry.error is None):
        if sinks.read_header(file) is not None:
            yield TranscriptFile(file, folder, tree)


def _in_store(source: str, storage: Options, links: Links) -> Iterator[TranscriptFile]:
    location = locate(source, bind_to_sources(storage, [source]))
    if location.suffix == ".json":
        if not sinks.files_of(location).is_there(location):
            raise SourceNotFound(f"{printable(str(location))} does not exist.")
        yield TranscriptFile(location, location.parent)
        return
    if is_media(location.name):
        yield from _of_recordings(source, storage, links)
        return
    files = []
    for path, entry in location.find():
        if path.suffix != ".json" or _is_hidden(path, location):
            continue
        if entry.is_link and not links.follow and ssh.leads_out(path, location):
            links.skip(path.uri)
        else:
            files.append(path)
    files.sort(key=lambda path: path.key)
    headers = sinks.read_headers(files)
    yield from (TranscriptFile(path, location) for path, header in zip(files, headers, strict=True) if header is not None)


def _of_recordings(source: str, storage: Options, links: Links) -> Iterator[TranscriptFile]:
    recordings = list(find_recordings([source], storage=storage, links=links))
    for recording, assigned in zip(recordings, sinks.assign_outputs(recordings, None), strict=True):
        path = sinks.json_path(assigned.output)
        if not sinks.files_of(path).is_there(path):
            raise SourceNotFound(f"{recording.name} has no transcript.", "Transcribe it first with `transcribe run`.")
        if leads_out(path, recording.tree):
            links.skip(str(path))
        else:
            yield TranscriptFile(path, path.parent, recording.tree)


def _recording_path(transcript: Transcript, transcript_path: AnyPath) -> Iterator[AnyPath]:
    """The path of the recording, if it is a local file or in the same store as its transcript.

    The transcript may name any file. The recording counts only if it is the one that the transcript describes.
    """
    source = transcript.source
    try:
        parts = urlsplit(source.uri)
    except ValueError:  # not a URI
        return
    if parts.scheme == "file":
        path = Path(os.fsdecode(unquote_to_bytes(parts.path)))
        with suppress(OSError, ValueError):
            found = refresh(Recording(path, path.parent))
            if (found.name, found.size) == (source.name, source.size):
                yield path
    elif isinstance(transcript_path, Location) and source.uri.startswith(top := transcript_path.store.uri("")):
        recording = Location(transcript_path.store, source.uri.removeprefix(top))
        if recording.uri == source.uri and all(map(is_single_name, recording.key.split("/"))) and recording.name == source.name:
            yield recording


def _existing_formats(output: sinks.Output, transcript: Transcript) -> list[str]:
    """The formats that the transcript lists and whose files still exist."""
    paths = {name: output.path(name) for name in FORMATS.names() if json_safe(output.path(name).name) in transcript.outputs}
    return [name for name, path in paths.items() if sinks.files_of(path).is_there(path)]


def _is_hidden(path: AnyPath, root: AnyPath) -> bool:
    return any(part.startswith(".") for part in relative_path(path, root).parts)


def _export(path: AnyPath, data: bytes, tree: Tree | None, *, overwrite: bool) -> None:
    files = sinks.files_of(path)
    if not overwrite and files.is_there(path) and (leads_out(path, tree) or files.read(path) != data):
        raise OutputRefused(f"{path.name} already exists with different content.", "Use --overwrite to replace it.")
    files.write(path, data)


def render_job(job: Job, transcript: Transcript, subtitles: SubtitleStyle) -> dict[str, bytes]:
    """The files of a job by format, without the JSON."""
    return {name: render_bytes(name, transcript, subtitles, job.output.uri) for name in job.formats if name != "json"}
