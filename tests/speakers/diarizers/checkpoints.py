"""The demo diarizer as pyannote.audio publishes its pipelines: with checkpoints, which are pickles."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transcribe_cli.speakers.diarizers import safetensors_file
from transcribe_cli.speakers.diarizers.loading import import_pyannote
from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER

Change = Callable[[dict[str, Any]], Any]


def unchanged(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """The checkpoint as it is."""
    return checkpoint


def checkpoint_of(role: str) -> dict[str, Any]:
    """A network of the demo diarizer, with what Lightning and pyannote.audio add."""
    import_pyannote()
    from torch.torch_version import TorchVersion

    checkpoint = safetensors_file.read(DEMO_FOLDER / f"{role}.safetensors")
    checkpoint["pyannote.audio"]["versions"]["torch"] = TorchVersion("2.8.0+cu128")
    return checkpoint | {"pytorch-lightning_version": "2.6.6", "epoch": 0, "global_step": 0, "callbacks": {}, "loops": {}}


def write_pipeline(folder: Path, change: Change = unchanged, role: str = "embedding", **options: Any) -> Path:
    """Write the pipeline; `change` is applied to the checkpoint of `role`, and the options are those of `torch.save`."""
    import_pyannote()
    import torch

    shutil.copytree(DEMO_FOLDER, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace(".safetensors", ""))
    for name in ("segmentation", "embedding"):
        (folder / name).mkdir()
        checkpoint = checkpoint_of(name)
        made = change(checkpoint) if name == role else checkpoint
        torch.save(made, folder / name / "pytorch_model.bin", **(options if name == role else {}))
    return folder
