"""Other formats from transcripts that exist: where they are, what their speakers are called, and writing what they render to."""

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
from transcribe_cli.registry import FORMATS
from transcribe_cli.sinks.atomic import storage_errors
from transcribe_cli.sources import find_recordings, is_media, json_safe
from transcribe_cli.storage import AnyPath, Location, Options, is_url, locate, relative_path
from transcribe_cli.subtitles.standards import DEFAULT_STYLE, SubtitleStyle
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Transcript


@dataclass(frozen=True)
class TranscriptFile:
    """A transcript on a disk or in a store. `root` is the folder that was named, for mirroring."""

    path: AnyPath
    root: AnyPath

    def read(self) -> Transcript:
        """The document.

        Raises:
            Unreadable, TranscribeError: it cannot be read, or is no transcript of ours.
        """
        return sinks.read_transcript(self.path)

    def with_speaker_names(self, names: Mapping[str, str]) -> Transcript:
        """The document with the names of its speakers: its own, those of files beside it or its recording, then these.

        Raises:
            Unreadable, TranscribeError: as for `read`.
            ConfigError: a file of names that cannot be meant.
        """
        return self._named(self.read(), names)

    def write(
        self,
        formats: Sequence[str],
        output_dir: AnyPath | None,
        names: Mapping[str, str],
        *,
        overwrite: bool,
        subtitles: SubtitleStyle = DEFAULT_STYLE,
    ) -> list[str]:
        """Write the formats beside the transcript, or below `output_dir`; the names of the files.

        Beside it, new names of speakers go into the transcript, and what was rendered from it before is rendered again with them.
        With `output_dir` the transcript stays as it is.

        Raises:
            ConfigError: a file of names that cannot be meant; nothing is written.
            OutputRefused: a file there is not ours to replace.
            StorageNotReady: the disk is full or read-only.
        """
        before = self.read()
        transcript = self._named(before, names)
        if output_dir is None:
            output = sinks.Output(self.path.parent, self.path.stem)
            if transcript.speaker_names != before.speaker_names:
                formats = list(dict.fromkeys([*formats, *_rendered_before(output, before), "json"]))
            rendered = {name: render_bytes(name, transcript, subtitles, output.uri) for name in formats}
            if transcript.speaker_names != before.speaker_names:
                self._put(transcript)
            sinks.add_renderings(output, transcript, rendered, stamp=subtitles.stamp, overwrite=overwrite)
        else:
            output = sinks.Output(output_dir / relative_path(self.path.parent, self.root), self.path.stem)
            for name, data in {name: render_bytes(name, transcript, subtitles, output.uri) for name in formats}.items():
                _export(output.path(name), data, overwrite=overwrite)
        return [output.path(name).name for name in formats]

    def _named(self, transcript: Transcript, names: Mapping[str, str]) -> Transcript:
        if not transcript.speakers:
            return transcript
        paths = [*_recording(transcript, self.path), self.path]
        return speaker_names.add_names(
            transcript, speaker_names.read_name_files(*paths, labels=transcript.speakers) | dict(names)
        )

    def _put(self, transcript: Transcript) -> None:
        """Replace the document. It keeps its time, so that renderings that were edited since are still seen to be."""
        files = sinks.files_of(self.path)
        with storage_errors(self.path):
            data = transcript.dumps().encode("utf-8", "backslashreplace")
            files.publish(files.stage(self.path.parent, data, sinks.modified_ns(self.path)), self.path, data)


def check_labels(names: Mapping[str, str], found: Iterable[TranscriptFile]) -> None:
    """That each label is that of a speaker in one of the transcripts, reading no more of them than that takes.

    Raises:
        ConfigError: one is not; nobody would notice that a name went nowhere.
    """
    labels: set[str] = set()
    for transcript in found:
        if labels >= names.keys():
            return
        with suppress(TranscribeError):  # told when it is rendered
            labels.update(transcript.read().speakers)
    speaker_names.check_labels_exist(names, labels, f"{speaker_names.OPTION} names")


def find_transcripts(sources: Sequence[str], storage: Options | None = None) -> Iterator[TranscriptFile]:
    """The transcripts that sources stand for: JSON files, folders of them, or the recordings that they belong to.

    URLs are reached as `storage` says.

    Raises:
        SourceNotFound: a source that is not there, or a recording without a transcript.
        NotReady: a store that cannot be used.
    """
    for source in sources:
        if is_url(source):
            yield from _in_store(source, storage or {})
            continue
        path = Path(source)
        if path.is_dir():
            found = sorted(path.rglob("*.json"))
            yield from (
                TranscriptFile(json, path) for json in found if not _hidden(json, path) and sinks.read_header(json) is not None
            )
        elif path.suffix == ".json" and path.exists():
            yield TranscriptFile(path, path.parent)
        else:
            yield from _of_recordings(source, {})


def _in_store(source: str, storage: Options) -> Iterator[TranscriptFile]:
    place = locate(source, storage)
    if place.suffix == ".json":
        if not sinks.files_of(place).is_there(place):
            raise SourceNotFound(f"{printable(str(place))} is not there.")
        yield TranscriptFile(place, place.parent)
        return
    if is_media(place.name):
        yield from _of_recordings(source, storage)
        return
    found = [path for path, _ in place.find() if path.suffix == ".json" and not _hidden(path, place)]
    found.sort(key=lambda path: path.key)
    heads = sinks.read_headers(found)
    yield from (TranscriptFile(path, place) for path, head in zip(found, heads, strict=True) if head is not None)


def _of_recordings(source: str, storage: Options) -> Iterator[TranscriptFile]:
    recordings = list(find_recordings([source], storage=storage))
    for recording, assigned in zip(recordings, sinks.assign_outputs(recordings, None), strict=True):
        path = sinks.json_path(assigned.output)
        if not sinks.files_of(path).is_there(path):
            raise SourceNotFound(f"{recording.name} has no transcript.", "Transcribe it first with `transcribe run`.")
        yield TranscriptFile(path, path.parent)


def _recording(transcript: Transcript, beside: AnyPath) -> Iterator[AnyPath]:
    """Where the recording was, if that was a file here, or in the same store as its transcript."""
    try:
        parts = urlsplit(transcript.source.uri)
    except ValueError:  # no URI
        return
    path = Path(os.fsdecode(unquote_to_bytes(parts.path)))
    if parts.scheme == "file" and path.name:
        yield path
    elif isinstance(beside, Location) and transcript.source.uri.startswith(top := beside.store.uri("")):
        yield Location(beside.store, transcript.source.uri.removeprefix(top))


def _rendered_before(output: sinks.Output, transcript: Transcript) -> list[str]:
    """The formats that the transcript lists beside itself and that are still there."""
    paths = {name: output.path(name) for name in FORMATS.names() if json_safe(output.path(name).name) in transcript.outputs}
    return [name for name, path in paths.items() if sinks.files_of(path).is_there(path)]


def _hidden(path: AnyPath, root: AnyPath) -> bool:
    return any(part.startswith(".") for part in relative_path(path, root).parts)


def _export(path: AnyPath, data: bytes, *, overwrite: bool) -> None:
    files = sinks.files_of(path)
    if not overwrite and files.is_there(path) and files.read(path) != data:
        raise OutputRefused(f"{path.name} is there already with other content.", "Use --overwrite to replace it.")
    files.write(path, data)
