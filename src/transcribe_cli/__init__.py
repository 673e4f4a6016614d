"""Transcribe folders of recordings.

The public API, loaded on first use so that importing the package is fast:

    transcribe(sources, spec, settings)   iterate over the outcomes of the recordings, in the order they finish
    JobSpec, Settings                     what to recognize; how and where to run it
    Outcome, Transcript, Segment, Word    the results
    Quality, Reason                       `transcript.quality`: the verdict on the text, and why
    TranscribeError                       base class of all errors
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transcribe_cli.api import transcribe
    from transcribe_cli.errors import TranscribeError
    from transcribe_cli.pipeline.outcome import Outcome
    from transcribe_cli.settings import Settings
    from transcribe_cli.spec import JobSpec
    from transcribe_cli.transcript import Quality, Reason, Segment, Transcript, Word

__version__ = "0.1.0"
__all__ = [
    "JobSpec",
    "Outcome",
    "Quality",
    "Reason",
    "Segment",
    "Settings",
    "TranscribeError",
    "Transcript",
    "Word",
    "__version__",
    "transcribe",
]

_MODULES = {
    "JobSpec": "spec",
    "Outcome": "pipeline.outcome",
    "Quality": "transcript",
    "Reason": "transcript",
    "Segment": "transcript",
    "Settings": "settings",
    "TranscribeError": "errors",
    "Transcript": "transcript",
    "Word": "transcript",
    "transcribe": "api",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type depends on the name
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
