"""Subtitles of six hours: time to make them, and the share of cues that violate a rule, compared with openai/whisper's 42 x 2.

    .venv/bin/python -m benchmarks.subtitles               # tables for each standard and pace; --hours 0.5 for a quick check
    .venv/bin/python -m benchmarks.subtitles --files DIR   # the same for transcripts (JSON) of your own

The talk is generated from a seed: sentences of the example lecture, alone or joined by commas and conjunctions, with pauses, at a calm and
at a fast pace (characters per second of speech). `torn` is the share of lines that end after an article, a preposition or a similar word,
`hung` that of cues with only a word or two of a sentence that continues in another, `late` that of sentences after a pause of half a
second that do not begin a cue.
Speech that is faster than the reading speed of the standard always violates the rule `speed`. The table has the share of such cues, and
the smallest share, which is reached if words are split only for speed.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from transcribe_cli.formats.cues import Cue, CueWord, make_cues
from transcribe_cli.formats.cues.break_costs import break_costs
from transcribe_cli.formats.cues.cue_splitting import WEIGHTS
from transcribe_cli.formats.cues.phrase_words import NEVER
from transcribe_cli.formats.cues.words import FRAGMENT_WORDS
from transcribe_cli.subtitles.lint import RULES, DisplayedCue, find_violations
from transcribe_cli.subtitles.standards import Standard
from transcribe_cli.text.sentences import ends_sentence
from transcribe_cli.transcript import JobRecord, Quality, Segment, Source, Transcript, Word

LECTURE = Path(__file__).parents[1] / "examples" / "references" / "aula.txt"
PACES = {"calm": 13.0, "fast": 18.0}
JOINED = (", e ", ", porque ", " e depois ", ", mas ", " para que ")
_CLEAR_PAUSE_MS = 500
Way = Callable[[Transcript], list[Cue]]


def talk(hours: float, pace: float, seed: int = 1) -> Transcript:
    """A lecture of this many hours, with one segment per sentence."""
    rng = random.Random(seed)
    sentences = [line.strip() for line in LECTURE.read_text(encoding="utf-8").splitlines() if line.strip()]
    segments = []
    position = 0.5
    while position < hours * 3600:
        said = rng.choice(sentences)
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            following = rng.choice(sentences)
            said = said.rstrip(".?") + rng.choice(JOINED) + following[0].lower() + following[1:]
        words = list(_timed(said, position, pace, rng))
        segments.append(_segment(len(segments), words))
        position = words[-1].end + rng.choice([0.0, 0.1, 0.3, 0.6, 1.2, 2.5])
    return _document(segments)


def _timed(said: str, start: float, pace: float, rng: random.Random) -> Iterator[Word]:
    for word in said.split():
        end = start + (len(word) + 1) / rng.gauss(pace, pace / 8)
        yield Word(word=f" {word}", start=round(start, 3), end=round(end, 3), probability=0.9)
        start = end + (rng.choice([0.1, 0.3]) if word.endswith(",") else 0.0)


def _segment(number: int, words: Sequence[Word]) -> Segment:
    text = "".join(word.word for word in words)
    return Segment(id=number, seek=0, start=words[0].start, end=words[-1].end, text=text, words=tuple(words))


def _document(segments: Sequence[Segment]) -> Transcript:
    job = JobRecord(fingerprint="", spec={}, tool="", backend="", device="", finished_at="")
    return Transcript(
        source=Source(name="talk.mp3", uri="", size=0),
        job=job,
        language="pt",
        language_probability=1.0,
        duration=segments[-1].end,
        text="".join(segment.text for segment in segments),
        segments=tuple(segments),
        quality=Quality(speech=0, covered=1),
    )


def filled(transcript: Transcript) -> list[Cue]:
    """As openai/whisper with --max_line_width 42 --max_line_count 2: fills lines one after the other; a pause of 3 s starts a new cue."""
    found: list[Cue] = []
    rows: list[list[CueWord]] = []
    last = 0.0
    for word in (word for segment in transcript.segments for word in segment.words or ()):
        timed = CueWord(word.word, round(word.start * 1000), round(word.end * 1000))
        paused = word.start - last > 3.0
        if rows and not paused and sum(len(one.text) for one in rows[-1]) + len(word.word) <= 42:
            rows[-1].append(timed)
        elif rows and not paused and len(rows) < 2:
            rows.append([timed])
        else:
            found += _made(rows)
            rows = [[timed]]
        last = word.start
    return [*found, *_made(rows)]


def _made(rows: Sequence[Sequence[CueWord]]) -> list[Cue]:
    return [Cue(rows[0][0].start_ms, rows[-1][-1].end_ms, tuple(map(tuple, rows)))] if rows else []


def bad_ends(found: Sequence[Cue], language: str) -> float:
    """The share of lines, except the last, that end inside a phrase."""
    words = [word for cue in found for word in cue.words]
    costs = iter(break_costs(words, language))
    ends = [[next(costs) for _ in row][-1] for cue in found for row in cue.words_by_line]
    return sum(cost >= NEVER for cost in ends) / max(len(ends) - 1, 1)


def hung(found: Sequence[Cue]) -> float:
    """The share of cues that begin or end with a word or two that are separated from their sentence."""
    count = 0
    for before, after in pairwise(found):
        if not ends_sentence(before.words[-1].text):
            ends = [[ends_sentence(word.text) for word in cue.words] for cue in (before, after)]
            begun = (*reversed(ends[0]), True).index(True)
            continued = (*ends[1], True).index(True) + 1
            count += begun <= FRAGMENT_WORDS or continued <= FRAGMENT_WORDS
    return count / max(len(found) - 1, 1)


def late(found: Sequence[Cue]) -> float:
    """The share of sentences after a clear pause that do not begin a cue."""
    starts = [cue.words[0] for cue in found]
    after_pause = [
        word
        for before, word in pairwise(word for cue in found for word in cue.words)
        if ends_sentence(before.text) and word.start_ms - before.end_ms >= _CLEAR_PAUSE_MS
    ]
    begun = {id(word) for word in starts}
    return sum(id(word) not in begun for word in after_pause) / max(len(after_pause), 1)


def too_fast(found: Sequence[Cue], standard: Standard, language: str) -> int:
    """The number of cues that are too fast."""
    return sum(one.rule == "speed" for one in find_violations(_shown(found), standard.rules(language)))


def _shown(found: Sequence[Cue]) -> list[DisplayedCue]:
    return [DisplayedCue(number, cue.start_ms, cue.end_ms, cue.lines) for number, cue in enumerate(found, start=1)]


def report(name: str, transcript: Transcript, standard: Standard, way: Way, rounds: int) -> str:
    """A row of the table."""
    seconds = []
    for _ in range(rounds):
        began = time.process_time()
        found = way(transcript)
        seconds.append(time.process_time() - began)
    broken = find_violations(_shown(found), standard.rules(transcript.language))
    rules = Counter(rule for rule, _ in {(one.rule, one.cue.number) for one in broken})
    cued = len({one.cue.number for one in broken})
    told = "  ".join(f"{rule} {rules[rule] / len(found):.2%}" for rule in RULES if rules[rule])
    if rules["speed"] and way is not filled:
        fewest = make_cues(transcript, standard, weights=replace(WEIGHTS, too_fast=1e4))
        told += f" (at least {too_fast(fewest, standard, transcript.language) / len(found):.2%})"
    shares = (cued / len(found), bad_ends(found, transcript.language), hung(found), late(found))
    return f"  {name:<26}{len(found):>7,}{min(seconds):>8.2f} s{''.join(f'{share:>9.2%}' for share in shares)}   {told}"


def main() -> None:
    """Print a table for each pace, or for the given transcripts."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.subtitles", description="Measure subtitles: time, and violations of standards."
    )
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=Path, help="folder of transcripts to use instead")
    options = parser.parse_args()
    talks = {f"{options.hours:g} h, {name} ({pace:g} characters/s)": talk(options.hours, pace) for name, pace in PACES.items()}
    if options.files:
        talks = {path.name: Transcript.loads(path.read_bytes()) for path in sorted(options.files.rglob("*.json"))}
    for title, transcript in talks.items():
        if not transcript.segments:
            continue
        words = sum(len(segment.words or ()) for segment in transcript.segments)
        print(
            f"\n{title}: {words:,} words\n  {'':<26}{'cues':>7}{'CPU':>10}"
            f"{'broken':>9}{'torn':>9}{'hung':>9}{'late':>9}   rules violated, share of cues"
        )
        for name in ("netflix", "bbc", "ted"):
            standard = Standard.model_validate(name)
            print(report(name, transcript, standard, lambda one, by=standard: make_cues(one, by), options.rounds), flush=True)
            print(report("  whisper's 42 x 2", transcript, standard, filled, 1), flush=True)


if __name__ == "__main__":
    main()
