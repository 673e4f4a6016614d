"""Importing pyannote.audio so that it neither reports home nor fails for want of CUDA, and putting a pipeline on a device.

Its telemetry tells the length of each recording and the number of speakers asked for, also of pipelines in local folders, unless a
variable of the environment says no before the import: https://github.com/pyannote/pyannote-audio#telemetry. It imports ONNX Runtime,
which has telemetry of its own on Linux from 1.29 on: https://github.com/microsoft/onnxruntime/pull/27379.
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
_CURE = "Install a CUDA build of PyTorch, or use `--device cpu`."
# What PyTorch and its libraries say, beside raising OutOfMemoryError.
_FULL = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def load(config: Mapping[str, Any], name: str, device: Device, index: int) -> Any:  # noqa: ANN401 - a pyannote.audio SpeakerDiarization
    """Load the pipeline that `pipeline_files.locate` found onto a device; `name` is for messages.

    Raises:
        MissingExtra: the import_pyannote cannot be imported.
        DeviceUnavailable: a GPU was asked for that this PyTorch cannot use.
        ModelUnavailable: the files hold no pipeline that this version loads.
    """
    with library_output_to_log():
        pyannote = import_pyannote()
        chosen = _place(device, index)
        try:
            pipeline = pyannote.Pipeline.from_pretrained(dict(config))
            pipeline.to(chosen)
        except Exception as error:
            raise ModelUnavailable(f"Diarizer {name} does not load ({short(error)}).") from error
        if not embedding_stage.install(pipeline):
            _LOG.debug("the embedding stage of %s stays as it is", name)
        return pipeline


def is_out_of_memory(error: Exception) -> bool:
    """Whether smaller batches may cure it: what the networks raise on a full device."""
    import torch

    # What pyannote.audio makes of it in its first stage (core/inference.py). Other MemoryErrors come from clustering.
    if isinstance(error, MemoryError):
        return "batch_size" in str(error)
    return isinstance(error, torch.OutOfMemoryError) or (isinstance(error, RuntimeError) and any(w in str(error) for w in _FULL))


def free_device_memory() -> None:
    """Give back what PyTorch keeps of the device's memory for later."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def short(error: Exception) -> str:
    """The first line of its message, or its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def import_pyannote() -> Any:  # noqa: ANN401 - the module
    """Import pyannote.audio, in the only way in which it is to be imported.

    Raises:
        MissingExtra: it is installed, but not so that it can be imported.
    """
    os.environ[TELEMETRY_VARIABLE] = "0"
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        torchaudio_stub.install_where_needed()
        audio = importlib.import_module("pyannote.audio")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise MissingExtra(
            f"pyannote.audio is installed but cannot be imported ({short(error)}).",
            "Try: pip install --upgrade 'transcribe-cli[diarization]'",
        ) from error
    return audio


def _place(device: Device, index: int) -> Any:  # noqa: ANN401 - a torch.device
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "cpu" or (device == "auto" and not gpus):
        return torch.device("cpu")
    if not gpus:
        raise DeviceUnavailable(f"This PyTorch ({torch.__version__}) can use no GPU for diarization.", _CURE)
    if index >= gpus:
        raise DeviceUnavailable(f"There is no GPU {index}: PyTorch sees {gpus}, counted from 0.")
    return torch.device("cuda", index)
