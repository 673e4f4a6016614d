"""Shards: a tree divided between machines that need not know of each other, by a hash of each recording's path.

Which shard a recording belongs to depends on nothing but its own path below the folder that was named, and the number of shards. Names
and orders of the variables are those of the engines' own documentation; all of them count from 0, shards from 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from transcribe_cli.errors import UsageError

_FORM = re.compile(r"(\d{1,9})/(\d{1,9})")
_AUTO = re.compile(r"auto(?:/(\d{1,9}))?")


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of a tree; `index` is 1 to `count`."""

    index: int
    count: int

    def __str__(self) -> str:
        """As users write it: `2/4`."""
        return f"{self.index}/{self.count}"

    def contains(self, relative: bytes) -> bool:
        """Whether the recording of this path, below the folder that was named and with slashes, belongs to it."""
        return int.from_bytes(hashlib.sha256(relative).digest()[:8], "big") % self.count == self.index - 1


@dataclass(frozen=True)
class Ranks:
    """Variables in which an engine says which of how many tasks this is. `first` and `step` are those of numbers that begin elsewhere."""

    engine: str
    index: str
    count: str | None
    first: str | None = None
    step: str | None = None


ENGINES = (
    Ranks("SkyPilot jobs", "SKYPILOT_JOB_RANK", "SKYPILOT_NUM_JOBS"),
    Ranks("SkyPilot nodes", "SKYPILOT_NODE_RANK", "SKYPILOT_NUM_NODES"),
    Ranks("dstack", "DSTACK_NODE_RANK", "DSTACK_NODES_NUM"),
    Ranks("AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    Ranks("Google Batch", "BATCH_TASK_INDEX", "BATCH_TASK_COUNT"),
    Ranks("Cloud Run jobs", "CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"),
    Ranks("Kubernetes indexed jobs", "JOB_COMPLETION_INDEX", None),
    Ranks("SLURM arrays", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"),
    Ranks("SLURM tasks", "SLURM_PROCID", "SLURM_NTASKS"),
    Ranks("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    Ranks("torchrun", "RANK", "WORLD_SIZE"),
)


def check_shard(text: str) -> str:
    """The text, when it is `i/n`, `auto` or `auto/n`.

    Raises:
        ValueError: saying what it should be.
    """
    if (form := _FORM.fullmatch(text)) and not 1 <= int(form[1]) <= int(form[2]):
        last = max(1, int(form[2]))
        raise ValueError(f"shards count from 1, so 1/{last} is the first and {last}/{last} the last")
    if (auto := _AUTO.fullmatch(text)) and auto[1] is not None and int(auto[1]) < 1:
        raise ValueError("auto/n needs a number of shards, 1 or more")
    if not form and not auto:
        raise ValueError("a shard is i/n such as 1/4, or auto, or auto/n where only the number of shards is known")
    return text


def parse_shard(text: str) -> Shard:
    """The shard that `i/n` means; the text has been checked.

    Raises:
        UsageError: it is `auto`, which whoever knows the environment has to resolve first.
    """
    if (form := _FORM.fullmatch(text)) is None:
        raise UsageError(f"Which shard {text} is depends on the environment.", "Give it as i/n, such as 1/4.")
    return Shard(int(form[1]), int(form[2]))


def resolve_shard(text: str, environ: Mapping[str, str]) -> str:
    """`auto` and `auto/n` as `i/n`, by the variables of the engine that started this process; `i/n` as it is.

    Where several engines have set theirs (torchrun inside SLURM), the first of `ENGINES` counts that has more than one task.

    Raises:
        UsageError: no engine said anything, or nothing that makes sense.
    """
    if (auto := _AUTO.fullmatch(text)) is None:
        return text
    found = [ranks for ranks in ENGINES if environ.get(ranks.index)]
    if not found:
        names = ", ".join(ranks.index for ranks in ENGINES)
        raise UsageError(f"--shard {text}: none of the variables is set that say which task this is.", f"Looked for {names}.")
    shards = [_shard(ranks, environ, auto[1]) for ranks in found]
    return str(next((shard for shard in shards if shard.count > 1), shards[0]))


def _shard(ranks: Ranks, environ: Mapping[str, str], given: str | None) -> Shard:
    """What one engine says.

    Raises:
        UsageError: naming the variable.
    """
    index = _number(ranks.index, environ)
    if given is None and (ranks.count is None or not environ.get(ranks.count)):
        missing = f"{ranks.count} is not set" if ranks.count else "there is no variable that says how many"
        raise UsageError(f"--shard auto: {ranks.index}={index} is there, but {missing}.", "Say how many: --shard auto/8.")
    count = int(given) if given is not None else _number(ranks.count or "", environ)
    first = _number(ranks.first, environ) if ranks.first and environ.get(ranks.first) else 0
    step = max(1, _number(ranks.step, environ)) if ranks.step and environ.get(ranks.step) else 1
    place, rest = divmod(index - first, step)
    if rest or not 0 <= place < count:
        raise UsageError(
            f"--shard auto: {ranks.index}={index} is none of {count} tasks in a row.",
            "Number them without gaps, or give --shard i/n.",
        )
    return Shard(place + 1, count)


def _number(name: str, environ: Mapping[str, str]) -> int:
    text = environ.get(name, "")
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise UsageError(f"--shard auto: {name} is {text!r}, not a number.", "Give the shard as i/n, such as 1/4.")
    return int(text)
