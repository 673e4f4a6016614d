"""Which words of a text became which words of another one.

`difflib` is quadratic, so the texts are first cut where a run of words occurs exactly once in both.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_ANCHOR_WORDS = 4
# Above this, difflib ignores very frequent words.
_JUNK_FROM = 2000


class Block(NamedTuple):
    """Words `old_start` up to `old_end` of the old text became `new_start` up to `new_end` of the new one. One of them may be empty."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def changed_blocks(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    """What differs, in order. Everything between two blocks is equal."""
    blocks: list[Block] = []
    position = (0, 0)
    for old_at, new_at, size in [*_anchors(old, new), (len(old), len(new), 0)]:
        for block in _differences(old, new, Block(position[0], old_at, position[1], new_at)):
            if blocks and (blocks[-1].old_end, blocks[-1].new_end) == (block.old_start, block.new_start):
                block = Block(blocks[-1].old_start, block.old_end, blocks.pop().new_start, block.new_end)
            blocks.append(block)
        position = (old_at + size, new_at + size)
    return blocks


def equal_pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The indexes of the words that are equal, in order."""
    at = 0
    shift = 0
    for block in [*changed_blocks(old, new), Block(len(old), len(old), len(new), len(new))]:
        yield from ((index, index + shift) for index in range(at, block.old_start))
        at, shift = block.old_end, block.new_end - block.old_end


def _differences(old: Sequence[str], new: Sequence[str], part: Block) -> Iterator[Block]:
    old_start, old_end, new_start, new_end = part
    while old_start < old_end and new_start < new_end and old[old_start] == new[new_start]:
        old_start, new_start = old_start + 1, new_start + 1
    while old_start < old_end and new_start < new_end and old[old_end - 1] == new[new_end - 1]:
        old_end, new_end = old_end - 1, new_end - 1
    if old_start == old_end or new_start == new_end:
        if (old_start, new_start) != (old_end, new_end):
            yield Block(old_start, old_end, new_start, new_end)
        return
    is_long = old_end - old_start > _JUNK_FROM
    matcher = SequenceMatcher(None, old[old_start:old_end], new[new_start:new_end], autojunk=is_long)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind != "equal":
            yield Block(old_start + i1, old_start + i2, new_start + j1, new_start + j2)


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Runs of words that occur once in both texts, in the same order: start in each, and length."""
    positions = _unique_runs(new)
    pairs = [(at, positions[run]) for run, at in _unique_runs(old).items() if run in positions]
    kept: list[tuple[int, int, int]] = []
    for old_at, new_at in _increasing(pairs):
        if not kept or (old_at >= kept[-1][0] + _ANCHOR_WORDS and new_at >= kept[-1][1] + _ANCHOR_WORDS):
            kept.append((old_at, new_at, _ANCHOR_WORDS))
    return kept


def _unique_runs(words: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Each run of words that occurs once, and where, in order."""
    runs = [tuple(words[at : at + _ANCHOR_WORDS]) for at in range(len(words) - _ANCHOR_WORDS + 1)]
    counts = Counter(runs)
    return {run: at for at, run in enumerate(runs) if counts[run] == 1}


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest selection of the pairs, which are ordered by their first number, whose second numbers increase, too."""
    tails: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, value) in enumerate(pairs):
        length = bisect_left(tails, value)
        before.append(last[length - 1] if length else -1)
        tails[length : length + 1] = [value]
        last[length : length + 1] = [index]
    chosen = []
    index = last[-1] if last else -1
    while index >= 0:
        chosen.append(pairs[index])
        index = before[index]
    return chosen[::-1]
