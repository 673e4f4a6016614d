"""Which device recognition runs on, and whether its libraries are there, found out before the first recording.

CTranslate2 loads cuBLAS when a model first computes, and the process dies when it is missing
(https://github.com/SYSTRAN/faster-whisper/issues/1080). So it is loaded here first, from the system or from NVIDIA's wheels.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from transcribe_cli.errors import DeviceUnavailable

# What the ctranslate2 wheel (4.8) opens by name at run time; it has the CUDA runtime inside and needs no cuDNN.
CUDA_LIBRARIES = ("libcublas.so.12", "libcublasLt.so.12")
CUDA_HINT = "Install them with `pip install 'transcribe-cli[cuda]'`, or use `--device cpu`."


@dataclass(frozen=True)
class Placement:
    """Where recognition runs: `cpu` or `cuda`, and CTranslate2's compute type."""

    device: str
    compute_type: str

    def __str__(self) -> str:
        return f"{self.device}/{self.compute_type}"


def choose_device(device: str, compute_type: str, indices: tuple[int, ...] = (0,)) -> Placement:
    """Choose device and compute type: `auto` takes CUDA when there is a GPU, `default` the usual type of the device.

    Raises:
        DeviceUnavailable: no GPU where one was asked for, none of that index, missing libraries, or a type that the device lacks.
    """
    import ctranslate2

    gpus = ctranslate2.get_cuda_device_count()
    if device == "cuda" and not gpus:
        raise DeviceUnavailable("No CUDA GPU is visible.", "Use `--device cpu`, or see `transcribe doctor`.")
    chosen = "cuda" if device == "cuda" or (device == "auto" and gpus) else "cpu"
    if chosen == "cuda":
        check_gpu(indices, gpus)
    supported = ctranslate2.get_supported_compute_types(chosen)
    wanted = _usual_type(chosen, supported) if compute_type in ("default", "auto") else compute_type
    if wanted not in supported:
        raise DeviceUnavailable(f"This {chosen} cannot compute in {wanted}.", f"It can: {', '.join(sorted(supported))}.")
    return Placement(chosen, wanted)


def missing_cuda_libraries() -> list[str]:
    """Load the CUDA libraries that CTranslate2 needs into this process; the names of those that cannot be."""
    return [name for name in CUDA_LIBRARIES if not _load(name)]


def check_gpu(indices: tuple[int, ...], gpus: int) -> None:
    """Whether these GPUs can be used, of the `gpus` that there are.

    Raises:
        DeviceUnavailable: one is beyond the last, or a library cannot be loaded.
    """
    if (beyond := [index for index in indices if index >= gpus]) != []:
        raise DeviceUnavailable(f"There is no GPU {beyond[0]}: this machine shows {gpus}, counted from 0.")
    if missing := missing_cuda_libraries():
        raise DeviceUnavailable(f"There is a GPU, but {', '.join(missing)} cannot be loaded.", CUDA_HINT)


def _usual_type(device: str, supported: set[str]) -> str:
    """float16 on a GPU that has it; int8 on a processor: a quarter of the memory and faster (facts of CTranslate2's docs)."""
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
    """Where NVIDIA's wheels put their libraries: site-packages/nvidia/<part>/lib."""
    spec = find_spec("nvidia")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return [path for folder in folders for path in sorted(Path(folder).glob(f"*/lib/{name}"))]


def processor_count() -> int:
    """The processors that this process may use; a container or `taskset` may allow fewer than the machine has."""
    return len(os.sched_getaffinity(0))
