"""Ours against loops over faster-whisper, in the same run on the same audio with the same model: ratios, and word error rates.

    .venv/bin/python benchmarks/throughput.py --notes 30 --rounds 3

Each contender is a process of its own, model loading included, so that what is timed is what a user waits for. Rounds are interleaved,
since a machine's speed drifts. The demo model and synthetic speech: the ratios speak of the work around the model, not of a large one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jiwer

SENTENCES = (
    "O professor explica a lição de hoje.",
    "A aluna estuda a história do brasil na sala de aula.",
    "O juiz apresenta o relatório final.",
    "Vamos fazer um intervalo de dez minutos.",
    "A testemunha descreve o mapa da cidade com calma.",
    "Vamos começar a aula.",
)
VOICES = ("m1", "m2", "m4", "f1", "f3")

LOOP = """
import json, sys
from faster_whisper import BatchedInferencePipeline, WhisperModel
mode, model, *files = sys.argv[1:]
whisper = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=2)
engine = BatchedInferencePipeline(whisper) if mode == "batched" else whisper
options = {"batch_size": 4} if mode == "batched" else {"vad_filter": True}
texts = {}
for file in files:
    segments, _ = engine.transcribe(file, beam_size=5, word_timestamps=True, **options)
    texts[file] = " ".join(segment.text.strip() for segment in segments)
print(json.dumps(texts))
"""


def make_notes(folder: Path, count: int) -> dict[Path, str]:
    """Short voice notes of one to three sentences, 3 to 12 s, and one lecture of as many sentences as there are notes."""
    spoken = {}
    for number in range(count):
        text = " ".join(SENTENCES[(number * 7 + part) % len(SENTENCES)] for part in range(1 + number % 3))
        spoken[folder / f"note{number:03}.wav"] = text
    spoken[folder / "lecture.wav"] = " ".join(SENTENCES[number * 5 % len(SENTENCES)] for number in range(max(count, 6)))
    for number, (path, text) in enumerate(spoken.items()):
        voice = f"pt-br+{VOICES[number % len(VOICES)]}"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", path, text], check=True)
    return spoken


def loop(mode: str, files: list[Path]) -> dict[str, str]:
    """A loop over the files with faster-whisper, as its README shows it."""
    from transcribe_cli.engines.models import DEMO_FOLDER

    command = [sys.executable, "-c", LOOP, mode, DEMO_FOLDER, *files]
    answer = subprocess.run(command, check=True, capture_output=True).stdout
    return {Path(file).name: text for file, text in json.loads(answer).items()}


def ours(files: list[Path]) -> dict[str, str]:
    """`transcribe run` into an empty folder."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "transcribe_cli", "run", *files, "--model", "demo", "--quiet", "-o", out]
        subprocess.run(command, check=True)
        documents = [json.loads(path.read_text()) for path in Path(out).rglob("*.json")]
    return {document["source"]["name"]: document["text"] for document in documents}


def words(text: str) -> str:
    """Lower case without punctuation."""
    return " ".join("".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").split())


def main() -> None:
    """Time the contenders and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notes", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spoken = make_notes(Path(folder), arguments.notes)
        files = list(spoken)
        contenders = {
            "sequential": lambda: loop("sequential", files),
            "batched": lambda: loop("batched", files),
            "ours": lambda: ours(files),
        }
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        errors = {}
        for _ in range(arguments.rounds):
            for name, run in contenders.items():
                began = time.perf_counter()
                texts = run()
                seconds[name].append(time.perf_counter() - began)
                errors[name] = jiwer.wer(
                    [words(text) for text in spoken.values()], [words(texts.get(path.name, "")) for path in files]
                )
    best = min(statistics.median(seconds[name]) for name in ("sequential", "batched"))
    print(f"{'':12} {'median s':>9} {'min':>7} {'max':>7} {'against the better loop':>25} {'WER':>7}")
    for name, times in seconds.items():
        middle = statistics.median(times)
        print(f"{name:12} {middle:9.2f} {min(times):7.2f} {max(times):7.2f} {best / middle:24.2f}x {errors[name]:7.1%}")


if __name__ == "__main__":
    main()
