"""What all parts of the document share: their base, and the ranges of their values."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from transcribe_cli.text.first_fault import FirstFaultModel
from transcribe_cli.text.numbers import MAX_COUNT, MAX_NUMBER, MAX_SECONDS

# Every number has a range, because anybody may have written the file: sums, clock times and rendered files stay finite.
Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Measure = Annotated[float, Field(ge=-MAX_NUMBER, le=MAX_NUMBER)]
# Codes and names of flags have a length, because they are printed with each recording.
Label = Annotated[str, Field(max_length=100)]
Flags = Annotated[tuple[Label, ...], Field(max_length=100)]


class Part(FirstFaultModel):
    """A part of the document. Frozen. Unknown keys are ignored, so that older versions can read newer files."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
