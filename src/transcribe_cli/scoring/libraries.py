"""The libraries that measure, imported on first use; a missing one names its cure. They are the extra `score`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from transcribe_cli.errors import MissingExtra

_MEASURES = {
    "wer": ("jiwer", "num2words"),
    "cer": ("jiwer", "num2words"),
    "der": ("pyannote.metrics.diarization",),
    "cpwer": ("meeteval.wer.wer.cp", "num2words"),
}
_PIP = "Try: pip install 'transcribe-cli[score]'"
_HINTS = {
    # It has no wheels: https://pypi.org/project/meeteval/#files
    "meeteval": f"{_PIP} (needs a C++ compiler), or leave cpWER out: --metrics wer,cer,der",
    "pyannote.metrics": f"{_PIP}, or leave DER out: --metrics wer,cer",
}


def check(metrics: Sequence[str]) -> None:
    """That what these metrics need is there, before anything is read.

    Raises:
        MissingExtra: it is not.
    """
    for metric in metrics:
        for module in _MEASURES[metric]:
            library(module)


def library(module: str) -> Any:  # noqa: ANN401 - a module; most of these have no types
    """Import a module of the extra `score`.

    Raises:
        MissingExtra: it is not installed, or not whole.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = next((name for name in _HINTS if module.startswith(name)), module)
        absent = isinstance(error, ModuleNotFoundError) and module.startswith(str(error.name))
        trouble = "is not installed" if absent else f"cannot be loaded ({error})"
        raise MissingExtra(f"Scoring needs {name}, which {trouble}.", _HINTS.get(name, _PIP)) from error
