"""Who spoke when: diarization error rate and the right number of speakers, on conversations of voices that no training has heard.

    .venv/bin/python benchmarks/diarization.py --conversations 20
    .venv/bin/python benchmarks/diarization.py --long 120

The conversations are synthetic (tools/demo_diarizer): what the figures say of the demo diarizer they do not say of others, nor of real
speech. The diarizer is the product's own, `transcribe_cli.diarizers.pyannote`, on one thread of a processor.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import numpy as np
import torch

from demo_diarizer.conversations import Conversation, held_out_conversation
from demo_diarizer.evaluate import Figures, figures
from transcribe_cli.audio import Waveform
from transcribe_cli.diarizers.blocks import BLOCK_SECONDS
from transcribe_cli.diarizers.pyannote import Pyannote
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Turn

VOICES = (2, 3, 4)
LONG_VOICES = 4


@dataclass(frozen=True)
class Long:
    """A long conversation: its figures, seconds of wall time, and mebibytes of memory that it took at most."""

    figures: Figures
    seconds: float
    memory: float


def diarize(diarizer: Pyannote, talk: Conversation, spec: JobSpec) -> tuple[Turn, ...]:
    """The turns that are found in a conversation."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Waveform.from_samples(talk.samples, Path(folder)) as waveform,
    ):
        return diarizer.diarize(waveform, spec, lambda share: None).turns


def short(model: str, count: int, seconds: float) -> None:
    """Print a table of conversations of two, three and four voices, their number found out or told."""
    diarizer = Pyannote.load(model, device="cpu")
    found: list[tuple[Conversation, tuple[Turn, ...]]] = []
    told: list[tuple[Conversation, tuple[Turn, ...]]] = []
    print("| voices | DER | without collar | count right | DER, count told |")
    print("|---|---|---|---|---|")
    began = time.perf_counter()
    for voices in VOICES:
        talks = [held_out_conversation(voices, seconds, seed) for seed in range(count)]
        free = [(talk, diarize(diarizer, talk, JobSpec(diarize=True))) for talk in talks]
        known = [(talk, diarize(diarizer, talk, JobSpec(diarize=True, num_speakers=voices))) for talk in talks]
        print(row(str(voices), free, known), flush=True)
        found += free
        told += known
    print(row("all", found, told))
    spent = time.perf_counter() - began
    print(f"\n{len(found)} conversations of {seconds:.0f} s, synthesised and diarized twice in {spent:.0f} s.")


def row(name: str, found: list[tuple[Conversation, tuple[Turn, ...]]], told: list[tuple[Conversation, tuple[Turn, ...]]]) -> str:
    """A line of the table."""
    free, known = figures(found), figures(told)
    return f"| {name} | {free.collar:.1%} | {free.strict:.1%} | {free.counted:.0%} | {known.collar:.1%} |"


def long(model: str, minutes: float) -> None:
    """Print how a long conversation comes out as a whole and in blocks."""
    print("| | DER | speakers | seconds | memory it takes (MiB) |")
    print("|---|---|---|---|---|")
    for name, block in (("in blocks", BLOCK_SECONDS), ("as a whole", 60 * minutes)):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            one = process.submit(_long, model, minutes, block).result()
        right = "right" if one.figures.counted else "wrong"
        print(f"| {name} | {one.figures.collar:.1%} | {right} | {one.seconds:.0f} | {one.memory:.0f} |", flush=True)


def _long(model: str, minutes: float, block: float) -> Long:
    torch.set_num_threads(1)
    diarizer = Pyannote.load(model, device="cpu", block_seconds=block)
    talk = held_out_conversation(LONG_VOICES, 60 * minutes, 0)
    with tempfile.TemporaryDirectory() as folder, Waveform.from_samples(talk.samples, Path(folder)) as waveform:
        # Only the length is asked for from here on; their memory is not the diarizer's.
        talk = Conversation(np.broadcast_to(np.float32(0), waveform.samples), talk.turns)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins here
        before = _memory("VmRSS")
        began = time.perf_counter()
        turns = diarizer.diarize(waveform, JobSpec(diarize=True), lambda share: None).turns
        seconds = time.perf_counter() - began
        return Long(figures([(talk, turns)]), seconds, _memory("VmHWM") - before)


def _memory(name: str) -> float:
    """Mebibytes of this process, now or at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name))


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo", help="any --diarize-model")
    parser.add_argument("--conversations", type=int, default=20, help="of each number of voices")
    parser.add_argument("--seconds", type=float, default=60, help="length of each")
    parser.add_argument(
        "--long", type=float, metavar="MINUTES", help="one conversation of that length, whole and in blocks, instead"
    )
    options = parser.parse_args()
    if options.long:
        long(options.model, options.long)
    else:
        torch.set_num_threads(1)
        short(options.model, options.conversations, options.seconds)


if __name__ == "__main__":
    main()
