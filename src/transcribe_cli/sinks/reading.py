"""Read a complete transcript from a folder or a bucket."""

from __future__ import annotations

from transcribe_cli.errors import Unreadable
from transcribe_cli.sinks.files import files_of
from transcribe_cli.storage import AnyPath
from transcribe_cli.transcript import Transcript


def read_transcript(path: AnyPath) -> Transcript:
    """Read the transcript at this path.

    Raises:
        Unreadable: it cannot be read.
        TranscribeError: it is not a transcript of this tool.
        StorageNotReady: the store cannot be used.
    """
    try:
        return Transcript.loads(files_of(path).read(path), path.name)
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read ({error.strerror}).") from error
