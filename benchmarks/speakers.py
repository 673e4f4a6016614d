"""Assignment of words to speakers: our method and others, on conversations generated from seeds, without audio.

    .venv/bin/python benchmarks/speakers.py            # the table, with held-out seeds
    .venv/bin/python benchmarks/speakers.py --tune     # choose the costs again, with other seeds

A conversation has words with their true times and speakers. The errors of recognition and diarization are simulated: word times have
jitter (Laplace, sometimes three times as much); in one setting, words after a pause are placed inside it, as cross-attention does; edges
of turns have noise (Gauss); short turns are missed or assigned to another voice; one of two people who speak at once is missed. A word is
wrong if it does not have its true speaker. An island is a single wrong word between two words of another speaker.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

from transcribe_cli.recognition.segments import PAUSE
from transcribe_cli.speakers.assignment import DEFAULT_COSTS, PathCosts, assign_speakers
from transcribe_cli.text.sentences import ends_sentence
from transcribe_cli.transcript import Segment, Turn, Word

# Word jitter and noise of turn edges in seconds, the share of sentences that end with a full stop, and the share of words after a
# pause that are placed inside it.
SETTINGS = (
    (0.05, 0.0, 0.85, 0.0),
    (0.12, 0.0, 0.85, 0.0),
    (0.12, 0.25, 0.85, 0.0),
    (0.25, 0.25, 0.85, 0.0),
    (0.12, 0.25, 0.0, 0.0),
    (0.12, 0.0, 0.85, 0.7),
)
TUNED_ON, TOLD_ON = range(24), range(1000, 1060)
SECONDS = 150.0
PAUSE_HEARD = 0.2  # seconds: no word is placed inside shorter pauses
LETTER = 1 / 15  # seconds
GRID = {
    "margin": (0.0, 0.1, 0.15, 0.2, 0.3, 0.4),
    "floor": (0.01, 0.02, 0.05, 0.1),
    "change": (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0),
    "pause": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0),
    "sentence": (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
}

Labels = list[str | None]
Method = Callable[[Sequence[Segment], Sequence[Turn]], Labels]


@dataclass(frozen=True)
class Utterance:
    """An utterance: words with their true times."""

    speaker: str
    words: tuple[Word, ...]

    @property
    def start(self) -> float:
        """Seconds."""
        return self.words[0].start

    @property
    def end(self) -> float:
        """Seconds."""
        return self.words[-1].end


@dataclass(frozen=True)
class Case:
    """The input of `assign_speakers`, and the true speaker of each word."""

    segments: list[Segment]
    turns: list[Turn]
    truth: list[str]


def conversation(stops: float, rng: random.Random) -> list[Utterance]:
    """Two to four people for 150 s: sentences, short answers, pauses, some overlaps."""
    people = [f"SPEAKER_{number:02}" for number in range(rng.choice([2, 2, 3, 4]))]
    free = dict.fromkeys(people, 0.0)
    said: list[Utterance] = []
    time = rng.uniform(0, 1)
    while time < SECONDS:
        last = said[-1].speaker if said else None
        others = [person for person in people if person != last]
        speaker = rng.choice(others) if last is None or rng.random() < 0.8 else last
        if last is not None and speaker != last and rng.random() < 0.15:
            time = max(said[-1].start + 0.3, time - rng.uniform(0.2, 1.0))
        elif last is not None:
            time += rng.choice([rng.uniform(0.05, 0.5), rng.uniform(0.3, 1.5)])
        utterance = Utterance(speaker, tuple(_words(max(time, free[speaker] + 0.05), stops, rng)))
        said.append(utterance)
        free[speaker] = utterance.end
        time = max(free.values())
    return said


def _words(start: float, stops: float, rng: random.Random) -> Iterator[Word]:
    """One to three sentences, or a short answer; this share of the sentences ends with a full stop."""
    sentences = [rng.randint(1, 2)] if rng.random() < 0.2 else [rng.randint(3, 14) for _ in range(rng.choice([1, 1, 2, 3]))]
    for count in sentences:
        for number in range(count):
            text = "a" * min(max(1, round(rng.gauss(4.7, 2.5))), 14)
            end = start + (len(text) + 1) * LETTER
            stop = "." if number == count - 1 and rng.random() < stops else ""
            yield Word(word=f" {text}{stop}", start=start, end=end, probability=1.0)
            start = end
        start += rng.choice([0.0, rng.uniform(0.1, 0.6)])


def recognized(said: Sequence[Utterance], jitter: float, early: float, rng: random.Random) -> tuple[list[Segment], list[str]]:
    """Words with inaccurate times that do not overlap, as from `word_times`, in segments without speakers."""
    truth = sorted(((word, one.speaker) for one in said for word in one.words), key=lambda pair: pair[0].start)
    found: list[Word] = []
    spoken = 0.0
    for word, _ in truth:
        start, end = word.start + _slip(jitter, rng), word.end + _slip(jitter, rng)
        if early and (pause := word.start - spoken) > PAUSE_HEARD and rng.random() < early:
            shift = pause * rng.random()
            start, end = start - shift, end - shift * rng.random()
        spoken = max(spoken, word.end)
        start = max(start, found[-1].end if found else 0.0)
        found.append(word.model_copy(update={"start": start, "end": max(end, start + 0.02)}))
    groups = [[found[0]]]
    for before, after in pairwise(found):
        if ends_sentence(before.word) or after.start - before.end >= PAUSE:
            groups.append([])
        groups[-1].append(after)
    segments = [
        Segment(id=i, seek=0, start=group[0].start, end=group[-1].end, text="".join(w.word for w in group), words=tuple(group))
        for i, group in enumerate(groups)
    ]
    return segments, [speaker for _, speaker in truth]


def _slip(scale: float, rng: random.Random) -> float:
    return rng.choice((-1, 1)) * rng.expovariate(1 / scale) * (3 if rng.random() < 0.03 else 1)


def diarized(said: Sequence[Utterance], edge: float, rng: random.Random) -> list[Turn]:
    """Turns as from a diarizer: adjacent turns of one voice merged, edges inaccurate, short turns missed or confused."""
    people = sorted({one.speaker for one in said})
    spans: list[tuple[float, float, str]] = []
    for one in said:
        if spans and spans[-1][2] == one.speaker and one.start - spans[-1][1] < 0.4:
            spans[-1] = (spans[-1][0], one.end, one.speaker)
        else:
            spans.append((one.start, one.end, one.speaker))
    turns = []
    previous_end = 0.0
    for start, end, speaker in spans:
        begin = previous_end if start < previous_end < end and rng.random() < 0.4 else start
        previous_end = max(previous_end, end)
        short = end - start < 1.0
        if short and rng.random() < 0.2:
            continue
        voice = rng.choice(people) if rng.random() < (0.1 if short else 0.01) else speaker
        begin, end = max(0.0, begin + rng.gauss(0, edge + 0.03)), end + rng.gauss(0, edge + 0.03)
        if end > begin:
            turns.append(Turn(start=begin, end=end, speaker=voice))
    return turns


def case(seed: int, jitter: float, edge: float, stops: float, early: float) -> Case:
    """A conversation with simulated recognition and diarization."""
    rng = random.Random(seed)
    said = conversation(stops, rng)
    segments, truth = recognized(said, jitter, early, rng)
    return Case(segments, diarized(said, edge, rng), truth)


def overlaps(start: float, end: float, turns: Sequence[Turn]) -> dict[str, float]:
    """Seconds of overlap of each speaker with an interval."""
    shared: dict[str, float] = {}
    for turn in turns:
        if (seconds := min(end, turn.end) - max(start, turn.start)) > 0:
            shared[turn.speaker] = shared.get(turn.speaker, 0.0) + seconds
    return shared


def most(shared: dict[str, float]) -> str | None:
    """The speaker with the largest overlap."""
    return max(shared, key=lambda speaker: shared[speaker]) if shared else None


def nearest(word: Word, turns: Sequence[Turn]) -> str | None:
    """The speaker of the turn whose edge is nearest."""
    return min(turns, key=lambda turn: max(turn.start - word.end, word.start - turn.end, 0.0)).speaker if turns else None


def by_segment(segments: Sequence[Segment], turns: Sequence[Turn]) -> Labels:
    """One speaker for each segment."""
    return [most(overlaps(segment.start, segment.end, turns)) for segment in segments for _ in segment.words or ()]


def by_word(segments: Sequence[Segment], turns: Sequence[Turn]) -> Labels:
    """As whisperX's assign_word_speakers: the speaker with the largest overlap; none without overlap."""
    return [most(overlaps(word.start, word.end, turns)) for segment in segments for word in segment.words or ()]


