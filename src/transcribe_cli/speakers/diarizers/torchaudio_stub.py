"""torchaudio without its compiled part, for a PyTorch that has no CUDA.

The torchaudio wheels for x86-64 Linux are CUDA builds, up to 2.11 at least: beside a CPU build of PyTorch `import torchaudio` ends in an
OSError about libcudart, and pyannote.audio imports it. All that pyannote.audio 4 needs of it (resampling, mel filters, Kaldi's filter
banks) is written in Python; the compiled part holds alignment, RNN-T loss and filters. So where it cannot be loaded, a module of the
same name that holds nothing takes its place. The names in it are those that torchaudio 2.9 to 2.11 import from there:
https://github.com/pytorch/audio/blob/v2.11.0/src/torchaudio/_extension/__init__.py
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

EXTENSION = "torchaudio._extension"


def install_where_needed() -> bool:
    """Make `import torchaudio` work where only its compiled part is in the way; True when that was so.

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
        sys.modules[EXTENSION] = _without_compiled_part()
        importlib.import_module("torchaudio")
        return True
    return False


def _without_compiled_part() -> ModuleType:
    def refuse(function: Callable[..., Any]) -> Callable[..., Any]:
        def refused(*arguments: object, **options: object) -> NoReturn:
            raise RuntimeError(f"{function.__name__} needs torchaudio's compiled part, which is not for this PyTorch.")

        return refused

    stub = ModuleType(EXTENSION)
    stub.__path__ = []
    vars(stub).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False, _IS_ALIGN_AVAILABLE=False, _check_cuda_version=lambda: None, fail_if_no_align=refuse
    )
    return stub
