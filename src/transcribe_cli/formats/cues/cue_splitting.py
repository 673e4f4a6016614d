"""Which words make a cue: of all ways to cut, the one that costs least, found by dynamic programming in time linear in the words.

A cue that does not fit in its lines or lasts too long is no candidate, unless it is one word. Of the others each costs what its end costs
(`breaks`), what its best line break costs, and more when it cannot be read in its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transcribe_cli.formats.cues.break_costs import NEVER, SENTENCE
from transcribe_cli.formats.cues.words import Run
from transcribe_cli.subtitles.standards import Rules

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_TINY_CHARACTERS = 15
# Most words of a cue, whatever the rules, and how many words are looked at in one step: what bounds time and memory.
_MOST_WORDS = 200
_STEP = 2048


@dataclass(frozen=True)
class Weights:
    """What a cue costs beside its end and its line break, on the scale of `breaks`.

    Attributes:
        cue: for being one: few cues are read more easily than many.
        too_fast, too_short: for too little time to be read, or to be seen.
        each_second: for each second that it lacks.
        gap: for a gap after it that cannot be closed, since the cue would last too long.
        two_sentences: for each sentence that ends within it.
        torn: when such a one is followed by only the beginning of another.
        tiny: for one of no characters, less for one of some.
        line_break: how much its best line break counts.
    """

    cue: float = 4.0
    too_fast: float = 16.0
    too_short: float = 6.0
    each_second: float = 10.0
    gap: float = 6.0
    two_sentences: float = 1.0
    torn: float = 5.0
    tiny: float = 4.0
    line_break: float = 0.7


WEIGHTS = Weights()


@dataclass(frozen=True)
class _Table:
    """All words of the recording, of all runs; arrays of shape (words,).

    Attributes:
        ends: where the display of a cue that ends with this word must end, because another one follows.
        offsets: shape (words + 1,), characters before each word, with the space before it.
        leads: how many characters a line that begins with this word has less (its space) or more (a label).
        last: the last word of its run.
        sentences: shape (words + 1,), sentences that ended before each word.
    """

    starts: Ints
    stops: Ints
    ends: Ints
    offsets: Ints
    leads: Ints
    last: Ints
    costs: Floats
    sentences: Ints


def cut(
    runs: Sequence[Run], costs: Sequence[Sequence[float]], labels: Sequence[int], rules: Rules, weights: Weights = WEIGHTS
) -> list[list[int]]:
    """For each run, how many words each of its cues has.

    Args:
        runs: of the whole recording, in order.
        costs: for each run, what it costs to break after each of its words.
        labels: characters that are written before each run.
        rules: of the language that most of it has.
        weights: the defaults were chosen by reading lectures, and so that few cues are too fast: benchmarks/subtitles.py.
    """
    if rules.max_words is None and rules.max_ms is None and (rules.max_chars is None or rules.max_lines is None):
        return [[len(run.words)] for run in runs]
    table = _table(runs, costs, labels, rules)
    reach = _line_ends(table, rules)
    furthest = _furthest(table, reach, rules)
    return _by_run(_least(table, reach, furthest, rules, weights), runs)


def _table(runs: Sequence[Run], costs: Sequence[Sequence[float]], labels: Sequence[int], rules: Rules) -> _Table:
    words = [word for run in runs for word in run.words]
    counts = np.array([len(run.words) for run in runs])
    firsts = np.cumsum(counts) - counts
    starts = np.array([word.start_ms for word in words], dtype=np.int64)
    stops = np.array([word.end_ms for word in words], dtype=np.int64)
    following = np.append(starts[1:], np.iinfo(np.int64).max // 2)
    leads = -np.array([word.text.startswith(" ") for word in words], dtype=np.int64)
    leads[firsts] += np.array(labels, dtype=np.int64)
    flat = np.array([cost for of_run in costs for cost in of_run])
    return _Table(
        starts=starts,
        stops=stops,
        ends=np.where(following > starts, following - rules.gap_ms, np.iinfo(np.int64).max // 2),
        offsets=np.concatenate([[0], np.cumsum([len(word.text) for word in words])]),
        leads=leads,
        last=np.repeat(firsts + counts - 1, counts),
        costs=flat,
        sentences=np.concatenate([[0], np.cumsum(flat == SENTENCE)]),
    )


def _line_ends(table: _Table, rules: Rules) -> Ints:
    """For each word, the last one of the longest line that begins with it."""
    here = np.arange(len(table.starts))
    if rules.max_chars is None:
        return table.last
    room = table.offsets[:-1] - table.leads + rules.max_chars
    return np.clip(np.searchsorted(table.offsets, room, side="right") - 2, here, table.last)


def _furthest(table: _Table, reach: Ints, rules: Rules) -> Ints:
    """For each word, the last one of the longest cue that begins with it."""
    here = np.arange(len(table.starts))
    found = reach.copy() if rules.max_lines else table.last.copy()
    for _ in range((rules.max_lines or 1) - 1):
        found = np.where(found < table.last, reach[np.minimum(found + 1, table.last)], found)
    if rules.max_ms is not None:
        stops = np.maximum.accumulate(table.stops)
        found = np.minimum(found, np.searchsorted(stops, table.starts + rules.max_ms, side="right") - 1)
    found = np.minimum(found, here + min(rules.max_words or _MOST_WORDS, _MOST_WORDS) - 1)
    return np.maximum(found, here)


def _least(table: _Table, reach: Ints, furthest: Ints, rules: Rules, weights: Weights) -> list[int]:
    """For each word, how many words the cue has that begins with it, in the cheapest way to cut what follows."""
    count = len(table.starts)
    totals = [0.0] * (count + 1)
    lengths = [0] * count
    for begin in reversed(range(0, count, _STEP)):
        firsts = np.arange(begin, min(begin + _STEP, count))
        rows = _costs(table, reach, firsts, furthest[firsts], rules, weights).tolist()
        sizes = (furthest[firsts] - firsts + 1).tolist()
        for place in reversed(range(len(firsts))):
            first, size = begin + place, sizes[place]
            sums = [cost + total for cost, total in zip(rows[place], totals[first + 1 : first + 1 + size], strict=False)]
            totals[first] = least = min(sums)
            lengths[first] = sums.index(least) + 1
    return lengths


def _costs(table: _Table, reach: Ints, firsts: Ints, furthest: Ints, rules: Rules, weights: Weights) -> Floats:
    """What each cue costs: a row for each first word, a column for each number of words; beyond `furthest` of no meaning."""
    begins = firsts[:, None]
    columns = np.arange(int((furthest - firsts).max()) + 1)
    finals = np.minimum(begins + columns, table.last[begins])
    characters = table.offsets[finals + 1] - table.offsets[begins] + table.leads[begins]
    shown = np.minimum(table.ends[finals], table.stops[finals] + rules.extend_ms) - table.starts[begins]
    room = np.minimum(table.ends[finals] - table.starts[begins], max(rules.min_ms, 1))
    needed = np.maximum(
        characters * (1000 / rules.chars_per_second) if rules.chars_per_second else 0.0,
        (columns + 1) * (60_000 / rules.words_per_minute) if rules.words_per_minute else 0.0,
    )
    slow = np.maximum(needed - np.maximum(shown, room), 0)
    short = np.maximum(rules.min_ms - room, 0)
    within = table.sentences[finals] - table.sentences[begins]
    torn = (within > 0) & (table.costs[finals] > 0)
    costs: Floats = weights.cue + table.costs[finals]
    costs += (slow > 0) * weights.too_fast + slow * (weights.each_second / 1000)
    costs += (short > 0) * weights.too_short + short * (weights.each_second / 1000)
    if rules.max_ms is not None:
        pauses = table.ends[finals] + rules.gap_ms - table.stops[finals]
        costs += ((pauses < rules.close_ms) & (table.ends[finals] - table.starts[begins] > rules.max_ms)) * weights.gap
    costs += within * weights.two_sentences + torn * weights.torn
    costs += np.maximum(1 - characters / _TINY_CHARACTERS, 0) * weights.tiny
    if rules.max_chars is not None and rules.max_lines == 2:
        costs += weights.line_break * _line_break_costs(
            table, reach, begins, finals, characters > rules.max_chars, rules.max_chars
        )
    return costs


def _line_break_costs(
    table: _Table, reach: Ints, begins: Ints, finals: Ints, broken: npt.NDArray[np.bool_], max_chars: int
) -> Floats:
    """What the best place costs where a cue of two lines may be broken: after a word from which on the rest fits in a line."""
    back = np.arange(int((reach[begins] - begins).max()) + 1)
    places = np.maximum(reach[begins] - back, begins)
    least = np.minimum.accumulate(table.costs[places], axis=1)
    # The first word of the longest line that ends with the last word; a line may end before it.
    fits = np.searchsorted(table.offsets, table.offsets[finals + 1] - max_chars - 1, side="left")
    deepest = np.clip(reach[begins] - np.maximum(fits - 1, begins), 0, len(back) - 1)
    best = np.take_along_axis(least, deepest, axis=1)
    return np.where(broken, np.minimum(best, NEVER), 0.0)


def _by_run(lengths: Sequence[int], runs: Sequence[Run]) -> list[list[int]]:
    found = []
    place = 0
    for run in runs:
        sizes = []
        end = place + len(run.words)
        while place < end:
            sizes.append(lengths[place])
            place += lengths[place]
        found.append(sizes)
    return found
