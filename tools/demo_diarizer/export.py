"""The folder that pyannote.audio loads: config.yaml, a checkpoint of each network in half precision, and the PLDA."""

from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from pyannote.audio.core.model import Model

# The clustering of community-1. Its threshold was chosen on conversations of development voices (docs/demo-diarizer.md); the other
# values are the defaults of pyannote.audio.
CLUSTERING = "VBxClustering"
CLUSTERING_PARAMETERS = {"threshold": 0.6, "Fa": 0.1, "Fb": 2.0}
_BATCH = 16


def config(clustering: str = CLUSTERING, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    """The content of config.yaml."""
    return {
        "dependencies": {"pyannote.audio": "4.0.0"},
        "pipeline": {
            "name": "pyannote.audio.pipelines.SpeakerDiarization",
            "params": {
                "segmentation": "$model/segmentation",
                "segmentation_step": 0.2,
                "segmentation_batch_size": _BATCH,
                "embedding": "$model/embedding",
                "embedding_batch_size": _BATCH,
                "embedding_exclude_overlap": True,
                "plda": "$model/plda",
                "clustering": clustering,
            },
        },
        "params": {"segmentation": {"min_duration_off": 0.0}, "clustering": parameters or CLUSTERING_PARAMETERS},
    }


def write_config(folder: Path) -> None:
    """Write config.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config(), sort_keys=False), encoding="utf-8")


def write_checkpoint(model: Model, folder: Path) -> None:
    """Write pytorch_model.bin in the format of Lightning."""
    model.eval()
    checkpoint = {
        "state_dict": {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()},
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
        "epoch": 0,
        "global_step": 0,
    }
    model.on_save_checkpoint(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "pytorch_model.new"
    torch.save(checkpoint, unfinished)
    unfinished.replace(folder / "pytorch_model.bin")
