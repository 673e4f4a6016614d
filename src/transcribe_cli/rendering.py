"""Other formats from transcripts that exist: where they are, and writing what they render to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli import sinks
from transcribe_cli.errors import OutputRefused, SourceNotFound
from transcribe_cli.formats import render
from transcribe_cli.printable import printable
from transcribe_cli.sources import find, is_media
from transcribe_cli.storage import Options, Place, below, is_url, locate
from transcribe_cli.transcript import Transcript


@dataclass(frozen=True)
class Rendered:
    """A transcript on a disk or in a store. `root` is the folder that was named, for mirroring."""

    path: Place
    root: Place

    def read(self) -> Transcript:
        """The document.

        Raises:
            Unreadable, TranscribeError: it cannot be read, or is no transcript of ours.
        """
        return sinks.read(self.path)

    def write(self, formats: Sequence[str], output_dir: Place | None, *, overwrite: bool) -> list[str]:
        """Write the formats beside the transcript, or below `output_dir`; the names of the files.

        Raises:
            OutputRefused: a file there is not ours to replace.
            StorageNotReady: the disk is full or read-only.
        """
        transcript = self.read()
        rendered = {name: render(name, transcript) for name in formats}
        if output_dir is None:
            output = sinks.Output(self.path.parent, self.path.stem)
            sinks.add(output, transcript, rendered, overwrite=overwrite)
        else:
            output = sinks.Output(output_dir / below(self.path.parent, self.root), self.path.stem)
            for name, text in rendered.items():
                _export(output.path(name), text.encode(), overwrite=overwrite)
        return [output.path(name).name for name in formats]


def transcripts(sources: Sequence[str], storage: Options | None = None) -> Iterator[Rendered]:
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
            yield from (Rendered(json, path) for json in found if not _hidden(json, path) and sinks.read_head(json) is not None)
        elif path.suffix == ".json" and path.exists():
            yield Rendered(path, path.parent)
        else:
            yield from _of_recordings(source, {})


def _in_store(source: str, storage: Options) -> Iterator[Rendered]:
    place = locate(source, storage)
    if place.suffix == ".json":
        if not sinks.files_of(place).is_there(place):
            raise SourceNotFound(f"{printable(str(place))} is not there.")
        yield Rendered(place, place.parent)
        return
    if is_media(place.name):
        yield from _of_recordings(source, storage)
        return
    found = [path for path, _ in place.store.find(place) if path.suffix == ".json" and not _hidden(path, place)]
    found.sort(key=lambda path: path.key)
    heads = sinks.read_heads(found)
    yield from (Rendered(path, place) for path, head in zip(found, heads, strict=True) if head is not None)


def _of_recordings(source: str, storage: Options) -> Iterator[Rendered]:
    recordings = list(find([source], storage=storage))
    for recording, assigned in zip(recordings, sinks.assign(recordings, None), strict=True):
        path = sinks.json_path(assigned.output)
        if not sinks.files_of(path).is_there(path):
            raise SourceNotFound(f"{recording.name} has no transcript.", "Transcribe it first with `transcribe run`.")
        yield Rendered(path, path.parent)


def _hidden(path: Place, root: Place) -> bool:
    return any(part.startswith(".") for part in below(path, root).parts)


def _export(path: Place, data: bytes, *, overwrite: bool) -> None:
    files = sinks.files_of(path)
    if not overwrite and files.is_there(path) and files.read(path) != data:
        raise OutputRefused(f"{path.name} is there already with other content.", "Use --overwrite to replace it.")
    files.write(path, data)
