"""How certain a difference between two contenders is: a paired bootstrap over the recordings of a group.

A sentence has few words, so the rates of two settings differ by chance. M. Bisani and H. Ney, "Bootstrap estimates for confidence intervals
in ASR performance evaluation", ICASSP 2004.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from benchmarks.real.measures import Measure

RESAMPLES = 2000
# With fewer recordings, an interval says nothing.
FEWEST = 5


def difference(base: Sequence[Measure], other: Sequence[Measure], leave_out: Collection[str]) -> dict[str, float] | None:
    """Percentage points of WER by which `other` is above `base`, with the borders of the 95 % interval.

    Both lists have the same recordings in the same order. None if there are fewer than `FEWEST` without those to leave out.
    """
    pairs = [
        (ours.score.wer.errors, theirs.score.wer.errors, ours.score.wer.length)
        for ours, theirs in zip(base, other, strict=True)
        if ours.uri not in leave_out and ours.score and theirs.score and ours.score.wer and theirs.score.wer
    ]
    if len(pairs) < FEWEST:
        return None
    errors, their_errors, words = np.array(pairs, dtype=float).T  # each (recordings,)
    more = their_errors - errors
    drawn = np.random.default_rng(0).integers(0, len(pairs), (RESAMPLES, len(pairs)))
    rates = 100 * more[drawn].sum(axis=1) / words[drawn].sum(axis=1)
    low, high = np.percentile(rates, (2.5, 97.5))
    found = {"points": 100 * more.sum() / words.sum(), "low": low, "high": high}
    return {name: round(float(value), 2) for name, value in found.items()}
