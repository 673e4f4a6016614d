"""Networks in the safetensors format, which holds numbers and text, and no code.

The text is the JSON of what a checkpoint of pyannote.audio says about its network: class, options, versions, specifications. The demo
diarizer is stored like this; `tools/demo_diarizer/export.py` writes it. https://huggingface.co/docs/safetensors describes the format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SUFFIX = ".safetensors"
NETWORK = "network"
"""The key of the JSON."""


def read(path: Path) -> dict[str, Any]:
    """Read a network as a checkpoint of pyannote.audio.

    Raises:
        Exception: of the library; the file is damaged, or not of this kind.
    """
    from safetensors import safe_open

    with safe_open(path, framework="pt", device="cpu") as file:
        described = json.loads((file.metadata() or {})[NETWORK])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no mapping
    own = described["pyannote.audio"]
    return {
        "pyannote.audio": {**own, "specifications": _specifications(own["specifications"])},
        "hyper_parameters": described["hyper_parameters"],
        "state_dict": weights,
    }


def _specifications(given: dict[str, Any]) -> Any:  # noqa: ANN401 - pyannote.audio's Specifications
    from pyannote.audio.core.task import Problem, Resolution, Specifications

    return Specifications(
        **{
            **given,
            "problem": Problem[given["problem"]],
            "resolution": Resolution[given["resolution"]],
            "warm_up": tuple(given["warm_up"]),
        }
    )
