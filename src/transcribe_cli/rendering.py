"""Other formats from transcripts that exist: where they are, and writing what they render to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli import sinks
from transcribe_cli.errors import OutputRefused, SourceNotFound, Unreadable
from transcribe_cli.formats import render
from transcribe_cli.sources import find
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

    def write(self, formats: Sequence[str], output_dir: Path | None, *, overwrite: bool) -> list[str]:
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
            output = sinks.Output(output_dir / self.path.parent.relative_to(self.root), self.path.stem)
            for name, text in rendered.items():
                _export(output.path(name), text.encode(), overwrite=overwrite)
        return [output.path(name).name for name in formats]


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


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _export(path: Path, data: bytes, *, overwrite: bool) -> None:
    if path.exists() and not overwrite and path.read_bytes() != data:
        raise OutputRefused(f"{path.name} is there already with other content.", "Use --overwrite to replace it.")
    sinks.write(path, data)
