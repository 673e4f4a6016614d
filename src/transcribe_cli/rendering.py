"""Other formats from transcripts that exist: where they are, what their speakers are called, and writing what they render to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from transcribe_cli import sinks, speaker_names
from transcribe_cli.errors import OutputRefused, SourceNotFound, TranscribeError, Unreadable
from transcribe_cli.formats import render_bytes
from transcribe_cli.registry import FORMATS
from transcribe_cli.sinks.atomic import publish, stage, storage_errors
from transcribe_cli.sources import find, json_safe
from transcribe_cli.standards import NETFLIX, Subtitles
from transcribe_cli.transcript import Transcript


@dataclass(frozen=True)
class Rendered:
    """A transcript on disk. `root` is the folder that was named, for mirroring."""

    path: Path
    root: Path

    def read(self) -> Transcript:
        """The document.

        Raises:
            Unreadable, TranscribeError: it cannot be read, or is no transcript of ours.
        """
        try:
            return Transcript.loads(self.path.read_bytes(), self.path.name)
        except OSError as error:
            raise Unreadable(f"{self.path.name} cannot be read ({error.strerror}).") from error

    def named(self, names: Mapping[str, str]) -> Transcript:
        """The document with the names of its speakers: its own, those of files beside it or its recording, then these.

        Raises:
            Unreadable, TranscribeError: as for `read`.
            ConfigError: a file of names that cannot be meant.
        """
        return self._named(self.read(), names)

    def write(
        self,
        formats: Sequence[str],
        output_dir: Path | None,
        names: Mapping[str, str],
        *,
        overwrite: bool,
        subtitles: Subtitles = NETFLIX,
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
            sinks.add(output, transcript, rendered, stamp=subtitles.stamp, overwrite=overwrite)
        else:
            output = sinks.Output(output_dir / self.path.parent.relative_to(self.root), self.path.stem)
            for name, data in {name: render_bytes(name, transcript, subtitles, output.uri) for name in formats}.items():
                _export(output.path(name), data, overwrite=overwrite)
        return [output.path(name).name for name in formats]

    def _named(self, transcript: Transcript, names: Mapping[str, str]) -> Transcript:
        if not transcript.speakers:
            return transcript
        paths = [*_recording(transcript), self.path]
        return speaker_names.with_names(transcript, speaker_names.beside(*paths, labels=transcript.speakers) | dict(names))

    def _put(self, transcript: Transcript) -> None:
        """Replace the document. It keeps its time, so that renderings that were edited since are still seen to be."""
        with storage_errors(self.path):
            data = transcript.dumps().encode("utf-8", "backslashreplace")
            publish(stage(self.path.parent, data, modified_ns=self.path.stat().st_mtime_ns), self.path)


def check_labels(names: Mapping[str, str], found: Iterable[Rendered]) -> None:
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
    speaker_names.check(names, labels, f"{speaker_names.OPTION} names")


def transcripts(sources: Sequence[str]) -> Iterator[Rendered]:
    """The transcripts that sources stand for: JSON files, folders of them, or the recordings that they belong to.

    Raises:
        SourceNotFound: a source that is not there, or a recording without a transcript.
    """
    for source in sources:
        path = Path(source)
        if path.is_dir():
            found = sorted(path.rglob("*.json"))
            yield from (Rendered(json, path) for json in found if not _hidden(json, path) and sinks.read_head(json) is not None)
        elif path.suffix == ".json" and path.exists():
            yield Rendered(path, path.parent)
        else:
            yield from _of_recordings(source)


def _of_recordings(source: str) -> Iterator[Rendered]:
    recordings = list(find([source]))
    for recording, assigned in zip(recordings, sinks.assign(recordings, None), strict=True):
        path = sinks.json_path(assigned.output)
        if not path.exists():
            raise SourceNotFound(f"{recording.name} has no transcript.", "Transcribe it first with `transcribe run`.")
        yield Rendered(path, path.parent)


def _recording(transcript: Transcript) -> Iterator[Path]:
    """Where the recording was, if that was a file here."""
    try:
        parts = urlsplit(transcript.source.uri)
    except ValueError:  # no URI
        return
    path = Path(os.fsdecode(unquote_to_bytes(parts.path)))
    if parts.scheme == "file" and path.name:
        yield path


def _rendered_before(output: sinks.Output, transcript: Transcript) -> list[str]:
    """The formats that the transcript lists beside itself and that are still there."""
    paths = {name: output.path(name) for name in FORMATS.names()}
    return [name for name, path in paths.items() if json_safe(path.name) in transcript.outputs and path.exists()]


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _export(path: Path, data: bytes, *, overwrite: bool) -> None:
    if path.exists() and not overwrite and path.read_bytes() != data:
        raise OutputRefused(f"{path.name} is there already with other content.", "Use --overwrite to replace it.")
    sinks.write(path, data)
