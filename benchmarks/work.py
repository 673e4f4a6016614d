"""What a contender is asked to do and what it answers: JSON between the benchmark and the process that each contender has of its own."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from typing import Any, Self

LANGUAGE = "pt"
BEAM_SIZE = 5
# A GPU's batch size for everybody; on a processor the batched loop's own default.
BATCH_SIZE = {"cuda": 16, "cpu": 8}
# CTranslate2 cuts `max_length`, prompt included, in half: so that 41 or 42 tokens are said.
MAX_NEW_TOKENS = 80


@dataclass(frozen=True)
class Work:
    """Recordings to transcribe and the model to do it with.

    Attributes:
        model: what `--model` takes.
        random: whether the model's weights are: then all say the same number of tokens, at one temperature.
        profile: seconds that a simulated accelerator takes for a call, and for each clip in it; None computes.
        out: an empty folder to write into.
        beside: whether transcripts go beside the recordings all the same, in the place of those that are there.
    """

    files: tuple[str, ...]
    model: str
    folder: str
    device: str
    compute_type: str
    threads: int
    out: str
    random: bool = False
    profile: tuple[float, float] | None = None
    beside: bool = False

    @property
    def batch_size(self) -> int:
        """Clips in a batch of the batched loop."""
        return BATCH_SIZE["cuda" if self.profile else self.device]

    @property
    def spec(self) -> dict[str, Any]:
        """The fields of our `JobSpec`."""
        fields: dict[str, Any] = {"model": self.model, "language": LANGUAGE, "beam_size": BEAM_SIZE}
        if self.random:
            fields |= {"temperature": 0.0, "max_new_tokens": MAX_NEW_TOKENS, "rescue": False}
        return fields

    def dumps(self) -> str:
        """For `received` in another process."""
        return json.dumps(asdict(self))

    @classmethod
    def received(cls) -> Self:
        """The work that stands on standard input."""
        fields = json.loads(sys.stdin.read())
        return cls(**fields | {"files": tuple(fields["files"]), "profile": fields["profile"] and tuple(fields["profile"])})


@dataclass
class Answer:
    """What a process of ours found. `seconds` counts from when the model was loaded; `texts` goes by file name.

    The rest is about the simulated device: `lead` is from there to its first call, `span` from then to the end of its last one.
    """

    seconds: float = 0.0
    texts: dict[str, str] = field(default_factory=dict)
    clips: int = 0
    calls: int = 0
    busy: float = 0.0
    lead: float = 0.0
    span: float = 0.0

    def give(self) -> None:
        """Write it to standard output."""
        print(json.dumps(asdict(self)))


def tell(event: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON value
    """An event on standard error, as `transcribe run --log-format json` tells it."""
    print(json.dumps({"event": event, **fields}), file=sys.stderr, flush=True)
