"""Which device recognition runs on, and whether its libraries can be loaded, checked before the first recording.

CTranslate2 loads cuBLAS when a model first computes, and the process crashes when it is missing
(https://github.com/SYSTRAN/faster-whisper/issues/1080). So it is loaded here first, from the system or from NVIDIA's wheels.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from transcribe_cli.errors import DeviceUnavailable

# The libraries that the ctranslate2 wheel (4.8) opens by name at run time; it bundles the CUDA runtime and needs no cuDNN.
CUDA_LIBRARIES = ("libcublas.so.12", "libcublasLt.so.12")
CUDA_HINT = "Install them with `pip install 'transcribe-cli[cuda]'`, or use `--device cpu`."


@dataclass(frozen=True)
class DeviceChoice:
    """A device, `cpu` or `cuda`, and CTranslate2's compute type."""

    device: str
    compute_type: str

    def __str__(self) -> str:
        return f"{self.device}/{self.compute_type}"


def choose_device(device: str, compute_type: str, indices: tuple[int, ...] = (0,)) -> DeviceChoice:
    """Choose device and compute type: `auto` selects CUDA if there is a GPU, `default` the usual type of the device.

    Raises:
        DeviceUnavailable: no GPU where one is requested, no GPU with that index, missing libraries, or an unsupported compute type.
    """
    import ctranslate2

    gpus = ctranslate2.get_cuda_device_count()
    if device == "cuda" and not gpus:
        raise DeviceUnavailable("No CUDA GPU is visible.", "Use `--device cpu`, or see `transcribe doctor`.")
    chosen = "cuda" if device == "cuda" or (device == "auto" and gpus) else "cpu"
    if chosen == "cuda":
        check_gpu(indices, gpus)
    supported = ctranslate2.get_supported_compute_types(chosen)
    kind = _usual_type(chosen, supported) if compute_type in ("default", "auto") else compute_type
    if kind not in supported:
        raise DeviceUnavailable(f"This {chosen} does not support {kind}.", f"Supported types: {', '.join(sorted(supported))}.")
    return DeviceChoice(chosen, kind)


def missing_cuda_libraries() -> list[str]:
    """Load the CUDA libraries that CTranslate2 needs into this process; returns the names of those that cannot be loaded."""
    return [name for name in CUDA_LIBRARIES if not _load(name)]


def check_gpu(indices: tuple[int, ...], gpus: int) -> None:
    """Check that these GPUs can be used; the machine has `gpus`.

    Raises:
        DeviceUnavailable: there is no GPU with one of these indices, or a library cannot be loaded.
    """
    if (beyond := [index for index in indices if index >= gpus]) != []:
        raise DeviceUnavailable(f"There is no GPU {beyond[0]}: this machine has {gpus}, numbered from 0.")
    if missing := missing_cuda_libraries():
        raise DeviceUnavailable(f"There is a GPU, but {', '.join(missing)} cannot be loaded.", CUDA_HINT)


def _usual_type(device: str, supported: set[str]) -> str:
    """float16 on a GPU that supports it; int8 on a CPU: a quarter of the memory and faster, according to CTranslate2's docs."""
    order = ("float16", "int8_float32", "float32") if device == "cuda" else ("int8", "int8_float32", "float32")
    return next(kind for kind in order if kind in supported)


def _load(name: str) -> bool:
    for candidate in (name, *_in_wheels(name)):
        try:
            ctypes.CDLL(str(candidate), mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        return True
    return False


def _in_wheels(name: str) -> list[Path]:
    """The copies in NVIDIA's wheels: site-packages/nvidia/<part>/lib."""
    spec = find_spec("nvidia")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return [path for folder in folders for path in sorted(Path(folder).glob(f"*/lib/{name}"))]


def processor_count() -> int:
    """The CPUs that this process may use; a container or `taskset` may allow fewer than the machine has."""
    return len(os.sched_getaffinity(0))
