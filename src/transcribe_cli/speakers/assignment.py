"""Assigns words to speakers: maps words to diarization turns, and splits segments where the speaker changes.

Word times are off by a tenth of a second, and the edges of turns by more. If each word were assigned on its own, the last words of a
turn would go to the next speaker. So the words of a recording are treated as a sequence, and the most likely sequence of speakers is
found with Viterbi's algorithm. A word scores for the speaker whose turn surrounds it. A change of speaker has a cost, which is lower
after a pause and lowest after the end of a sentence. `benchmarks/speakers.py` chose the numbers and compares with other methods.
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

# A word farther than this from every turn has no speaker, in seconds: the diarizer missed whoever spoke there.
MAX_DISTANCE = 2.0
# Pauses longer than this, in seconds, do not lower the cost of a change any further.
LONG_PAUSE = 0.4
# A change always costs at least this. Otherwise speakers would alternate where both have a turn.
MIN_CHANGE_COST = 0.2
# Score of the speakers who are not the nearest, for a word outside all turns.
NOT_NEAREST_SCORE = -1.0
# The flag of a segment in which two people speak at once.
OVERLAP = "overlap"


@dataclass(frozen=True)
class PathCosts:
    """Weights for scoring sequences of speakers: costs in nats, times in seconds.

    Attributes:
        margin: each word is extended by this on both sides before it is compared with the turns.
        floor: share of a word that is credited to a speaker who has no turn there.
        change: cost of a change of speaker.
        pause: reduction of that cost after a pause of `LONG_PAUSE`; proportionally less after a shorter one.
        sentence: reduction of that cost after the end of a sentence.
    """

    margin: float = 0.15
    floor: float = 0.01
    change: float = 2.5
    pause: float = 0.5
    sentence: float = 2.5


DEFAULT_COSTS = PathCosts()
_WITHOUT_MARGIN = PathCosts(margin=0.0)


def assign_speakers(segments: Iterable[Segment], turns: Iterable[Turn], costs: PathCosts = DEFAULT_COSTS) -> tuple[Segment, ...]:
    """Give each segment one speaker or none, split segments where the speaker changes, and number them from 0.

    Words keep their order, text and times, and get the speaker of their segment. The parts of a split segment have the text of their
    words. They have no tokens, because a document does not record which tokens belong to which word. Values that were measured on the
    clip are copied to each part. A segment without word times is not split and gets the speaker who speaks most in it. Where two people
    speak through more than half of a word, or of a segment without words, the segment gets the flag `overlap`. Earlier speakers of the
    segments are ignored.

    Args:
        segments: of one recording, in order of time.
        turns: of the same recording, in any order; those of different speakers may overlap.
        costs: for benchmarks.
    """
    timeline = _SpeakerTimeline(turns)
    originals = list(segments)
    word_speakers = iter(_likeliest([word for segment in originals for word in segment.words or ()], timeline, costs))
    parts = [part for segment in originals for part in _split(segment, word_speakers, timeline)]
    return tuple(part.model_copy(update={"id": number}) for number, part in enumerate(parts))


def speakers_of(turns: Iterable[Turn]) -> tuple[str, ...]:
    """The speakers, in the order in which they first speak."""
    in_order = sorted(turns, key=lambda turn: (turn.start, turn.end, turn.speaker))
    return tuple(dict.fromkeys(turn.speaker for turn in in_order))


class _SpeakerTimeline:
    """The turns of a recording, indexed by time. Speakers are numbered as in `names`."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        non_empty = [turn for turn in turns if turn.end > turn.start]
        self.names = speakers_of(non_empty)
        by_speaker: dict[str, list[tuple[float, float]]] = {name: [] for name in self.names}
        for turn in non_empty:
            by_speaker[turn.speaker].append((turn.start, turn.end))
        spans = ((number, span) for number, name in enumerate(self.names) for span in _merged(by_speaker[name]))
        self._tree = IntervalTree.from_tuples((start, end, number) for number, (start, end) in spans)

    def speech_seconds(self, start: float, end: float) -> NDArray[np.float64]:
        """Seconds that each speaker speaks in this interval: (speakers,)."""
        seconds = np.zeros(len(self.names))
        for turn in sorted(self._tree.overlap(start, end)):
            seconds[turn.data] += min(turn.end, end) - max(turn.begin, start)
        return seconds

    def scores(self, start: float, end: float, costs: PathCosts) -> NDArray[np.float64] | None:
        """Log score of each speaker for a word: (speakers,). None when nobody speaks within `MAX_DISTANCE` of it."""
        speech = self.speech_seconds(start - costs.margin, end + costs.margin)
        if speech.any():
            # Silence is no evidence for anybody, so it is shared equally: a word that only touches a turn may belong to the next one.
            silence = max(end - start + 2 * costs.margin - speech.sum(), 0.0)
            likely = speech + silence / len(speech)
            scores: NDArray[np.float64] = np.log(likely / likely.sum() + costs.floor)
            return scores
        near = self._tree.overlap(start - MAX_DISTANCE, end + MAX_DISTANCE)
        if not near:
            return None
        nearest = min(near, key=lambda turn: (max(turn.begin - end, start - turn.end), turn.data))
        scores = np.full(len(self.names), NOT_NEAREST_SCORE)
        scores[nearest.data] = 0.0
        return scores

    def main_speaker(self, start: float, end: float) -> str | None:
        """The speaker who speaks most in this interval, or nearest to it within `MAX_DISTANCE`."""
        scores = self.scores(start, end, _WITHOUT_MARGIN)
        return None if scores is None else self.names[scores.argmax()]

    def has_overlap(self, start: float, end: float) -> bool:
        """Whether two people each speak through more than half of this interval."""
        return int((self.speech_seconds(start, end) > (end - start) / 2).sum()) > 1


