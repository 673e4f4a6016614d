"""Accuracy of the voice library: known voices named, unknown ones not, with synthetic speakers held out from training.

    .venv/bin/python benchmarks/voices.py             # the table, with held-out speakers
    .venv/bin/python benchmarks/voices.py --tune      # error rates over threshold and margin, with development speakers

Each trial picks people, enrolls some of them, each from a recording in which they speak alone, and diarizes a conversation of enrolled and
unknown people, with other levels, noise and sentences. A detected speaker is identified with the person who speaks most in its turns.
The voices are synthetic (tools/demo_diarizer): the figures apply to the demo diarizer only, not to others, nor to real speech; `--model`
tests another one.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import numpy as np
import torch
from numpy.typing import NDArray

from demo_diarizer.cast import Speaker, development_speakers, held_out_speakers, utterances
from demo_diarizer.conversations import Conversation, Manner, converse
from transcribe_cli.audio import Waveform
from transcribe_cli.settings import Settings
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer
from transcribe_cli.speakers.voices.matching import MARGIN, match_voices
from transcribe_cli.spec import JobSpec

PEOPLE, ENROLLED, PRESENT = 8, 5, 3
"""People in a trial; those of them who are enrolled; people in the conversation, one or two of them enrolled."""
THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
MARGINS = (0.0, 0.05, 0.1, 0.15, 0.2)

Vector = NDArray[np.float32]
Draw = Callable[[int, random.Random], list[Speaker]]


@dataclass(frozen=True)
class Trial:
    """The input of the matching, and the true person of each speaker."""

    voices: Mapping[str, Vector]
    speakers: Mapping[str, Vector]
    truth: Mapping[str, str]


def said_by(people: Sequence[Speaker], seconds: float, rng: random.Random) -> Conversation:
    """A recording of these people; every recording has other sentences."""
    each = max(4, round(seconds / 6 / len(people)))
    return converse({person.name: utterances(person, each, rng, ("pt",)) for person in people}, seconds, rng, Manner())


def diarized(diarizer: PyannoteDiarizer, talk: Conversation, **counts: int) -> Diarization:
    """The diarization of a conversation."""
    with tempfile.TemporaryDirectory() as folder, Waveform.from_samples(talk.samples, Path(folder)) as waveform:
        return diarizer.diarize(waveform, JobSpec.model_validate({"diarize": True, **counts}), lambda share: None)


def trial(diarizer: PyannoteDiarizer, draw: Draw, seed: int, enrolled_seconds: float) -> Trial:
    """One conversation, and the enrolled voices."""
    rng = random.Random(f"voices {seed}")
    people = draw(PEOPLE, rng)
    voices = {}
    for person in people[:ENROLLED]:
        found = diarized(diarizer, said_by([person], enrolled_seconds, rng), num_speakers=1)
        if found.embeddings:
            voices[person.name] = next(iter(found.embeddings.values()))
    known = rng.choice((1, 2))
    talk = said_by([*rng.sample(people[:ENROLLED], known), *people[ENROLLED : ENROLLED + PRESENT - known]], 60, rng)
    found = diarized(diarizer, talk)
    return Trial(voices, found.embeddings, {label: _true(talk, found, label) for label in found.embeddings})


def _true(talk: Conversation, found: Diarization, label: str) -> str:
    shared = dict.fromkeys(talk.speakers, 0.0)
    for turn in (turn for turn in found.turns if turn.speaker == label):
        for true in talk.turns:
            shared[true.speaker] += max(0.0, min(turn.end, true.end) - max(turn.start, true.start))
    return max(shared, key=lambda name: shared[name])


def counted(trials: Iterable[Trial], threshold: float, margin: float) -> Counter[str]:
    """The number of speakers with each result."""
    counts: Counter[str] = Counter()
    for one in trials:
        found = {likeness.speaker: likeness for likeness in match_voices(one.speakers, one.voices, threshold, margin=margin)}
        for label, name in one.truth.items():
            kind = "known" if name in one.voices else "unknown"
            likeness = found.get(label)
            if likeness is None:
                counts[f"{kind} nothing"] += 1
            elif not likeness.sure:
                counts[f"{kind} doubt"] += 1
            else:
                counts[f"{kind} {'right' if likeness.name == name else 'wrong'}"] += 1
    return counts


def row(counts: Counter[str]) -> str:
    """The cells of a table row."""
    known = sum(number for key, number in counts.items() if key.startswith("known"))
    unknown = sum(number for key, number in counts.items() if key.startswith("unknown"))
    keys = ("known right", "known doubt", "known nothing", "known wrong", "unknown nothing", "unknown doubt", "unknown wrong")
    return " | ".join(f"{counts[key] / (known if key.startswith('known') else unknown):.1%}" for key in keys)


def spread(trials: Sequence[Trial]) -> None:
    """Print percentiles of the similarity of the same voice and of other voices."""
    same = [float(one.speakers[k] @ one.voices[name]) for one in trials for k, name in one.truth.items() if name in one.voices]
    others = [
        max(float(one.speakers[k] @ vector) for name, vector in one.voices.items() if name != true)
        for one in trials
        for k, true in one.truth.items()
    ]
    for name, values in (("the same voice", same), ("the most similar other voice", others)):
        print(f"{name}: " + ", ".join(f"{p} % {np.percentile(values, p):.2f}" for p in (0, 1, 5, 25, 50, 75, 95, 99, 100)))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true", help="development speakers, and every threshold and margin")
    parser.add_argument("--model", default="demo", help="a value of --diarize-model")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=20, help="length of the recording from which a voice is enrolled")
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    diarizer = PyannoteDiarizer.load(options.model, device="cpu")
    draw = development_speakers if options.tune else held_out_speakers
    trials = [trial(diarizer, draw, seed, options.seconds) for seed in range(options.trials)]
    spread(trials)
    print("\n| margin | threshold | known: named | in doubt | nothing | wrong name | unknown: nothing | in doubt | named |")
    print("|---" * 9 + "|")
    for margin in MARGINS if options.tune else (MARGIN,):
        for threshold in THRESHOLDS if options.tune else (Settings().voice_threshold,):
            print(f"| {margin} | {threshold} | {row(counted(trials, threshold, margin))} |", flush=True)
    people = sum(len(one.truth) for one in trials)
    print(f"\n{options.trials} conversations, {people} speakers, {time.perf_counter() - began:.0f} s.")


if __name__ == "__main__":
    main()
