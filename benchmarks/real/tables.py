"""The tables: one for each group, and one over all groups. They have counts and rates, no text of the corpus and no paths."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.real.contenders import LOOPS
from benchmarks.report import Table

Figures = Mapping[str, Any]


def _rate(name: str) -> Callable[[Figures], str]:
    def shown(figures: Figures) -> str:
        counts = figures[name]
        return f"{counts['rate']:.2%}" if counts and counts["rate"] is not None else ""

    return shown


def _pair(name: str, first: str, second: str, text: str) -> Callable[[Figures], str]:
    return lambda figures: text.format(figures[name][first], figures[name][second]) if figures[name] else ""


def _interval(figures: Figures) -> str:
    found = figures.get("from_first")
    return "{points:+.1f} [{low:+.1f}, {high:+.1f}]".format(**found) if found else ""


def _some(name: str) -> Callable[[Figures], str]:
    return lambda figures: str(figures[name] or "")


_GROUPS = (
    "Groups: WER of recordings in which no contender wrote digits (* of all, because there are none),"
    " or words invented in how many recordings."
)
# Column -> its cell. A column without any cell is left out.
_COLUMNS: Mapping[str, Callable[[Figures], str]] = {
    "WER": _rate("wer"),
    "without digits": _rate("wer_without_digits"),
    "from first [95 %]": _interval,
    "CER": _rate("cer"),
    "cpWER": _rate("cpwer"),
    "DER": _rate("der"),
    "empty": _some("empty"),
    "missing": _pair("missing", "stretches", "seconds", "{} ({} s)"),
    "invented": _pair("invented", "words", "recordings", "{} in {}"),
    "wrong language": _pair("wrong_language", "count", "of", "{} of {}"),
    "start error s": _pair("starts", "median", "p90", "{:.2f} / {:.2f}"),
    "failed": _some("failed"),
}


def group_table(key: str, title: str, found: Mapping[str, Figures], problems: Sequence[str]) -> Table:
    """A row for each contender of a group."""
    kept = {column: cell for column, cell in _COLUMNS.items() if any(cell(figures) for figures in found.values())}
    table = Table(key, title, ("contender", *kept, "s", "x better loop", "RTFx", "peak MB"))
    for name, figures in found.items():
        cells = [cell(figures) for cell in kept.values()]
        table.rows.append([name, *cells, *_speed(figures, found), f"{figures['peak'] / 1e6:.0f}"])
    table.figures = dict(found)
    table.notes = [*_notes(found), *problems]
    return table


def overview(key: str, title: str, groups: Mapping[str, Mapping[str, Figures]], problems: Sequence[str]) -> Table:
    """A row for each contender, and its error rate without digits, or its invented words, for each group."""
    names = list(dict.fromkeys(name for found in groups.values() for name in found))
    table = Table(key, title, ("contender", *groups, "s", "x better loop", "peak MB"))
    sums = {name: _sum([found[name] for found in groups.values() if name in found]) for name in names}
    complete = {name: sums[name] for name in names if all(name in found for found in groups.values())}
    for name in names:
        cells = [_main_figure(found.get(name)) for found in groups.values()]
        speed = _speed(sums[name], complete)[:2] if name in complete else ["", ""]
        table.rows.append([name, *cells, *speed, f"{sums[name]['peak'] / 1e6:.0f}"])
    table.figures = {name: {group: found[name] for group, found in groups.items() if name in found} for name in names}
    table.notes = [_GROUPS, *problems]
    return table


def title(kind: str, count: int, seconds: float, model: Path, setting: str) -> str:
    """What was measured."""
    return f"{kind}: {count} recordings, {seconds / 60:.1f} min, {model.name}, {setting}"


def command(arguments: Sequence[str]) -> str:
    """The command without paths of this machine."""
    return shlex.join(["python", "-m", "benchmarks.real", *map(_without_paths, arguments)])


def _without_paths(argument: str) -> str:
    return " ".join(_base(word) for word in argument.split(" "))


def _base(word: str) -> str:
    before, equals, value = word.rpartition("=")
    return before + equals + (Path(value).name if value.startswith(("/", "~", "..")) else value)


def _speed(figures: Figures, all_of_them: Mapping[str, Figures]) -> list[str]:
    """Seconds, how many times as fast as the better of faster-whisper's two classes, and seconds of audio per second."""
    own = _median(figures)
    loops = [_median(all_of_them[name]) for name in LOOPS if name in all_of_them]
    return [f"{own:.1f}", f"{min(loops) / own:.2f}" if loops else "", f"{figures['audio'] / own:.1f}"]


def _median(figures: Figures) -> float:
    seconds = sorted(figures["seconds"])
    return float((seconds[(len(seconds) - 1) // 2] + seconds[len(seconds) // 2]) / 2)


def _sum(groups: Sequence[Figures]) -> Figures:
    return {
        "seconds": [sum(_median(figures) for figures in groups)],
        "audio": sum(figures["audio"] for figures in groups),
        "peak": max(figures["peak"] for figures in groups),
    }


def _main_figure(figures: Figures | None) -> str:
    if figures is None:
        return ""
    with_digits = _COLUMNS["WER"](figures)
    return _COLUMNS["invented"](figures) or _COLUMNS["without digits"](figures) or (with_digits and f"{with_digits} *")


def _notes(found: Mapping[str, Figures]) -> list[str]:
    first = next(iter(found.values()), None)
    if first is None:
        return []
    spelled, texts = (first[name]["recordings"] if first[name] else 0 for name in ("wer_without_digits", "wer"))
    notes = [f"Without digits: {spelled} of {texts} recordings, in which no contender wrote any."] if spelled < texts else []
    return notes + [
        f"{name}: {figures['changed']} texts differed in later rounds; the figures are those of the first."
        for name, figures in found.items()
        if figures["changed"]
    ]
