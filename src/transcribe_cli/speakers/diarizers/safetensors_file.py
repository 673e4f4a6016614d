"""Networks in the safetensors format, which holds numbers and text, and no code.

The text is the JSON of what a checkpoint of pyannote.audio says about its network: class, options, versions, specifications. The demo
diarizer is stored like this; `tools/demo_diarizer/export.py` writes it. https://huggingface.co/docs/safetensors describes the format.
The library checks that the tensors fill the file, one after the other, and that their shapes match.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from transcribe_cli.speakers.diarizers.network_numbers import checked_specifications
from transcribe_cli.text.json_data import parse_json

SUFFIX = ".safetensors"
NETWORK = "network"
"""The key of the JSON."""

# A header names the tensors; the largest of pyannote's networks has a thousand. The library's own limit is 100 MB.
_MAX_HEADER_BYTES = 4_000_000


def read(path: Path) -> dict[str, Any]:
    """Read a network as a checkpoint of pyannote.audio.

    Raises:
        Exception: of the library; the file is damaged, or not of this kind.
    """
    from safetensors import safe_open

    with path.open("rb") as file:
        start = file.read(8)
    if len(start) < 8 or struct.unpack("<Q", start)[0] > _MAX_HEADER_BYTES:
        raise ValueError(f"{path.name} is no file of the safetensors format, or has a header of more than 4 MB")
    with safe_open(path, framework="pt", device="cpu") as file:
        described = parse_json((file.metadata() or {})[NETWORK])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no mapping
    own = described["pyannote.audio"]
    return {
        "pyannote.audio": {**own, "specifications": _specifications(own["specifications"])},
        "hyper_parameters": described["hyper_parameters"],
        "state_dict": weights,
    }


def _specifications(given: dict[str, Any]) -> Any:  # noqa: ANN401 - pyannote.audio's Specifications
    from pyannote.audio.core.task import Problem, Resolution

    return checked_specifications({**given, "problem": Problem[given["problem"]], "resolution": Resolution[given["resolution"]]})
