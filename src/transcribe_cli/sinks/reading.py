"""Read a complete transcript from a folder or a bucket."""

from __future__ import annotations

from transcribe_cli.errors import Unreadable
from transcribe_cli.sinks.files import files_of
from transcribe_cli.storage import AnyPath
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Transcript

# The transcript of 24 hours with word times has 50 MB.
MAX_BYTES = 1 << 29


def read_transcript(path: AnyPath) -> Transcript:
    """Read the transcript at this path.

    Raises:
        Unreadable: it cannot be read, or is longer than `MAX_BYTES`.
        TranscribeError: it is not a transcript of this tool.
        StorageNotReady: the store cannot be used.
    """
    name = printable(path.name)
    try:
        data = files_of(path).read(path, 0, MAX_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"{name} cannot be read ({error.strerror}).") from error
    if len(data) > MAX_BYTES:
        raise Unreadable(f"{name} is too large for a transcript.", "Move it away.")
    return Transcript.loads(data, name)
