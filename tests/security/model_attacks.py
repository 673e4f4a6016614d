"""What the attacks through models share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transcribe_cli.errors import TranscribeError
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer


class Calls:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.called = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.called


def refusal(name: str | Path, **options: Any) -> str:
    """Load a diarizer that must be refused; returns the line that says why."""
    with pytest.raises(TranscribeError) as caught:
        PyannoteDiarizer.load(str(name), device="cpu", **options)
    assert caught.value.exit_code in (2, 4)
    assert "\n" not in str(caught.value)
    return str(caught.value)
