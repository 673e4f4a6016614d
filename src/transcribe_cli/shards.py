"""Shards: split a tree between machines by a hash of each recording's path, without coordination.

The shard of a recording depends only on its path below the source folder and on the number of shards. The names of the environment
variables are from the schedulers' documentation. They count from 0, shards count from 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from transcribe_cli.errors import UsageError

_INDEX_OF_COUNT = re.compile(r"(\d{1,9})/(\d{1,9})")
_AUTO = re.compile(r"auto(?:/(\d{1,9}))?")


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of a tree; `index` is 1 to `count`."""

    index: int
    count: int

    def __str__(self) -> str:
        """The form that users write: `2/4`."""
        return f"{self.index}/{self.count}"

    def contains(self, relative: bytes) -> bool:
        """Whether a recording belongs to this shard. `relative` is its path below the source folder, with slashes."""
        return int.from_bytes(hashlib.sha256(relative).digest()[:8], "big") % self.count == self.index - 1


@dataclass(frozen=True)
class RankVariables:
    """Environment variables of a scheduler for the task index and count. `first` and `step` are for indexes that do not start at 0."""

    scheduler: str
    index: str
    count: str | None
    first: str | None = None
    step: str | None = None


SCHEDULERS = (
    RankVariables("SkyPilot jobs", "SKYPILOT_JOB_RANK", "SKYPILOT_NUM_JOBS"),
    RankVariables("SkyPilot nodes", "SKYPILOT_NODE_RANK", "SKYPILOT_NUM_NODES"),
    RankVariables("dstack", "DSTACK_NODE_RANK", "DSTACK_NODES_NUM"),
    RankVariables("AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    RankVariables("Google Batch", "BATCH_TASK_INDEX", "BATCH_TASK_COUNT"),
    RankVariables("Cloud Run jobs", "CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"),
    RankVariables("Kubernetes indexed jobs", "JOB_COMPLETION_INDEX", None),
    RankVariables(
        "SLURM arrays", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"
    ),
    RankVariables("SLURM tasks", "SLURM_PROCID", "SLURM_NTASKS"),
    RankVariables("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    RankVariables("torchrun", "RANK", "WORLD_SIZE"),
)


def check_shard(text: str) -> str:
    """Return the text if it is `i/n`, `auto` or `auto/n`.

    Raises:
        ValueError: it is something else. The message says what is expected.
    """
    if (match := _INDEX_OF_COUNT.fullmatch(text)) and not 1 <= int(match[1]) <= int(match[2]):
        last = max(1, int(match[2]))
        raise ValueError(f"shards count from 1, so 1/{last} is the first and {last}/{last} the last")
    if (auto := _AUTO.fullmatch(text)) and auto[1] is not None and int(auto[1]) < 1:
        raise ValueError("auto/n needs a number of shards, 1 or more")
    if not match and not auto:
        raise ValueError("a shard is i/n such as 1/4, or auto, or auto/n if the scheduler does not set the number of shards")
    return text


def parse_shard(text: str) -> Shard:
    """Parse `i/n`, which has been checked.

    Raises:
        UsageError: it is `auto`, which the caller has to resolve first.
    """
    if (match := _INDEX_OF_COUNT.fullmatch(text)) is None:
        raise UsageError(f"The shard {text} depends on the environment.", "Use i/n, such as 1/4.")
    return Shard(int(match[1]), int(match[2]))


def resolve_shard(text: str, environ: Mapping[str, str]) -> str:
    """Resolve `auto` and `auto/n` to `i/n` from the scheduler's environment variables. `i/n` is returned unchanged.

    If several schedulers set variables (torchrun inside SLURM), the first of `SCHEDULERS` with more than one task is used.

    Raises:
        UsageError: no scheduler set its variables, or their values are invalid.
    """
    if (auto := _AUTO.fullmatch(text)) is None:
        return text
    schedulers = [ranks for ranks in SCHEDULERS if environ.get(ranks.index)]
    if not schedulers:
        names = ", ".join(ranks.index for ranks in SCHEDULERS)
        raise UsageError(f"--shard {text}: no environment variable with the task index is set.", f"Looked for {names}.")
    shards = [_shard(ranks, environ, auto[1]) for ranks in schedulers]
    return str(next((shard for shard in shards if shard.count > 1), shards[0]))


def _shard(ranks: RankVariables, environ: Mapping[str, str], given_count: str | None) -> Shard:
    """The shard from the variables of one scheduler.

    Raises:
        UsageError: a variable is missing or invalid; the message names it.
    """
    index = _number(ranks.index, environ)
    if given_count is None and (ranks.count is None or not environ.get(ranks.count)):
        missing = f"{ranks.count} is not" if ranks.count else "no variable has the number of tasks"
        raise UsageError(
            f"--shard auto: {ranks.index}={index} is set, but {missing}.", "Set the number of shards: --shard auto/8."
        )
    count = int(given_count) if given_count is not None else _number(ranks.count or "", environ)
    first = _number(ranks.first, environ) if ranks.first and environ.get(ranks.first) else 0
    step = max(1, _number(ranks.step, environ)) if ranks.step and environ.get(ranks.step) else 1
    position, remainder = divmod(index - first, step)
    if remainder or not 0 <= position < count:
        raise UsageError(
            f"--shard auto: {ranks.index}={index} is not one of {count} tasks.",
            "Number the tasks without gaps, or use --shard i/n.",
        )
    return Shard(position + 1, count)


def _number(name: str, environ: Mapping[str, str]) -> int:
    text = environ.get(name, "")
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise UsageError(f"--shard auto: {name} is {text!r}, not a number.", "Use --shard i/n, such as 1/4.")
    return int(text)
