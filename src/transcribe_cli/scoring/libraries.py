"""Imports the libraries of the extra `score` on first use. The error for a missing one says how to install it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from transcribe_cli.errors import MissingExtra

_REQUIRED = {
    "wer": ("jiwer", "num2words"),
    "cer": ("jiwer", "num2words"),
    "der": ("pyannote.metrics.diarization",),
    "cpwer": ("meeteval.wer.wer.cp", "num2words"),
}
_PIP = "Try: pip install 'transcribe-cli[score]'"
_HINTS = {
    # It has no wheels.
    "meeteval": f"{_PIP} (needs a C++ compiler), or omit cpWER: --metrics wer,cer,der",
    "pyannote.metrics": f"{_PIP}, or omit DER: --metrics wer,cer",
}


def check(metrics: Sequence[str]) -> None:
    """Check that the libraries for these metrics are installed, before any file is read.

    Raises:
        MissingExtra: one is not.
    """
    for metric in metrics:
        for module in _REQUIRED[metric]:
            library(module)


def library(module: str) -> Any:  # noqa: ANN401 - a module; most of these have no types
    """Import a module of the extra `score`.

    Raises:
        MissingExtra: it is not installed or cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = next((name for name in _HINTS if module.startswith(name)), module)
        is_missing = isinstance(error, ModuleNotFoundError) and module.startswith(str(error.name))
        problem = "is not installed" if is_missing else f"cannot be loaded ({error})"
        raise MissingExtra(f"Scoring needs {name}, which {problem}.", _HINTS.get(name, _PIP)) from error
