"""The work for a contender and its answer: JSON between the benchmark and the process of each contender."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from typing import Any, Self

LANGUAGE = "pt"
BEAM_SIZE = 5
# The batch size of all contenders on a GPU; on a CPU, the default of the batched loop.
BATCH_SIZE = {"cuda": 16, "cpu": 8}
# CTranslate2 halves `max_length`, including the prompt, which leaves 41 or 42 tokens.
MAX_NEW_TOKENS = 80


@dataclass(frozen=True)
class Work:
    """Recordings to transcribe, and the model for them.

    Attributes:
        model: the value of `--model`.
        random: whether the weights are random. Then every contender generates the same number of tokens, at one temperature.
        profile: seconds per call and per clip of a simulated accelerator; None for a real device.
        out: an empty folder for outputs.
        beside: whether to write transcripts next to the recordings instead, and replace existing ones.
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
        """The number of clips in a batch of the batched loop."""
        return BATCH_SIZE["cuda" if self.profile else self.device]

    @property
    def spec(self) -> dict[str, Any]:
        """The fields of our `JobSpec`."""
        fields: dict[str, Any] = {"model": self.model, "language": LANGUAGE, "beam_size": BEAM_SIZE}
        if self.random:
            fields |= {"temperature": 0.0, "max_new_tokens": MAX_NEW_TOKENS, "rescue": False}
        return fields

    def dumps(self) -> str:
        """As JSON, for `received` in another process."""
        return json.dumps(asdict(self))

    @classmethod
    def received(cls) -> Self:
        """The work from standard input."""
        fields = json.loads(sys.stdin.read())
        return cls(**fields | {"files": tuple(fields["files"]), "profile": fields["profile"] and tuple(fields["profile"])})


@dataclass
class Answer:
    """The result of one of our processes. `seconds` counts from when the model was loaded; `texts` are by file name.

    The other fields describe the simulated device: `lead` is the time until its first call, `span` the time
    from there to the end of its last one.
    """

    seconds: float = 0.0
    texts: dict[str, str] = field(default_factory=dict)
    clips: int = 0
    calls: int = 0
    busy: float = 0.0
    lead: float = 0.0
    span: float = 0.0

    def give(self) -> None:
        """Write the answer to standard output."""
        print(json.dumps(asdict(self)))


def tell(event: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write an event to standard error, like `transcribe run --log-format json`."""
    print(json.dumps({"event": event, **fields}), file=sys.stderr, flush=True)
