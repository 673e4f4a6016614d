"""Where the lease of a recording lies: hidden, next to its outputs, called after the recording and not after its outputs.

The names of outputs depend on the recording's neighbours (decision 7), which two machines may not see alike.
"""

from __future__ import annotations

from transcribe_cli.sinks import Output, shortened
from transcribe_cli.sources import LEASE_ENDING, Recording
from transcribe_cli.storage import Place


def lease_path(recording: Recording, output: Output) -> Place:
    """`.aula.mp3.transcribe-lease` in the folder of the outputs; a long name is shortened, never over 255 bytes."""
    return output.folder / f".{shortened(recording.path.name, len(f'.{LEASE_ENDING}'))}{LEASE_ENDING}"
