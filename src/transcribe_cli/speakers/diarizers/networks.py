"""Loads the networks of a pipeline, and runs no code that their files bring.

pyannote.audio's own loader would: a checkpoint of PyTorch is a pickle, which may call any function while it is read, and it names the
module to import and the class to create. So this module reads weights and plain values only, and creates only the networks in
`ARCHITECTURES`. The hub's and the user's files are treated alike. The replaced code:
https://github.com/pyannote/pyannote-audio/blob/4.0.7/src/pyannote/audio/core/model.py
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from transcribe_cli.errors import ModelUnavailable
from transcribe_cli.speakers import numpy_file
from transcribe_cli.speakers.diarizers import checkpoint_file, safetensors_file
from transcribe_cli.speakers.diarizers.network_numbers import checked_options
from transcribe_cli.speakers.diarizers.plain_pickle import CallsCode
from transcribe_cli.text.printable import printable

ARCHITECTURES: Mapping[str, frozenset[str]] = {
    "pyannote.audio.models.segmentation.PyanNet": frozenset({"PyanNet"}),
    "pyannote.audio.models.embedding.xvector": frozenset({"XVectorSincNet"}),
    "pyannote.audio.models.embedding.wespeaker": frozenset(f"WeSpeakerResNet{layers}" for layers in (34, 152, 221, 293)),
    "transcribe_cli.speakers.diarizers.demo_models": frozenset({"DemoSegmentation", "DemoEmbedding"}),
}
"""The networks by module. SSeRiouSS is not one of them: its checkpoints can name a further file or download to load. Nor is
XVectorMFCC, whose size cannot be checked before it is created."""
MAX_BYTES = 2**31
"""Limit for one file, unpacked. The largest of pyannote's networks has 0.1 GB."""
TRUST_HINT = "If you trust its authors as you trust a program that you install, add --trust-model-code."


def load(path: Path, name: str, *, trust_code: bool = False) -> Any:  # noqa: ANN401 - a pyannote.audio Model
    """Load a network, ready to compute.

    Args:
        path: its file.
        name: of the pipeline, for messages.
        trust_code: load it as pyannote.audio does, running the code that the file brings.

    Raises:
        ModelUnavailable: the file brings code, or names a class that is not in `ARCHITECTURES`, or is too large.
        Exception: of PyTorch; the file is damaged.
    """
    _check_size(path, name)
    if path.suffix == safetensors_file.SUFFIX:
        return _build(safetensors_file.read(path), path, name)
    if trust_code:
        from pyannote.audio import Model

        # Checkpoints of 3.x also contain the training loss, hence not `strict`.
        return cast("Model", Model.from_pretrained(path, strict=False)).eval()
    return _build(_read_checkpoint(path, name), path, name)


def check_numbers(path: Path, name: str) -> None:
    """Check that an .npz file of a pipeline holds numbers only, not too many, and no pickles. `name` is the pipeline's, for messages.

    Raises:
        ModelUnavailable: it is larger than `MAX_BYTES`.
        ValueError: it holds something else.
    """
    _check_size(path, name)
    numpy_file.check_archive(path)


def _check_size(path: Path, name: str) -> None:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ModelUnavailable(f"Diarizer {name} does not load: {path.name} has {size / 1e9:.1f} GB; at most 2 GB are read.")


def _read_checkpoint(path: Path, name: str) -> dict[str, Any]:
    try:
        return checkpoint_file.read(path)
    except CallsCode as error:
        called = printable(error.called)[:100]
        raise ModelUnavailable(
            f"Diarizer {name} was not loaded: {path.name} is a pickle that runs code ({called}).", TRUST_HINT
        ) from error


def _build(checkpoint: Any, path: Path, name: str) -> Any:  # noqa: ANN401 - a pyannote.audio Model
    from pyannote.audio.utils.dependencies import check_dependencies

    own = checkpoint["pyannote.audio"]
    module, kind = str(own["architecture"]["module"]), str(own["architecture"]["class"])
    if kind not in ARCHITECTURES.get(module, ()):
        raise ModelUnavailable(
            f"Diarizer {name} was not loaded: {path.name} names code to run ({printable(f'{module}.{kind}')[:100]}), which is none of "
            "pyannote.audio's networks for diarization.",
            TRUST_HINT,
        )
    check_dependencies({"pyannote.audio": str(own["versions"]["pyannote.audio"])}, "Model")
    of_class = getattr(importlib.import_module(module), kind)
    known = inspect.signature(of_class).parameters.keys() - {"task"}
    options = checked_options({key: value for key, value in checkpoint["hyper_parameters"].items() if key in known})
    _check_shapes(of_class, options, checkpoint, path)
    network = of_class(**options)
    network.on_load_checkpoint(checkpoint)
    # Checkpoints of 3.x also contain the training loss, hence not `strict`.
    network.load_state_dict(checkpoint["state_dict"], strict=False)
    return network.eval()


def _check_shapes(of_class: Any, options: Mapping[str, Any], checkpoint: Any, path: Path) -> None:  # noqa: ANN401
    """Check, before memory is allocated, that the network is as large as its weights, which are limited by `MAX_BYTES`.

    Raises:
        ValueError: it is not.
    """
    import torch

    with torch.device("meta"):
        planned = of_class(**options).to("meta")
        planned.on_load_checkpoint(checkpoint)
    weights = checkpoint["state_dict"]
    for name, parameter in planned.state_dict().items():
        if name not in weights or weights[name].shape != parameter.shape:
            raise ValueError(f"{path.name} has no weights for {name}")
