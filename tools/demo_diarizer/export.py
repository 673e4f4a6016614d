"""The folder of the pipeline: config.yaml, each network in half precision as safetensors, and the PLDA. It holds no pickle."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from pyannote.audio.core.model import Model
from safetensors.torch import save_file

from transcribe_cli.speakers.diarizers import safetensors_file

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
                "segmentation": "$model/segmentation.safetensors",
                "segmentation_step": 0.2,
                "segmentation_batch_size": _BATCH,
                "embedding": "$model/embedding.safetensors",
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


def write_network(model: Model, file: Path) -> None:
    """Write a network as `safetensors_file` reads it."""
    weights = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    save_file(weights, file, {safetensors_file.NETWORK: json.dumps(_described(model))})


def _described(model: Model) -> dict[str, Any]:
    checkpoint: dict[str, Any] = {}
    model.on_save_checkpoint(checkpoint)
    specifications = checkpoint["pyannote.audio"]["specifications"]
    plain = {**asdict(specifications), "problem": specifications.problem.name, "resolution": specifications.resolution.name}
    return {
        "pyannote.audio": {**checkpoint["pyannote.audio"], "specifications": plain},
        "hyper_parameters": dict(model.hparams),
    }
