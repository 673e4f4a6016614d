"""Cases without other contenders: memory, the first transcript, and a run with nothing to do."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.audio import Bank
from benchmarks.contenders import our_command
from benchmarks.places import Place
from benchmarks.process import Ran, run
from benchmarks.recordings import Measuring
from benchmarks.report import Table, Target

HOURS = 6
MINUTES = 10
DONE = 1000
MEMORY_MB = 250
FIRST_SECONDS = 10.0
DONE_SECONDS = 3.0


def memory(place: Place, how: Measuring) -> Table:
    """The peak memory of all our processes, for six hours and for ten minutes."""
    table = Table(
        f"memory {place.name}", f"Peak memory: {place.title}", ("recording", "peak MB", "seconds", "RTFx"), scale=how.scale
    )
    peaks = []
    for title, length in {"10 min": 60.0 * MINUTES, "6 h": 3600.0 * HOURS * how.scale}.items():
        spoken = Bank(how.cache).recordings("whole", [length], "mp3")
        ran = _ours(place, how, [spoken[0].path])
        peaks.append(ran.peak)
        table.rows.append([title, f"{ran.peak / 1e6:.0f}", f"{ran.seconds:.1f}", f"{spoken[0].seconds / ran.seconds:.0f}"])
        table.figures[title] = {"peak": ran.peak, "seconds": ran.seconds, "audio": spoken[0].seconds}
    more = (peaks[1] - peaks[0]) / 1e6
    table.targets.append(Target(f"six hours at most {MEMORY_MB} MB above ten minutes", f"{more:+.0f} MB", more <= MEMORY_MB))
    return table


def first(place: Place, how: Measuring) -> Table:
    """Seconds from the loaded model to finished recordings, with a lecture of six hours before ten short ones."""
    lecture = Bank(how.cache).recordings("whole", [3600.0 * HOURS * how.scale], "mp3")
    notes = Bank(how.cache).recordings("note", [2.0 + number for number in range(10)], "m4a")
    title = f"A recording of 6 h, then ten short ones: {place.title}"
    table = Table(
        f"first {place.name}",
        title,
        ("round", "model loaded s", "first finished after it s", "all ten after it s"),
        scale=how.scale,
    )
    found = []
    for number in range(how.rounds):
        ended: list[object] = []

        def enough(event: dict[str, object], ended: list[object] = ended) -> bool:
            ended.extend([event] if event.get("event") == "recording_done" else [])
            return len(ended) >= len(notes)

        ran = _ours(place, how, [item.path for item in [*lecture, *notes]], enough)
        loaded = ran.at("model_loaded") or 0.0
        times = [event["at"] - loaded for event in ran.events if event["event"] == "recording_done"][: len(notes)]
        found.append(times[0])
        table.rows.append([str(number + 1), f"{loaded:.1f}", f"{times[0]:.2f}", f"{times[-1]:.2f}"])
        table.figures[f"round {number + 1}"] = {"loaded": loaded, "after": times}
    middle = statistics.median(found)
    table.targets.append(
        Target(
            f"the first finished less than {FIRST_SECONDS:.0f} s after the model is loaded",
            f"{middle:.1f} s",
            middle < FIRST_SECONDS,
        )
    )
    return table


def done(place: Place, how: Measuring) -> Table:
    """Seconds of a second run over a thousand recordings that the first run has finished."""
    count = max(10, round(DONE * how.scale))
    note = Bank(how.cache).recordings("note", [2.0], "m4a")[0]
    title = f"{count:,} finished recordings, the same command again: {place.title}"
    table = Table(f"done {place.name}", title, ("run", "seconds", "finished", "skipped", "loaded a model"), scale=how.scale)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            # Ten folders, like a tree of courses.
            copy = Path(folder, "in", f"course{number % 10}", f"note{number:04}.m4a")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(note.path, copy)
        command = our_command(place.work([Path(folder, "in")], how.cache, folder))
        later = []
        for number in range(1 + how.rounds):
            print(f"  {table.key}, run {number + 1}", file=sys.stderr)
            ran = run(command)
            loaded, last = ran.at("model_loaded") is not None, ran.events[-1]
            row = [
                f"{number + 1}",
                f"{ran.seconds:.2f}",
                str(last["transcribed"]),
                str(last["skipped"]),
                "yes" if loaded else "no",
            ]
            table.rows.append(row)
            table.figures[f"run {number + 1}"] = {"seconds": ran.seconds, "peak": ran.peak, "loaded": loaded}
            later += [(ran.seconds, loaded)] if number else []
    middle = statistics.median(seconds for seconds, _ in later)
    aim = f"less than {DONE_SECONDS:.0f} s, and no model loaded"
    table.targets.append(Target(aim, f"{middle:.2f} s", middle < DONE_SECONDS and not any(loaded for _, loaded in later)))
    return table


CASES: dict[str, Callable[[Place, Measuring], Table]] = {"memory": memory, "first": first, "done": done}


def _ours(
    place: Place, how: Measuring, files: list[Path], enough: Callable[[dict[str, object]], bool] = lambda event: False
) -> Ran:
    print(f"  ours, {len(files)} files", file=sys.stderr)
    with tempfile.TemporaryDirectory() as out:
        return run(our_command(replace(place.work(files, how.cache), out=out)), enough=enough)
