"""Who said which word: words given to turns, and segments split where the speaker changes.

Word times are off by a tenth of a second and the edges of turns by more; taken one by one, the last words of a turn go to whoever
speaks next. So the words of a recording are taken as a sequence and given the likeliest sequence of speakers (Viterbi): a word
speaks for whoever has the turn around it, and a change of speaker costs, less after a pause and least where a sentence ended.
`benchmarks/speakers.py` chose the numbers and compares with other ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, pairwise

import numpy as np
from intervaltree import IntervalTree
from numpy.typing import NDArray

from transcribe_cli.text.sentences import ends_sentence
from transcribe_cli.transcript import LOW_CONFIDENCE, Segment, Turn, Word

# A word this far from any turn has no speaker, in seconds: who spoke there is somebody whom the diarizer did not hear.
LIMIT = 2.0
# A pause of this length, in seconds, makes a change of speaker as likely as a longer one does.
LONG_PAUSE = 0.4
# A change always costs something: or speakers would alternate where both have a turn.
LEAST_COST = 0.2
# What speaks against those who are not the nearest, for a word outside all turns.
FARTHER = -1.0
# The flag of a segment in which two people speak at once.
OVERLAP = "overlap"


@dataclass(frozen=True)
class PathCosts:
    """What sequences of speakers are weighed with: costs in nats, times in seconds.

    Attributes:
        margin: a word is widened by this on both sides before it is compared with the turns.
        floor: the share of a word that a speaker without a turn there is still given.
        change: what a change of speaker costs.
        pause: what is taken off for a pause of `LONG_PAUSE`, and in proportion for a shorter one.
        sentence: what is taken off after the end of a sentence.
    """

    margin: float = 0.15
    floor: float = 0.01
    change: float = 2.5
    pause: float = 0.5
    sentence: float = 2.5


DEFAULT_COSTS = PathCosts()
_WITHOUT_MARGIN = PathCosts(margin=0.0)


def assign_speakers(segments: Iterable[Segment], turns: Iterable[Turn], costs: PathCosts = DEFAULT_COSTS) -> tuple[Segment, ...]:
    """The segments, each with one speaker or none, split where the speaker changes, numbered from 0.

    Words keep their order, text and times, and get the speaker of their segment. The parts of a segment that was split have the text
    of their words, and no tokens, since a document does not say which belong to which word; what was measured of the clip stays with
    each. A segment without word times stays whole and gets whoever speaks most in it. Where two people speak through more than half
    of a word, or of a segment without words, the segment has the flag `overlap`. Speakers that the segments had do not matter.

    Args:
        segments: of one recording, in order of time.
        turns: of the same recording, in any order; those of different speakers may overlap.
        costs: for benchmarks.
    """
    voices = _Voices(turns)
    found = list(segments)
    said_by = iter(_likeliest([word for segment in found for word in segment.words or ()], voices, costs))
    parts = [part for segment in found for part in _split(segment, said_by, voices)]
    return tuple(part.model_copy(update={"id": number}) for number, part in enumerate(parts))


def speakers_of(turns: Iterable[Turn]) -> tuple[str, ...]:
    """The speakers, in the order in which they are first heard."""
    in_order = sorted(turns, key=lambda turn: (turn.start, turn.end, turn.speaker))
    return tuple(dict.fromkeys(turn.speaker for turn in in_order))


class _Voices:
    """The turns of a recording, to be asked who speaks around a time. Speakers are numbered as in `names`."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        heard = [turn for turn in turns if turn.end > turn.start]
        self.names = speakers_of(heard)
        spans = ((number, span) for number, name in enumerate(self.names) for span in _joined(heard, name))
        self._tree = IntervalTree.from_tuples((start, end, number) for number, (start, end) in spans)

    def shared(self, start: float, end: float) -> NDArray[np.float64]:
        """Seconds that each speaker speaks in this time: (speakers,)."""
        seconds = np.zeros(len(self.names))
        for turn in sorted(self._tree.overlap(start, end)):
            seconds[turn.data] += min(turn.end, end) - max(turn.begin, start)
        return seconds

    def fit(self, start: float, end: float, costs: PathCosts) -> NDArray[np.float64] | None:
        """What speaks for each speaker of a word, as logarithms (speakers,); None when nobody speaks within `LIMIT` of it."""
        shared = self.shared(start - costs.margin, end + costs.margin)
        if shared.any():
            # Where nobody speaks, nothing is said about who does: a word that only touches a turn may as well belong to the next.
            silent = max(end - start + 2 * costs.margin - shared.sum(), 0.0)
            likely = shared + silent / len(shared)
            fit: NDArray[np.float64] = np.log(likely / likely.sum() + costs.floor)
            return fit
        near = self._tree.overlap(start - LIMIT, end + LIMIT)
        if not near:
            return None
        nearest = min(near, key=lambda turn: (max(turn.begin - end, start - turn.end), turn.data))
        fit = np.full(len(self.names), FARTHER)
        fit[nearest.data] = 0.0
        return fit

    def most(self, start: float, end: float) -> str | None:
        """Who speaks most in this time, or nearest to it within `LIMIT`."""
        fit = self.fit(start, end, _WITHOUT_MARGIN)
        return None if fit is None else self.names[fit.argmax()]

    def at_once(self, start: float, end: float) -> bool:
        """Whether two people each speak through more than half of this time."""
        return int((self.shared(start, end) > (end - start) / 2).sum()) > 1


