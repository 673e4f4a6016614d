"""Turn a tree of recordings into a tree of transcripts.

The public API, loaded on first use so that importing the package costs nothing:

    transcribe(sources, spec, settings)   iterate over the outcomes of recordings, in the order they finish
    JobSpec, Settings                     what to recognize; how and where to run
    Outcome, Transcript, Segment, Word    what comes back
    TranscribeError                       the root of everything that is raised
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
    from transcribe_cli.transcript import Segment, Transcript, Word

__version__ = "0.1.0"
__all__ = ["JobSpec", "Outcome", "Segment", "Settings", "TranscribeError", "Transcript", "Word", "__version__", "transcribe"]

_WHERE = {
    "JobSpec": "spec",
    "Outcome": "pipeline.outcome",
    "Segment": "transcript",
    "Settings": "settings",
    "TranscribeError": "errors",
    "Transcript": "transcript",
    "Word": "transcript",
    "transcribe": "api",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
