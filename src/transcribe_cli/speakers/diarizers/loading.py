"""Imports pyannote.audio without telemetry and without CUDA, and loads a pipeline onto a device.

Its telemetry reports the length of each recording and the requested number of speakers, also for pipelines in local folders, unless an
environment variable disables it before the import: https://github.com/pyannote/pyannote-audio#telemetry. It imports ONNX Runtime, which
has its own telemetry on Linux from 1.29 on: https://github.com/microsoft/onnxruntime/pull/27379.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping
from typing import Any, Literal

from transcribe_cli.errors import DeviceUnavailable, MissingExtra, ModelUnavailable
from transcribe_cli.speakers.diarizers import embedding_stage, torchaudio_stub
from transcribe_cli.speakers.diarizers.library_output import library_output_to_log

TELEMETRY_VARIABLE = "PYANNOTE_METRICS_ENABLED"
Device = Literal["auto", "cpu", "cuda"]

_LOG = logging.getLogger(__name__)
_GPU_HINT = "Install a CUDA build of PyTorch, or use `--device cpu`."
# Messages of PyTorch and its libraries about a full device, in addition to OutOfMemoryError.
_OUT_OF_MEMORY = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def load(config: Mapping[str, Any], name: str, device: Device, index: int) -> Any:  # noqa: ANN401 - a pyannote.audio SpeakerDiarization
    """Load a pipeline onto a device. `config` is from `pipeline_files.locate`; `name` is for messages.

    Raises:
        MissingExtra: the library cannot be imported.
        DeviceUnavailable: the requested GPU cannot be used by this PyTorch.
        ModelUnavailable: the files are not a pipeline that this version can load.
    """
    with library_output_to_log():
        pyannote = import_pyannote()
        torch_device = _torch_device(device, index)
        try:
            pipeline = pyannote.Pipeline.from_pretrained(dict(config))
            pipeline.to(torch_device)
        except Exception as error:
            raise ModelUnavailable(f"Diarizer {name} does not load ({first_line(error)}).") from error
        if not embedding_stage.install(pipeline):
            _LOG.debug("the embedding stage of %s is not replaced", name)
        return pipeline


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device is full, so that smaller batches may help."""
    import torch

    # The first stage of pyannote.audio converts the error to this one (core/inference.py). Other MemoryErrors are from clustering.
    if isinstance(error, MemoryError):
        return "batch_size" in str(error)
    is_full = isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)
    return isinstance(error, torch.OutOfMemoryError) or is_full


def free_device_memory() -> None:
    """Release device memory that PyTorch holds in its cache."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def first_line(error: Exception) -> str:
    """The first line of the error's message, or its type."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def import_pyannote() -> Any:  # noqa: ANN401 - the module
    """Import pyannote.audio. All imports of it go through this function.

    Raises:
        MissingExtra: it is installed but cannot be imported.
    """
    os.environ[TELEMETRY_VARIABLE] = "0"
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        torchaudio_stub.install_if_needed()
        audio = importlib.import_module("pyannote.audio")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise MissingExtra(
            f"pyannote.audio is installed but cannot be imported ({first_line(error)}).",
            "Try: pip install --upgrade 'transcribe-cli[diarization]'",
        ) from error
    return audio


def _torch_device(device: Device, index: int) -> Any:  # noqa: ANN401 - a torch.device
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "cpu" or (device == "auto" and not gpus):
        return torch.device("cpu")
    if not gpus:
        raise DeviceUnavailable(f"This PyTorch ({torch.__version__}) cannot use a GPU for diarization.", _GPU_HINT)
    if index >= gpus:
        raise DeviceUnavailable(f"There is no GPU {index}: PyTorch sees {gpus}, numbered from 0.")
    return torch.device("cuda", index)
