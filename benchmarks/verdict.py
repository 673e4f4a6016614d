"""`python -m benchmarks.verdict`: does `quality.verdict` find the recordings whose text is wrong, and leave the others alone?

Takes a corpus with a manifest (`uri`, `language`, `text`, `speaker`), joins sentences of a speaker to recordings of half a minute, spoils
them in every way of `spoils`, transcribes all, and compares the verdict with the word error rate. Half of the speakers are for tuning
thresholds, the other half are held out. The transcripts stay in the work folder; `--again` judges them anew without recognition.
Results name no text and no path.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.report import Table, Target, keep
from benchmarks.spoils import RATE, SPOILS, Samples, Spoil
from transcribe_cli.pipeline.verdict import judged
from transcribe_cli.scoring import Options, score
from transcribe_cli.transcript import Transcript

# Above this word error rate a text is wrong, and up to that one it is good.
WRONG, GOOD = 0.30, 0.15
RECALL, FALSE_ALARMS = 0.90, 0.05
# Seconds of silence between joined sentences.
PAUSE = 0.6
HALVES = ("tuning", "held out")
# The language of recordings in which nobody speaks, as in `benchmarks.real`.
NOBODY = "zxx"


@dataclass(frozen=True)
class Item:
    """One recording of the test: files of one speaker, joined. `text` is empty where nothing is said."""

    name: str
    language: str
    half: str
    paths: tuple[Path, ...]
    text: str

    def samples(self) -> Samples:
        """(samples,) at 16 kHz, at the level of the files."""
        pieces: list[Samples] = []
        for path in self.paths:
            command = ["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
            pieces += [
                np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32),
                np.zeros(int(PAUSE * RATE), np.float32),
            ]
        return np.concatenate(pieces[:-1])


@dataclass(frozen=True)
class Judged:
    """A recording with its word error rate (None where nothing was said) and its verdict."""

    item: Item
    spoil: str
    wer: float | None
    words: int
    transcript: Transcript

    @property
    def is_wrong(self) -> bool:
        """Whether more words are wrong than a reader would put up with."""
        return self.wer is not None and self.wer > WRONG

    @property
    def is_good(self) -> bool:
        """Whether the text is good, and there is no other fault that has to be flagged whatever the words are."""
        return self.wer is not None and self.wer <= GOOD and not SPOILS[self.spoil].is_fault

    @property
    def is_flagged(self) -> bool:
        """Whether the verdict is not good."""
        return self.transcript.quality.verdict != "good"


def items(corpus: Path, join: int, each: int) -> list[Item]:
    """The recordings of a corpus: `each` of every speaker, of `join` sentences; files without a speaker are their own."""
    by_speaker: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for line in (corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry.get("text") or entry["language"] == NOBODY:
            by_speaker[entry.get("speaker") or Path(entry["uri"]).stem].append(entry)
    found = []
    for number, speaker in enumerate(sorted(by_speaker)):
        entries = by_speaker[speaker]
        for start in range(0, min(len(entries), join * each), join):
            part = entries[start : start + join]
            text = " ".join(entry.get("text") or "" for entry in part)
            paths = tuple(corpus / entry["uri"] for entry in part)
            found.append(Item(f"{speaker}-{start // join}", part[0]["language"], HALVES[number % 2], paths, text))
    return found


def transcribe(found: Sequence[Item], spoil: Spoil, work: Path, model: str) -> None:
    """Spoil and transcribe the recordings; what is there is kept."""
    for item in found:
        forced = next((code for code in spoil.languages if code != item.language), None)
        folder = work / spoil.name / (forced or "any")
        folder.mkdir(parents=True, exist_ok=True)
        if not (path := folder / f"{item.name}.wav").exists():
            spoil.write(item.samples(), path)
        (reference := work / "references" / spoil.name / (forced or "any")).mkdir(parents=True, exist_ok=True)
        (reference / f"{item.name}.txt").write_text(item.text, encoding="utf-8")
    for folder in sorted((work / spoil.name).iterdir()):
        command = [sys.executable, "-m", "transcribe_cli", "run", str(folder), "-o", str(work / "out" / spoil.name / folder.name)]
        command += ["--model", spoil.model or model, "--device", "cpu", "-q", "-f", "json"]
        done = subprocess.run([*command, *(["--language", folder.name] if folder.name != "any" else [])], check=False)
        if done.returncode not in (0, 3):
            raise SystemExit(f"the run over {spoil.name} failed with exit code {done.returncode}")


def judge(found: Sequence[Item], spoil: Spoil, work: Path) -> Iterator[Judged]:
    """The verdicts of the transcripts in the work folder, computed anew, with their word error rates."""
    by_name = {item.name: item for item in found}
    for path in sorted((work / "out" / spoil.name).rglob("*.json")):
        if (item := by_name.get(path.stem)) is None:
            continue
        reference = work / "references" / path.relative_to(work / "out").with_suffix(".txt")
        transcript = judged(Transcript.loads(path.read_bytes()))
        wer, words = None, len(transcript.text.split())
        if item.text.strip():
            report = score(reference, path, Options(metrics=("wer",), language=item.language))
            counts = report.recordings[0].score.wer
            assert counts is not None
            wer = counts.rate
        yield Judged(item, spoil.name, wer, words, transcript)


def table(results: Sequence[Judged], corpus: str, model: str) -> Table:
    """Recall and false alarms for each spoil and half; `corpus` and `model` are names for people."""
    columns = ("spoil", "recordings", "over 30 %", "found", "up to 15 %", "flagged", "text, nothing said", "found")
    shown = Table(f"verdict {corpus}", f"The verdict against the word error rate: {corpus}, model {model}", columns)
    for half in (*HALVES, "all"):
        part = [result for result in results if half in ("all", result.item.half)]
        wrong = [result for result in part if result.is_wrong]
        good = [result for result in part if result.is_good]
        if wrong:
            recall = sum(result.is_flagged for result in wrong) / len(wrong)
            aim = f"{half}: wrong ones found, at least {RECALL:.0%} of {len(wrong)}"
            shown.targets.append(Target(aim, f"{recall:.1%}", recall >= RECALL))
        if good:
            alarms = sum(result.is_flagged for result in good) / len(good)
            aim = f"{half}: good ones flagged, under {FALSE_ALARMS:.0%} of {len(good)}"
            shown.targets.append(Target(aim, f"{alarms:.1%}", alarms < FALSE_ALARMS))
    for spoil in dict.fromkeys(result.spoil for result in results):
        part = [result for result in results if result.spoil == spoil]
        wrong = [result for result in part if result.is_wrong]
        good = [result for result in part if result.is_good]
        invented = [result for result in part if result.wer is None and result.words]
        cells = [
            len(part),
            len(wrong),
            sum(r.is_flagged for r in wrong),
            len(good),
            sum(r.is_flagged for r in good),
            len(invented),
        ]
        shown.rows.append([spoil, *map(str, cells), str(sum(result.is_flagged for result in invented))])
    for result in results:
        reasons = [[reason.code, reason.level] for reason in result.transcript.quality.reasons]
        shown.figures[f"{result.spoil}/{result.item.name}"] = {
            "half": result.item.half,
            "wer": None if result.wer is None else round(result.wer, 3),
            "verdict": result.transcript.quality.verdict,
            "reasons": reasons,
        }
    return shown


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdict", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with manifest.jsonl")
    parser.add_argument("--model", required=True, help="model under test")
    parser.add_argument("--work", type=Path, required=True, help="folder for recordings and transcripts, which are kept")
    parser.add_argument("--join", type=int, default=5, help="sentences of a recording")
    parser.add_argument("--each", type=int, default=1, help="recordings of a speaker")
    parser.add_argument("--spoils", default=",".join(SPOILS), help=f"of {', '.join(SPOILS)}")
    parser.add_argument("--only", default="", metavar="TEXT", help="only recordings whose name has this text in it")
    parser.add_argument("--again", action="store_true", help="judge the transcripts of the work folder, without recognition")
    parser.add_argument("--no-results", action="store_true", help="do not write to results/")
    return parser.parse_args()


def main() -> None:
    """Spoil, transcribe, judge, print."""
    arguments = _arguments()
    found = [item for item in items(arguments.corpus, arguments.join, arguments.each) if arguments.only in item.name]
    results: list[Judged] = []
    for name in arguments.spoils.split(","):
        if not arguments.again:
            transcribe(found, SPOILS[name], arguments.work, arguments.model)
        results += judge(found, SPOILS[name], arguments.work)
    shown = table(results, arguments.corpus.resolve().name, Path(arguments.model).name)
    print(shown.text())
    if not arguments.no_results:
        keep(shown, prefix="verdict-")


if __name__ == "__main__":
    main()
