"""Who spoke when, and who said which word, for conversations of voices that are held out from training.

    .venv/bin/python -m benchmarks.diarization                            # everything: an hour on two cores
    .venv/bin/python -m benchmarks.diarization --cases voices --each 5    # a quick check
    .venv/bin/python -m benchmarks.diarization --cases command --minutes 10

The conversations are synthetic (tools/demo_diarizer): the figures apply to the demo diarizer only, not to others, nor to real speech. The
diarizer is that of the product, on a CPU.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import numpy as np
import torch

from benchmarks.conversations import Count, count, said, segments, true_words, write_wav
from benchmarks.process import run
from benchmarks.report import Table, Target, keep
from demo_diarizer.conversations import Conversation, held_out_conversation
from demo_diarizer.evaluate import Figures, figures
from transcribe_cli import JobSpec, Settings, transcribe
from transcribe_cli.audio import Waveform
from transcribe_cli.speakers.assignment import assign_speakers
from transcribe_cli.speakers.diarizers.blocks import BLOCK_SECONDS
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer
from transcribe_cli.transcript import Transcript, Turn

VOICES = (2, 3, 4)
LONG_VOICES = 4
MOST_WRONG, LEAST_COUNTED, LEAST_WORDS = 0.10, 0.80, 0.95
MIB = 2**20

Found = list[tuple[Conversation, tuple[Turn, ...]]]


@dataclass(frozen=True)
class How:
    """The options: see `main`."""

    model: str
    each: int
    seconds: float
    minutes: float
    rounds: int

    def talks(self, voices: int) -> list[Conversation]:
        """Conversations of this many voices."""
        return [_talk(voices, self.seconds, seed) for seed in range(self.each)]


@cache
def _talk(voices: int, seconds: float, seed: int) -> Conversation:
    return held_out_conversation(voices, seconds, seed)


def diarized(diarizer: PyannoteDiarizer, talk: Conversation, spec: JobSpec) -> tuple[Turn, ...]:
    """The detected turns of a conversation."""
    with tempfile.TemporaryDirectory() as folder, Waveform.from_samples(talk.samples, Path(folder)) as waveform:
        return diarizer.diarize(waveform, spec, lambda share: None).turns


def voices(how: How) -> Table:
    """Error rates and counts for two, three and four voices, with the number detected or given, and for words with their true times."""
    table = Table(
        "diarization voices",
        f"Who spoke when: {how.each} conversations of {how.seconds:.0f} s for each number of voices, {how.model}",
        ("voices", "DER", "without collar", "count right", "DER, count given", "words right", "said alone"),
    )
    diarizer = PyannoteDiarizer.load(how.model, device="cpu")
    torch.set_num_threads(1)
    free: Found = []
    told: Found = []
    words: list[Count] = []
    for number in VOICES:
        talks = how.talks(number)
        free_here = [(talk, diarized(diarizer, talk, JobSpec(diarize=True))) for talk in talks]
        told_here = [(talk, diarized(diarizer, talk, JobSpec(diarize=True, num_speakers=number))) for talk in talks]
        words_here = [_words(talk, turns) for talk, turns in free_here]
        table.rows.append(_row(str(number), free_here, told_here, words_here))
        free, told, words = free + free_here, told + told_here, words + words_here
    table.rows.append(_row("all", free, told, words))
    found = figures(free)
    reached = {"words": _right(words), "words said alone": _right_alone(words)}
    table.figures = {"found": asdict(found), "told": asdict(figures(told)), **reached, "seeds": how.each}
    table.targets = [
        Target(f"DER at most {MOST_WRONG:.0%}", f"{found.collar:.1%}", found.collar <= MOST_WRONG),
        Target(f"count right in {LEAST_COUNTED:.0%}", f"{found.counted:.0%}", found.counted >= LEAST_COUNTED),
        _enough(words),
    ]
    table.notes.append(
        "DER includes overlaps and, except in the column without collar, excludes a quarter of a second on each side of an edge"
    )
    return table


def _row(name: str, free: Found, told: Found, words: Sequence[Count]) -> list[str]:
    found, known = figures(free), figures(told)
    shares = (found.collar, found.strict, found.counted, known.collar, _right(words), _right_alone(words))
    return [name, *(f"{share:.1%}" for share in shares)]


def _right(words: Sequence[Count]) -> float:
    return sum(one.right for one in words) / max(1, sum(one.words for one in words))


def _right_alone(words: Sequence[Count]) -> float:
    return sum(one.alone_right for one in words) / max(1, sum(one.alone for one in words))


def _enough(words: Sequence[Count]) -> Target:
    reached = f"{_right(words):.1%}; {_right_alone(words):.1%} without overlapped words"
    return Target(f"speaker right for {LEAST_WORDS:.0%} of the words", reached, _right(words) >= LEAST_WORDS)


def _words(talk: Conversation, turns: Sequence[Turn]) -> Count:
    """The result of `assign_speakers` for the words of a conversation, with their true times, and the detected turns."""
    return count(talk, said(assign_speakers(segments([word for word, _ in true_words(talk)]), turns)))


def recognized(how: How) -> Table:
    """The complete path, from recordings to recognized words with speakers."""
    table = Table(
        "diarization recognized",
        f"Who said which word, recognized: {how.each} conversations of {how.seconds:.0f} s for each number of voices, {how.model}",
        ("voices", "words", "recognized as any word", "speaker right", "said alone"),
    )
    spec = JobSpec(model="demo", language="pt", diarize=True, diarize_model=how.model)
    total: list[Count] = []
    spoken = 0
    for number in VOICES:
        here: list[Count] = []
        talks = {f"{seed}.wav": talk for seed, talk in enumerate(how.talks(number))}
        with tempfile.TemporaryDirectory() as folder:
            for name, talk in talks.items():
                write_wav(Path(folder, name), talk)
            for outcome in transcribe(folder, spec, Settings(device="cpu")):
                if outcome.transcript is None or outcome.error:
                    raise RuntimeError(f"{outcome.job.recording.name}: {outcome.error}")
                here.append(count(talks[outcome.job.recording.name], said(outcome.transcript.segments)))
        words = sum(len(true_words(talk)) for talk in talks.values())
        table.rows.append(_heard(str(number), words, here))
        total, spoken = total + here, spoken + words
    table.rows.append(_heard("all", spoken, total))
    table.figures = {"words": spoken, "counts": [asdict(one) for one in total]}
    table.targets = [_enough(total)]
    return table


def _heard(name: str, words: int, counted: Sequence[Count]) -> list[str]:
    shares = (sum(one.words for one in counted) / words, _right(counted), _right_alone(counted))
    return [name, str(words), *(f"{share:.1%}" for share in shares)]


def command(how: How) -> Table:
    """Time and memory of `transcribe run` on a long conversation, with and without speakers; the median of the rounds."""
    table = Table(
        "diarization command",
        f"`transcribe run` on one conversation of {how.minutes:.0f} min and {LONG_VOICES} voices, {how.model}",
        ("", "seconds", "peak memory", "DER", "speakers"),
    )
    with tempfile.TemporaryDirectory() as folder:
        talk = _talk(LONG_VOICES, 60 * how.minutes, 0)
        write_wav(Path(folder, "talk.wav"), talk)
        program = [sys.executable, "-m", "transcribe_cli", "run", str(Path(folder, "talk.wav")), "--model", "demo", "-l", "pt"]
        program += ["--log-format", "json", "--overwrite", "--device", "cpu"]
        for name, options in (("without speakers", []), ("--diarize", ["--diarize", "--diarize-model", how.model])):
            ran = [run([*program, *options]) for _ in range(how.rounds)]
            seconds, peak = median(one.seconds for one in ran), median(one.peak for one in ran)
            transcript = Transcript.loads(Path(folder, "talk.json").read_bytes(), "talk.json")
            scored = figures([(talk, transcript.turns)]) if transcript.turns else None
            cells = [f"{scored.collar:.1%}", str(len(transcript.speakers))] if scored else ["", ""]
            table.rows.append([name, f"{seconds:.0f}", f"{peak / MIB:.0f} MiB", *cells])
            table.figures[name] = [{"seconds": one.seconds, "peak": one.peak} for one in ran]
            table.figures[name].append(json.loads(transcript.timing.model_dump_json()))
    return table


def blocks(how: How) -> Table:
    """A long conversation as a whole and in blocks, with the diarizer alone."""
    table = Table(
        "diarization blocks",
        f"One conversation of {how.minutes:.0f} min and {LONG_VOICES} voices, the diarizer alone on one thread, {how.model}",
        ("", "DER", "number of speakers", "seconds", "memory it takes"),
    )
    for name, block in (("in blocks of 10 min", BLOCK_SECONDS), ("as a whole", 60 * how.minutes)):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            found, seconds, memory = process.submit(_long, how.model, how.minutes, block).result()
        count = "right" if found.counted else "wrong"
        table.rows.append([name, f"{found.collar:.1%}", count, f"{seconds:.0f}", f"{memory:.0f} MiB"])
        table.figures[name] = {**asdict(found), "seconds": seconds, "memory": memory * MIB}
    return table


def _long(model: str, minutes: float, block: float) -> tuple[Figures, float, float]:
    """Figures, seconds, and the additional peak memory in MiB."""
    torch.set_num_threads(1)
    diarizer = PyannoteDiarizer.load(model, device="cpu", block_seconds=block)
    talk = held_out_conversation(LONG_VOICES, 60 * minutes, 0)
    with tempfile.TemporaryDirectory() as folder, Waveform.from_samples(talk.samples, Path(folder)) as waveform:
        # Only the length is needed from here on; the samples must not count as memory of the diarizer.
        talk = Conversation(np.broadcast_to(np.float32(0), waveform.samples), talk.turns)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the peak
        before = _memory("VmRSS")
        began = time.perf_counter()
        turns = diarizer.diarize(waveform, JobSpec(diarize=True), lambda share: None).turns
        seconds = time.perf_counter() - began
        return figures([(talk, turns)]), seconds, _memory("VmHWM") - before


def _memory(name: str) -> float:
    """Current or peak memory of this process, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name))


