"""Where the lease of a recording lies: hidden, next to its outputs, called after the recording and not after its outputs.

The names of outputs depend on the recording's neighbours (decision 7), which two machines may not see alike.
"""

from __future__ import annotations

from transcribe_cli.sinks import Output, shorten_name
from transcribe_cli.sources import LEASE_SUFFIX, Recording
from transcribe_cli.storage import AnyPath


def lease_path(recording: Recording, output: Output) -> AnyPath:
    """`.aula.mp3.transcribe-lease` in the folder of the outputs; a long name is shortened, never over 255 bytes."""
    return output.folder / f".{shorten_name(recording.path.name, len(f'.{LEASE_SUFFIX}'))}{LEASE_SUFFIX}"
