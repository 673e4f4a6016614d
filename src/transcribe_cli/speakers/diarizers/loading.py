"""Imports pyannote.audio without telemetry and without CUDA, and loads a pipeline onto a device.

Its telemetry reports the length of each recording and the requested number of speakers, also for pipelines in local folders, unless an
environment variable disables it before the import: https://github.com/pyannote/pyannote-audio#telemetry. It imports ONNX Runtime, which
has its own telemetry on Linux from 1.29 on: https://github.com/microsoft/onnxruntime/pull/27379.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from transcribe_cli.errors import DeviceUnavailable, MissingExtra, ModelUnavailable, TranscribeError
from transcribe_cli.speakers.diarizers import embedding_stage, networks, torchaudio_stub
from transcribe_cli.speakers.diarizers.library_output import library_output_to_log
from transcribe_cli.speakers.diarizers.pipeline_config import PLDA_FILES, Located

TELEMETRY_VARIABLE = "PYANNOTE_METRICS_ENABLED"
Device = Literal["auto", "cpu", "cuda"]

_LOG = logging.getLogger(__name__)
_GPU_HINT = "Install a CUDA build of PyTorch, or use `--device cpu`."
# Messages of PyTorch and its libraries about a full device, in addition to OutOfMemoryError.
_OUT_OF_MEMORY = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def load(located: Located, name: str, device: Device, index: int, *, trust_code: bool = False) -> Any:  # noqa: ANN401
    """Load a pipeline onto a device; returns a pyannote.audio SpeakerDiarization.

    Args:
        located: from `pipeline_files.locate`.
        name: of the pipeline, for messages.
        device: `auto` uses a GPU if this PyTorch can.
        index: number of the GPU.
        trust_code: run the code that its checkpoints bring; see `networks.load`.

    Raises:
        MissingExtra: the library cannot be imported.
        DeviceUnavailable: the requested GPU cannot be used by this PyTorch.
        ModelUnavailable: the files are not a pipeline that this version can load, or they bring code.
    """
    with library_output_to_log():
        pyannote = import_pyannote()
        torch_device = _torch_device(device, index)
        with _one_line(name):
            pipeline = pyannote.Pipeline.from_pretrained(_config(located, name, trust_code))
            pipeline.to(torch_device)
        if not embedding_stage.install(pipeline):
            _LOG.debug("the embedding stage of %s is not replaced", name)
        return pipeline


def check_networks(paths: Iterable[Path], name: str) -> None:
    """Check that these checkpoints load, and without running code; `name` is the pipeline's name in messages.

    Raises:
        MissingExtra, ModelUnavailable: see `load`.
    """
    with library_output_to_log():
        import_pyannote()
        with _one_line(name):
            for path in paths:
                networks.load(path, name)


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    try:
        yield
    except TranscribeError:
        raise
    except Exception as error:
        raise ModelUnavailable(f"Diarizer {name} does not load ({first_line(error)}).") from error


def _config(located: Located, name: str, trust_code: bool) -> dict[str, Any]:
    """The config for `Pipeline.from_pretrained` with loaded parts instead of their names, so that the library loads none itself."""
    from pyannote.audio.core.plda import PLDA

    paths = located.paths
    loaded = {role: networks.load(paths[role], name, trust_code=trust_code) for role in ("segmentation", "embedding")}
    transform, plda = (paths["plda"].parent / file for file in PLDA_FILES)
    networks.check_numbers(transform, name)
    networks.check_numbers(plda, name)
    pipeline = located.config["pipeline"]
    parameters = {**pipeline["params"], **loaded, "plda": PLDA(transform, plda)}
    return {**located.config, "pipeline": {**pipeline, "params": parameters}}


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
