"""Makes torchaudio importable without its compiled extension, for a PyTorch without CUDA.

The torchaudio wheels for x86-64 Linux are CUDA builds, at least up to 2.11. With a CPU build of PyTorch, `import torchaudio` raises an
OSError about libcudart, and pyannote.audio imports it. Everything that pyannote.audio 4 needs of it (resampling, mel filters, Kaldi's
filter banks) is written in Python; the compiled extension contains alignment, RNN-T loss and filters. If the extension cannot be loaded,
an empty module of the same name replaces it. Its names are those that torchaudio 2.9 to 2.11 import from the extension:
https://github.com/pytorch/audio/blob/v2.11.0/src/torchaudio/_extension/__init__.py
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

EXTENSION = "torchaudio._extension"


def install_if_needed() -> bool:
    """Replace the compiled extension if it keeps torchaudio from being imported; returns whether it was replaced.

    Raises:
        ImportError: torch or torchaudio is not installed.
    """
    if "torchaudio" in sys.modules:
        return False
    import torch

    if torch.version.cuda is not None or torch.version.hip is not None:
        return False
    try:
        importlib.import_module("torchaudio")
    except ModuleNotFoundError:
        raise
    except (OSError, RuntimeError, ImportError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules[EXTENSION] = _empty_extension()
        importlib.import_module("torchaudio")
        return True
    return False


def _empty_extension() -> ModuleType:
    def refuse(function: Callable[..., Any]) -> Callable[..., Any]:
        def refused(*arguments: object, **options: object) -> NoReturn:
            raise RuntimeError(
                f"{function.__name__} needs torchaudio's compiled extension, which does not work with this PyTorch."
            )

        return refused

    stub = ModuleType(EXTENSION)
    stub.__path__ = []
    vars(stub).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False, _IS_ALIGN_AVAILABLE=False, _check_cuda_version=lambda: None, fail_if_no_align=refuse
    )
    return stub
