"""Splits words into cues: of all possible splits, the cheapest, found by dynamic programming in time linear in the words.

A cue that does not fit in its lines or lasts too long is not a candidate, unless it is one word. The cost of a candidate is the cost of
its end (`break_costs`), the cost of its best line break, and penalties if it cannot be read in its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transcribe_cli.formats.cues.phrase_words import NEVER, SENTENCE
from transcribe_cli.formats.cues.words import FRAGMENT_WORDS, Run
from transcribe_cli.subtitles.standards import Rules

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_TINY_CHARACTERS = 15
# A pause between two sentences in one cue costs nothing up to the first, and most from the second on.
_UNNOTICED_PAUSE_MS, _CLEAR_PAUSE_MS = 200, 500
# Maximum words of a cue under any rules, and words per step of the dynamic program: they bound time and memory.
_MAX_CUE_WORDS = 200
_STEP_WORDS = 2048
_FAR_FUTURE_MS = np.iinfo(np.int64).max // 2


@dataclass(frozen=True)
class Weights:
    """Costs of a cue in addition to its end and its line break, on the scale of `break_costs`.

    Attributes:
        cue: for each cue: few cues are easier to read than many.
        too_fast, too_short: for too little time to be read, or to be seen.
        each_second: for each second that it lacks.
        gap: for a gap after it that cannot be closed, since the cue would last too long.
        two_sentences: for each sentence that ends inside it.
        partial_sentence: if such an end is followed by only the beginning of another sentence.
        pause: for a clear pause between two sentences in it: viewers expect the second one when it begins.
        fragment: for a word or two that are separated from the rest of their sentence, at its start or its end.
        tiny: for a cue of no characters; decreases with the number of characters.
        line_break: factor for the cost of its best line break.
    """

    cue: float = 4.0
    too_fast: float = 22.0
    too_short: float = 6.0
    each_second: float = 15.0
    gap: float = 6.0
    two_sentences: float = 1.0
    partial_sentence: float = 3.0
    pause: float = 8.0
    fragment: float = 7.0
    tiny: float = 4.0
    line_break: float = 0.7


WEIGHTS = Weights()


@dataclass(frozen=True)
class _WordTable:
    """All words of the recording, of all runs. Arrays of shape (words,).

    Attributes:
        starts: start of each word in milliseconds.
        stops: end of each word in milliseconds.
        ends: the latest end of a cue whose last word this is, because another cue follows.
        offsets: shape (words + 1,), characters before each word, including its leading space.
        leads: correction to the length of a line that begins with this word: minus its space, plus a label.
        last: index of the last word of its run.
        costs: cost of a break after each word.
        sentences: shape (words + 1,), sentences that ended before each word.
        pauses: shape (words + 1,), clear pauses after sentences that ended before each word.
        sentence_firsts, sentence_lasts: indices of the first and the last word of the sentence of each word, inside its run.
    """

    starts: Ints
    stops: Ints
    ends: Ints
    offsets: Ints
    leads: Ints
    last: Ints
    costs: Floats
    sentences: Ints
    pauses: Floats
    sentence_firsts: Ints
    sentence_lasts: Ints


def split_into_cues(
    runs: Sequence[Run], costs: Sequence[Sequence[float]], labels: Sequence[int], rules: Rules, weights: Weights = WEIGHTS
) -> list[list[int]]:
    """The number of words of each cue, for each run.

    Args:
        runs: of the whole recording, in order.
        costs: for each run, the cost of a break after each of its words.
        labels: length of the label before each run.
        rules: for the main language of the recording.
        weights: the defaults were chosen by reading lectures, with few cues that are too fast: benchmarks/subtitles.py.
    """
    if rules.max_words is None and rules.max_ms is None and (rules.max_chars is None or rules.max_lines is None):
        return [[len(run.words)] for run in runs]
    table = _build_table(runs, costs, labels, rules)
    line_ends = _line_ends(table, rules)
    cue_ends = _cue_ends(table, line_ends, rules)
    return _sizes_by_run(_cheapest_sizes(table, line_ends, cue_ends, rules, weights), runs)


def _build_table(runs: Sequence[Run], costs: Sequence[Sequence[float]], labels: Sequence[int], rules: Rules) -> _WordTable:
    words = [word for run in runs for word in run.words]
    counts = np.array([len(run.words) for run in runs])
    firsts = np.cumsum(counts) - counts
    starts = np.array([word.start_ms for word in words], dtype=np.int64)
    stops = np.array([word.end_ms for word in words], dtype=np.int64)
    following = np.append(starts[1:], _FAR_FUTURE_MS)
    leads = -np.array([word.text.startswith(" ") for word in words], dtype=np.int64)
    leads[firsts] += np.array(labels, dtype=np.int64)
    flat_costs = np.array([cost for run_costs in costs for cost in run_costs])
    ends_sentence = flat_costs == SENTENCE
    sentences = np.concatenate([[0], np.cumsum(ends_sentence)])
    sentence_lasts = np.flatnonzero(ends_sentence)
    clarity = (following - stops - _UNNOTICED_PAUSE_MS) / (_CLEAR_PAUSE_MS - _UNNOTICED_PAUSE_MS)
    pauses = np.where(ends_sentence, np.clip(clarity, 0, 1), 0)
    return _WordTable(
        starts=starts,
        stops=stops,
        ends=np.where(following > starts, following - rules.gap_ms, _FAR_FUTURE_MS),
        offsets=np.concatenate([[0], np.cumsum([len(word.text) for word in words])]),
        leads=leads,
        last=np.repeat(firsts + counts - 1, counts),
        costs=flat_costs,
        sentences=sentences,
        pauses=np.concatenate([[0], np.cumsum(pauses)]),
        sentence_firsts=np.append(0, sentence_lasts + 1)[sentences[:-1]],
        sentence_lasts=sentence_lasts[sentences[:-1]],
    )


def _line_ends(table: _WordTable, rules: Rules) -> Ints:
    """For each word, the last word of the longest line that begins with it."""
    indices = np.arange(len(table.starts))
    if rules.max_chars is None:
        return table.last
    room = table.offsets[:-1] - table.leads + rules.max_chars
    return np.clip(np.searchsorted(table.offsets, room, side="right") - 2, indices, table.last)


def _cue_ends(table: _WordTable, line_ends: Ints, rules: Rules) -> Ints:
    """For each word, the last word of the longest cue that begins with it."""
    indices = np.arange(len(table.starts))
    ends = line_ends.copy() if rules.max_lines else table.last.copy()
    for _ in range((rules.max_lines or 1) - 1):
        ends = np.where(ends < table.last, line_ends[np.minimum(ends + 1, table.last)], ends)
    if rules.max_ms is not None:
        stops = np.maximum.accumulate(table.stops)
        ends = np.minimum(ends, np.searchsorted(stops, table.starts + rules.max_ms, side="right") - 1)
    ends = np.minimum(ends, indices + min(rules.max_words or _MAX_CUE_WORDS, _MAX_CUE_WORDS) - 1)
    return np.maximum(ends, indices)


def _cheapest_sizes(table: _WordTable, line_ends: Ints, cue_ends: Ints, rules: Rules, weights: Weights) -> list[int]:
    """For each word, the number of words of the cue that begins with it, in the cheapest split of the rest."""
    count = len(table.starts)
    totals = [0.0] * (count + 1)
    sizes = [0] * count
    for begin in reversed(range(0, count, _STEP_WORDS)):
        firsts = np.arange(begin, min(begin + _STEP_WORDS, count))
        costs = _cue_costs(table, line_ends, firsts, cue_ends[firsts], rules, weights).tolist()
        max_sizes = (cue_ends[firsts] - firsts + 1).tolist()
        for row in reversed(range(len(firsts))):
            first, max_size = begin + row, max_sizes[row]
            sums = [cost + total for cost, total in zip(costs[row], totals[first + 1 : first + 1 + max_size], strict=False)]
            totals[first] = cheapest = min(sums)
            sizes[first] = sums.index(cheapest) + 1
    return sizes


def _cue_costs(table: _WordTable, line_ends: Ints, firsts: Ints, cue_ends: Ints, rules: Rules, weights: Weights) -> Floats:
    """The cost of each cue: one row per first word, one column per number of words. Values beyond `cue_ends` are meaningless."""
    begins = firsts[:, None]
    columns = np.arange(int((cue_ends - firsts).max()) + 1)
    finals = np.minimum(begins + columns, table.last[begins])
    characters = table.offsets[finals + 1] - table.offsets[begins] + table.leads[begins]
    costs: Floats = weights.cue + table.costs[finals]
    _add_time_costs(costs, table, begins, finals, characters, rules, weights)
    sentence_ends = table.sentences[finals] - table.sentences[begins]
    partial = (sentence_ends > 0) & (table.costs[finals] > 0)
    costs += sentence_ends * weights.two_sentences + partial * weights.partial_sentence
    costs += (table.pauses[finals] - table.pauses[begins]) * weights.pause
    costs += _fragments(table, begins, finals) * weights.fragment
    costs += np.maximum(1 - characters / _TINY_CHARACTERS, 0) * weights.tiny
    if rules.max_chars is not None and rules.max_lines == 2:
        has_break = characters > rules.max_chars
        costs += weights.line_break * _line_break_costs(table, line_ends, begins, finals, has_break, rules.max_chars)
    return costs


def _fragments(table: _WordTable, begins: Ints, finals: Ints) -> Ints:
    """For each cue, at how many of its two ends a word or two are separated from the rest of their sentence."""
    continued = np.minimum(table.sentence_lasts[begins], finals) - begins
    begun = finals - np.maximum(table.sentence_firsts[finals], begins)
    is_cut_before = begins > table.sentence_firsts[begins]
    is_cut_after = finals < table.sentence_lasts[finals]
    at_start = is_cut_before & (continued < FRAGMENT_WORDS)
    at_end = is_cut_after & (begun < FRAGMENT_WORDS)
    return at_start.astype(np.int64) + at_end


def _add_time_costs(
    costs: Floats, table: _WordTable, begins: Ints, finals: Ints, characters: Ints, rules: Rules, weights: Weights
) -> None:
    """Add the cost of cues that are too short to be read or to be seen, or that leave a gap which cannot be closed."""
    words = np.arange(costs.shape[1]) + 1
    extended = table.stops[finals] + rules.extend_ms
    is_closed = table.ends[finals] + rules.gap_ms - extended < rules.close_ms
    shown = np.where(is_closed, table.ends[finals], np.minimum(table.ends[finals], extended)) - table.starts[begins]
    room = np.minimum(table.ends[finals] - table.starts[begins], max(rules.min_ms, 1))
    reading = np.maximum(
        characters * (1000 / rules.chars_per_second) if rules.chars_per_second else 0.0,
        words * (60_000 / rules.words_per_minute) if rules.words_per_minute else 0.0,
    )
    missing_to_read = np.maximum(reading - np.maximum(shown, room), 0)
    missing_to_see = np.maximum(rules.min_ms - room, 0)
    costs += (missing_to_read > 0) * weights.too_fast + missing_to_read * (weights.each_second / 1000)
    costs += (missing_to_see > 0) * weights.too_short + missing_to_see * (weights.each_second / 1000)
    if rules.max_ms is not None:
        pauses = table.ends[finals] + rules.gap_ms - table.stops[finals]
        costs += ((pauses < rules.close_ms) & (table.ends[finals] - table.starts[begins] > rules.max_ms)) * weights.gap


def _line_break_costs(
    table: _WordTable, line_ends: Ints, begins: Ints, finals: Ints, has_break: npt.NDArray[np.bool_], max_chars: int
) -> Floats:
    """The cost of the best line break in a cue of two lines: after a word from which on the rest fits in one line."""
    back = np.arange(int((line_ends[begins] - begins).max()) + 1)
    positions = np.maximum(line_ends[begins] - back, begins)
    cheapest = np.minimum.accumulate(table.costs[positions], axis=1)
    # The first word of the longest line that ends with the last word. The first line may end before it.
    fits = np.searchsorted(table.offsets, table.offsets[finals + 1] - max_chars - 1, side="left")
    deepest = np.clip(line_ends[begins] - np.maximum(fits - 1, begins), 0, len(back) - 1)
    best = np.take_along_axis(cheapest, deepest, axis=1)
    return np.where(has_break, np.minimum(best, NEVER), 0.0)


def _sizes_by_run(sizes: Sequence[int], runs: Sequence[Run]) -> list[list[int]]:
    by_run = []
    word = 0
    for run in runs:
        run_sizes = []
        end = word + len(run.words)
        while word < end:
            run_sizes.append(sizes[word])
            word += sizes[word]
        by_run.append(run_sizes)
    return by_run
