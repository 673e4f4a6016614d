"""`python -m benchmarks`: measures cases, prints tables, and stores them in results/. README.md describes the cases."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import recordings, whole
from benchmarks.places import USUAL, Place
from benchmarks.recordings import Measuring, measure
from benchmarks.report import keep

NAMES = (*(case.name for case in recordings.CASES), *whole.CASES)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare transcribe with other tools.")
    parser.add_argument(
        "--cases", type=_words, default=NAMES, metavar="A,B", help=f"cases to run: {', '.join(NAMES)}; default: all"
    )
    parser.add_argument(
        "--on",
        type=_words,
        default=USUAL,
        metavar="A,B",
        help="where to run: slow, fast (simulated accelerators), demo, tiny, turbo@cuda, …",
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="factor for the number or the length of recordings; below 1 for a quick check"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contenders", type=_words, default=(), metavar="A,B", help="contenders to run; default: all")
    parser.add_argument("--peers-venv", type=Path, help="virtual environment with whisper-ctranslate2 or whisperx")
    parser.add_argument(
        "--cache", type=Path, default=Path("~/.cache/transcribe-cli-bench").expanduser(), help="folder for audio and models"
    )
    parser.add_argument("--no-results", action="store_true", help="do not write to results/")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(NAMES):
        parser.error(f"unknown cases: {', '.join(sorted(unknown))}")
    return arguments


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def main() -> None:
    """Measure every requested case in every requested place."""
    arguments = _arguments()
    how = Measuring(arguments.cache.absolute(), arguments.scale, arguments.rounds, arguments.contenders, arguments.peers_venv)
    places = [Place.parsed(name) for name in arguments.on]
    for name in arguments.cases:
        for place in places:
            if name in whole.CASES:
                if place.profile:
                    continue
                table = whole.CASES[name](place, how)
            else:
                table = measure(next(case for case in recordings.CASES if case.name == name), place, how)
            print(table.text(), flush=True)
            if not arguments.no_results:
                keep(table)


if __name__ == "__main__":
    main()