def by_word_or_nearest(segments: Sequence[Segment], turns: Sequence[Turn]) -> Labels:
    """As `by_word`, or the nearest speaker if none overlaps."""
    words = [word for segment in segments for word in segment.words or ()]
    return [label or nearest(word, turns) for word, label in zip(words, by_word(segments, turns), strict=True)]


def by_sequence(costs: PathCosts) -> Method:
    """Our method."""

    def method(segments: Sequence[Segment], turns: Sequence[Turn]) -> Labels:
        return [word.speaker for segment in assign_speakers(segments, turns, costs) for word in segment.words or ()]

    return method


def measured(method: Method, cases: Sequence[Case]) -> tuple[float, float]:
    """Wrong words in percent, and islands per 1,000 words."""
    words = wrong = islands = 0
    for one in cases:
        labels = method(one.segments, one.turns)
        words += len(labels)
        wrong += sum(label != truth for label, truth in zip(labels, one.truth, strict=True))
        around = zip(labels, labels[1:], labels[2:], one.truth[1:], strict=False)
        islands += sum(a == c != b != truth for a, b, c, truth in around)
    return 100 * wrong / words, 1000 * islands / words


def tune() -> PathCosts:
    """The costs with the fewest wrong words over all settings. Optimizes one at a time until none improves."""
    cases = [case(seed, *setting) for seed in TUNED_ON for setting in SETTINGS]
    best, least = DEFAULT_COSTS, measured(by_sequence(DEFAULT_COSTS), cases)[0]
    again = True
    while again:
        again = False
        for name, values in GRID.items():
            for value in values:
                wrong = measured(by_sequence(other := replace(best, **{name: value})), cases)[0]
                if wrong < least - 0.005:
                    best, least, again = other, wrong, True
        print(f"{least:.2f} % wrong with {asdict(best)}", flush=True)
    return best


def _title(jitter: float, edge: float, stops: float, early: float) -> str:
    return f"jitter {jitter} s, edges {edge} s" + ("" if stops else ", no punctuation") + (", words heard early" if early else "")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--tune", action="store_true")
    costs = tune() if parser.parse_args().tune else DEFAULT_COSTS
    methods: dict[str, Method] = {
        "segment majority": by_segment,
        "whisperX's rule": by_word,
        "the same, nearest edge": by_word_or_nearest,
        "Viterbi (ours)": by_sequence(costs),
    }
    held_out = [[case(seed, *setting) for seed in TOLD_ON] for setting in SETTINGS]
    print("| wrong words, islands per 1,000 | " + " | ".join(_title(*setting) for setting in SETTINGS) + " |")
    print("|---" * (1 + len(SETTINGS)) + "|")
    for name, method in methods.items():
        cells = (measured(method, cases) for cases in held_out)
        print(f"| {name} | " + " | ".join(f"{wrong:.1f} %, {islands:.1f}" for wrong, islands in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
