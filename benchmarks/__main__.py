"""`python -m benchmarks`: measure, show, keep under results/. What each case is: README.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import recordings, whole
from benchmarks.places import USUAL, Place
from benchmarks.recordings import Measuring, measure
from benchmarks.report import keep

NAMES = (*(case.name for case in recordings.CASES), *whole.CASES)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure transcribe against its peers.")
    parser.add_argument("--cases", type=_words, default=NAMES, metavar="A,B", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument(
        "--on", type=_words, default=USUAL, metavar="A,B", help="slow, fast (simulated), demo, tiny, turbo@cuda, …"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="fewer or shorter recordings, for a quick look")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contenders", type=_words, default=(), metavar="A,B", help="only these; default: all")
    parser.add_argument("--peers-venv", type=Path, help="a virtual environment that has whisper-ctranslate2 or whisperx")
    parser.add_argument(
        "--cache", type=Path, default=Path("~/.cache/transcribe-cli-bench").expanduser(), help="for audio and models"
    )
    parser.add_argument("--no-results", action="store_true", help="only show")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(NAMES):
        parser.error(f"there are no cases {', '.join(sorted(unknown))}")
    return arguments


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def main() -> None:
    """Measure every case in every place that was asked for."""
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