def _joined(turns: Iterable[Turn], speaker: str) -> Iterator[tuple[float, float]]:
    """When this speaker speaks: start and end, in order, not overlapping."""
    spans = sorted((turn.start, turn.end) for turn in turns if turn.speaker == speaker)
    start, end = spans[0]
    for next_start, next_end in spans[1:]:
        if next_start > end:
            yield start, end
            start = next_start
        end = max(end, next_end)
    yield start, end


def _likeliest(words: Sequence[Word], voices: _Voices, costs: PathCosts) -> list[str | None]:
    """The speaker of each word, None where nobody speaks near it."""
    fits = [voices.fit(word.start, word.end, costs) for word in words]
    near = [(word, fit) for word, fit in zip(words, fits, strict=True) if fit is not None]
    changes = [_change(before, after, costs) for (before, _), (after, _) in pairwise(near)]
    path = iter(best_path([fit for _, fit in near], changes))
    return [None if fit is None else voices.names[next(path)] for fit in fits]


def best_path(fits: Sequence[NDArray[np.float64]], changes: Sequence[float]) -> list[int]:
    """The state of each step for which the sum of the fits less the costs of changes is greatest, by Viterbi's algorithm.

    Args:
        fits: for each step what speaks for each state: (states,).
        changes: what it costs to change the state between a step and the next; one less than there are steps.
    """
    if not fits:
        return []
    score = fits[0]
    states = np.arange(len(score))
    came_from = []
    for fit, change in zip(fits[1:], changes, strict=True):
        best = score.argmax()
        changed = score[best] - change
        came_from.append(np.where(score >= changed, states, best))
        score = np.maximum(score, changed) + fit
    path = [int(score.argmax())]
    for origin in reversed(came_from):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def _change(before: Word, after: Word, costs: PathCosts) -> float:
    """What a change of speaker between two words costs."""
    pause = min(max(after.start - before.end, 0.0) / LONG_PAUSE, 1.0)
    sentence = costs.sentence if ends_sentence(before.word) else 0.0
    return max(costs.change - costs.pause * pause - sentence, LEAST_COST)


def _split(segment: Segment, said_by: Iterator[str | None], voices: _Voices) -> Iterator[Segment]:
    """The segment in parts of one speaker each; takes the speakers of its words from `said_by`."""
    if not segment.words:
        yield _told(segment, voices.most(segment.start, segment.end), voices)
        return
    names = islice(said_by, len(segment.words))
    words = [word.model_copy(update={"speaker": name}) for word, name in zip(segment.words, names, strict=True)]
    groups = [(name, tuple(group)) for name, group in groupby(words, key=lambda word: word.speaker)]
    for name, group in groups:
        whole = segment.model_copy(update={"words": group})
        yield _told(whole if len(groups) == 1 else part_of(segment, group), name, voices)


def part_of(segment: Segment, words: tuple[Word, ...]) -> Segment:
    """These words of a segment as one of their own."""
    flags = [flag for flag in segment.flags if flag != "low_confidence"]
    if sum(word.probability for word in words) / len(words) < LOW_CONFIDENCE:
        flags.append("low_confidence")
    text = "".join(word.word for word in words)
    new = {"start": words[0].start, "end": words[-1].end, "text": text, "tokens": (), "words": words, "flags": tuple(flags)}
    return segment.model_copy(update=new)


def _told(segment: Segment, speaker: str | None, voices: _Voices) -> Segment:
    """The segment with its speaker, and a flag when somebody else speaks too."""
    flags = tuple(flag for flag in segment.flags if flag != OVERLAP)
    if any(voices.at_once(said.start, said.end) for said in segment.words or (segment,)):
        flags += (OVERLAP,)
    return segment.model_copy(update={"speaker": speaker, "flags": flags})