def _merged(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Start and end of the speech in these spans of one speaker, at least one, in order, not overlapping."""
    (start, end), *others = sorted(spans)
    for next_start, next_end in others:
        if next_start > end:
            yield start, end
            start = next_start
        end = max(end, next_end)
    yield start, end


def _likeliest(words: Sequence[Word], timeline: _SpeakerTimeline, costs: PathCosts) -> list[str | None]:
    """The speaker of each word; None where nobody speaks near it."""
    scores = [timeline.scores(word.start, word.end, costs) for word in words]
    scored = [(word, score) for word, score in zip(words, scores, strict=True) if score is not None]
    changes = [_change_cost(word, next_word, costs) for (word, _), (next_word, _) in pairwise(scored)]
    path = iter(best_path([score for _, score in scored], changes))
    return [None if score is None else timeline.names[next(path)] for score in scores]


def best_path(scores: Sequence[NDArray[np.float64]], changes: Sequence[float]) -> list[int]:
    """The state of each step that maximizes the sum of scores minus the costs of changes, by Viterbi's algorithm.

    Args:
        scores: for each step, the score of each state: (states,).
        changes: cost of changing the state between a step and the next; one fewer than there are steps.
    """
    if not scores:
        return []
    total = scores[0]
    states = np.arange(len(total))
    came_from = []
    for score, change in zip(scores[1:], changes, strict=True):
        best = total.argmax()
        changed = total[best] - change
        came_from.append(np.where(total >= changed, states, best))
        total = np.maximum(total, changed) + score
    path = [int(total.argmax())]
    for origin in reversed(came_from):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def _change_cost(word: Word, next_word: Word, costs: PathCosts) -> float:
    """Cost of a change of speaker between two words."""
    pause = min(max(next_word.start - word.end, 0.0) / LONG_PAUSE, 1.0)
    sentence = costs.sentence if ends_sentence(word.word) else 0.0
    return max(costs.change - costs.pause * pause - sentence, MIN_CHANGE_COST)


def _split(segment: Segment, word_speakers: Iterator[str | None], timeline: _SpeakerTimeline) -> Iterator[Segment]:
    """The segment in parts of one speaker each; consumes the speakers of its words from `word_speakers`."""
    if not segment.words:
        yield _with_speaker(segment, timeline.main_speaker(segment.start, segment.end), timeline)
        return
    names = islice(word_speakers, len(segment.words))
    words = [word.model_copy(update={"speaker": name}) for word, name in zip(segment.words, names, strict=True)]
    groups = [(name, tuple(group)) for name, group in groupby(words, key=lambda word: word.speaker)]
    for name, group in groups:
        whole = segment.model_copy(update={"words": group})
        yield _with_speaker(whole if len(groups) == 1 else segment_part(segment, group), name, timeline)


def segment_part(segment: Segment, words: tuple[Word, ...]) -> Segment:
    """A new segment of these words of a segment."""
    flags = [flag for flag in segment.flags if flag != "low_confidence"]
    if sum(word.probability for word in words) / len(words) < LOW_CONFIDENCE:
        flags.append("low_confidence")
    text = "".join(word.word for word in words)
    new = {"start": words[0].start, "end": words[-1].end, "text": text, "tokens": (), "words": words, "flags": tuple(flags)}
    return segment.model_copy(update=new)


def _with_speaker(segment: Segment, speaker: str | None, timeline: _SpeakerTimeline) -> Segment:
    """The segment with its speaker, and with the flag `overlap` where two people speak at once."""
    flags = tuple(flag for flag in segment.flags if flag != OVERLAP)
    if any(timeline.has_overlap(part.start, part.end) for part in segment.words or (segment,)):
        flags += (OVERLAP,)
    return segment.model_copy(update={"speaker": speaker, "flags": flags})
