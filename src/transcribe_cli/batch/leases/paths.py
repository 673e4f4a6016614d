"""The path of a recording's lease: a hidden file next to the outputs, named after the recording and not after its outputs.

The names of outputs depend on the other recordings in the folder (decision 7), and two machines may see different ones.
"""

from __future__ import annotations

from transcribe_cli.sinks import Output, shorten_name
from transcribe_cli.sources import LEASE_SUFFIX, Recording
from transcribe_cli.storage import AnyPath


def lease_path(recording: Recording, output: Output) -> AnyPath:
    """`.aula.mp3.transcribe-lease` in the folder of the outputs; a long name is shortened to fit into 255 bytes."""
    return output.folder / f".{shorten_name(recording.path.name, len(f'.{LEASE_SUFFIX}'))}{LEASE_SUFFIX}"
