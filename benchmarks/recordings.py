"""The cases that compare contenders: recordings of seconds, minutes and hours."""

from __future__ import annotations

import math
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import jiwer

from benchmarks.audio import Bank, Spoken
from benchmarks.contenders import FLOOR, LOOPS, OURS, Result, contenders, hours_in_memory
from benchmarks.places import Place
from benchmarks.report import Table, Target
from benchmarks.work import BATCH_SIZE

COLUMNS = ("contender", "median s", "min-max", "x better loop", "RTFx", "WER", "peak MB", "first done s", "clips", "idle")


@dataclass(frozen=True)
class Case:
    """A set of recordings, and its targets.

    Attributes:
        seconds: minimum and maximum length; the last sentence exceeds it slightly.
        against: the loops that the target on a simulated device refers to.
        faster: that target, as a ratio.
        limit: the target relative to the device-only limit, as a ratio.
        flags: ours is also measured with each of these.
    """

    name: str
    title: str
    count: int
    seconds: tuple[float, float]
    suffix: str = "mp3"
    against: Sequence[str] = ()
    faster: float = 0.0
    limit: float = 0.0
    flags: Sequence[str] = ()

    def lengths(self, scale: float) -> list[float]:
        """Seconds of each recording. `scale` reduces the number if lengths differ, otherwise the length."""
        if self.seconds[0] == self.seconds[1]:
            return [self.seconds[0] * scale] * self.count
        draw = random.Random(self.name)
        return [round(draw.uniform(*self.seconds), 1) for _ in range(self.count)][: max(2, round(self.count * scale))]


CASES = (
    Case("short", "60 recordings of 3 to 12 s", 60, (1.5, 10.0), "m4a", LOOPS, 3.3, 1.08, ("--no-full-window",)),
    Case("medium", "20 recordings of 2 to 10 min", 20, (120.0, 600.0), "m4a"),
    Case("hour", "one recording of 1 h", 1, (3600.0, 3600.0), "mp3", ("batched",), 1.35, 1.10),
    Case("hours", "one recording of 2 h", 1, (7200.0, 7200.0)),
    Case("six", "3 h in six recordings", 6, (1800.0, 1800.0), "mp3", ("batched",), 1.35, 1.10),
)


@dataclass(frozen=True)
class Measuring:
    """The options of a measurement."""

    cache: Path
    scale: float
    rounds: int
    only: Sequence[str] = ()
    peers: Path | None = None


def measure(case: Case, place: Place, how: Measuring) -> Table:
    """Measure all contenders, in interleaved rounds, because the speed of a machine drifts."""
    spoken = Bank(how.cache).recordings(case.name, case.lengths(how.scale), case.suffix)
    work = place.work([item.path for item in spoken], how.cache)
    table = Table(f"{case.name} {place.name}", f"{case.title}: {place.title}", COLUMNS, scale=how.scale)
    table.notes.append(
        f"{len(spoken)} files, {sum(item.seconds for item in spoken) / 60:.1f} min of audio, rounds: {how.rounds}."
    )
    able = {name: run for name, run in contenders(work, how.peers, case.flags).items() if not how.only or name in how.only}
    if (reason := hours_in_memory(work, max(item.seconds for item in spoken))) and able.pop("sequential", None):
        table.notes.append(f"{reason}.")
    results: dict[str, list[Result]] = {name: [] for name in able}
    for number in range(how.rounds):
        for name, run in able.items():
            print(f"  {table.key}, round {number + 1}: {name}", file=sys.stderr)
            with tempfile.TemporaryDirectory() as out:
                results[name].append(run(replace(work, out=out)))
    _fill(table, results, spoken, place)
    _aim(table, case, results, place)
    return table


def limit(clips: int, profile: tuple[float, float]) -> float:
    """Seconds that a simulated device takes for this many clips in full batches."""
    latency, per_clip = profile
    return math.ceil(clips / BATCH_SIZE["cuda"]) * latency + clips * per_clip


def _median(results: Sequence[Result]) -> float:
    return statistics.median(result.seconds for result in results)


def _better(results: dict[str, list[Result]], loops: Sequence[str] = LOOPS) -> float | None:
    return min((_median(results[name]) for name in loops if name in results), default=None)


def _fill(table: Table, results: dict[str, list[Result]], spoken: list[Spoken], place: Place) -> None:
    audio = sum(item.seconds for item in spoken)
    better = _better(results)
    for name, runs in results.items():
        seconds = [run.seconds for run in runs]
        middle = statistics.median(seconds)
        errors = _errors(runs[-1].texts, spoken) if runs[-1].texts and not place.profile and place.model == "demo" else None
        first = [run.first for run in runs if run.first is not None]
        idle = [1 - run.busy / run.span for run in runs if run.span]
        table.rows.append(
            [
                name,
                f"{middle:.2f}",
                f"{min(seconds):.2f}-{max(seconds):.2f}",
                f"{better / middle:.2f}" if better else "",
                f"{audio / middle:.0f}",
                f"{errors:.1%}" if errors is not None else "",
                f"{max(run.peak for run in runs) / 1e6:.0f}",
                f"{statistics.median(first):.2f}" if first else "",
                f"{runs[-1].clips}" if runs[-1].clips else "",
                f"{statistics.median(idle):.0%}" if idle else "",
            ]
        )
        numbers = [{key: value for key, value in asdict(run).items() if key != "texts"} for run in runs]
        table.figures[name] = {"rounds": numbers, "median": middle, "errors": errors}
    if place.profile and (runs := results.get(OURS)):
        least = limit(runs[-1].clips, place.profile)
        table.figures["limit"] = least
        table.rows.append(["device-only limit of our clips", f"{least:.2f}", *[""] * (len(COLUMNS) - 2)])


def _aim(table: Table, case: Case, results: dict[str, list[Result]], place: Place) -> None:
    better = _better(results, case.against if place.profile else LOOPS)
    if OURS not in results:
        return
    ours = _median(results[OURS])
    if not place.profile:
        if better:
            table.targets.append(
                Target("at least 1.0x the better loop, 1.2x wished", f"{better / ours:.2f}x", better / ours >= 1.0)
            )
        if FLOOR in results:
            table.notes.append(f"Ours takes {ours / _median(results[FLOOR]):.2f}x the floor.")
        return
    if case.faster and better:
        name = "the batched loop" if len(case.against) == 1 else "the better loop"
        table.targets.append(Target(f"at least {case.faster}x {name}", f"{better / ours:.2f}x", better / ours >= case.faster))
    share = ours / table.figures["limit"]
    if case.limit:
        table.targets.append(Target(f"at most {case.limit:.2f}x the device-only limit", f"{share:.2f}x", share <= case.limit))
    else:
        table.notes.append(f"Ours takes {share:.2f}x the device-only limit.")


def _errors(texts: dict[str, str], spoken: list[Spoken]) -> float:
    """Word error rate over all recordings."""
    return jiwer.wer([_words(item.text) for item in spoken], [_words(texts.get(item.path.name, "")) for item in spoken])


def _words(text: str) -> str:
    """Lower case without punctuation."""
    return " ".join("".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").split())