CASES: dict[str, Callable[[How], Table]] = {"voices": voices, "recognized": recognized, "command": command, "blocks": blocks}


def main() -> None:
    """Run the requested cases, print the tables, and store them in results/."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES), metavar="A,B", help=f"cases to run: {', '.join(CASES)}; default: all")
    parser.add_argument("--model", default="demo", help="a value of --diarize-model")
    parser.add_argument("--each", type=int, default=20, help="number of conversations for each number of voices")
    parser.add_argument("--seconds", type=float, default=60, help="length of each, in seconds")
    parser.add_argument(
        "--minutes", type=float, default=120, help="length of the long conversation (command, blocks), in minutes"
    )
    parser.add_argument("--rounds", type=int, default=1, help="rounds of the case command")
    parser.add_argument("--no-results", action="store_true", help="do not write to results/")
    options = parser.parse_args()
    how = How(options.model, options.each, options.seconds, options.minutes, options.rounds)
    names = [name.strip() for name in options.cases.split(",")]
    if unknown := set(names) - set(CASES):
        parser.error(f"unknown cases: {', '.join(sorted(unknown))}")
    for name in names:
        table = CASES[name](how)
        print(table.text(), flush=True)
        if not options.no_results:
            keep(table)


if __name__ == "__main__":
    main()
