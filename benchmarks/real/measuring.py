"""Runs the contenders over a group in rounds, and keeps what they recognized."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.real.contenders import Contender, Work
from benchmarks.real.corpus import Recording
from benchmarks.real.figures import Rounds
from benchmarks.real.hypothesis import Hypothesis, from_file
from benchmarks.real.measures import Measure, measure

# In the folder of `--keep`: the errors of each recording, one JSON object per line.
ERRORS = "errors.jsonl"


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Attributes:
        detect: whether contenders have to detect the language of each recording.
        assume: the language given for recordings without speech or in several languages; None to let it be detected.
        keep: folder for transcripts and the errors of each recording; None to keep nothing.
    """

    contenders: Mapping[str, Contender]
    repeats: int
    detect: bool
    assume: str | None
    keep: Path | None

    def language_for(self, recording: Recording) -> str | None:
        """The language that contenders are given for the group of this recording; None if they have to detect it."""
        if self.detect:
            return None
        return recording.language if recording.has_one_language else self.assume


def run_group(recordings: Sequence[Recording], plan: Plan) -> dict[str, Rounds]:
    """Each contender, by name. Their order is rotated from round to round, because the speed of a machine drifts."""
    found = {name: Rounds() for name in plan.contenders}
    texts: dict[str, list[str]] = {}
    names = list(plan.contenders)
    given = plan.language_for(recordings[0])
    for number in range(plan.repeats):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            if found[name].problem:
                continue
            print(f"  {recordings[0].group}, round {number + 1}, {name}", file=sys.stderr, flush=True)
            try:
                hypotheses = _round(recordings, plan.contenders[name], given, found[name], _kept(plan, name, number))
            except RuntimeError as error:
                print(f"  {name}: {error}", file=sys.stderr, flush=True)
                found[name].problem = f"{name}: failed"
                continue
            said = [hypothesis.text for hypothesis in hypotheses]
            if number == 0:
                texts[name] = said
                found[name].measures = _measured(recordings, hypotheses, plan, name, detected=given is None)
            else:
                found[name].changed = max(found[name].changed, sum(a != b for a, b in zip(said, texts[name], strict=True)))
    return found


def _round(
    recordings: Sequence[Recording], contender: Contender, language: str | None, rounds: Rounds, keep: Path | None
) -> list[Hypothesis]:
    with tempfile.TemporaryDirectory(prefix="benchmark-real-") as folder:
        inside, out = Path(folder, "in"), Path(folder, "out")
        inside.mkdir()
        out.mkdir()
        files = [_linked(item, inside, number) for number, item in enumerate(recordings)]
        rounds.ended.append(contender(Work(tuple(files), language, out)))
        results = [out / f"{file.stem}.json" for file in files]
        if keep:
            _copy(recordings, results, keep)
        return [from_file(result) for result in results]


def _linked(recording: Recording, folder: Path, number: int) -> Path:
    """The recording under a name that no other has, because some contenders name outputs by the stem."""
    link = folder / f"{number:05}-{recording.path.name}"
    link.symlink_to(recording.path.resolve())
    return link


def _kept(plan: Plan, name: str, number: int) -> Path | None:
    return plan.keep / name.replace("/", "_") if plan.keep and number == 0 else None


def _copy(recordings: Sequence[Recording], results: Sequence[Path], folder: Path) -> None:
    for recording, result in zip(recordings, results, strict=True):
        if result.is_file():
            to = folder / f"{recording.uri}.json"
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(result.read_bytes())
            to.with_suffix(".txt").write_text(f"{from_file(result).text}\n", "utf-8")


def _measured(
    recordings: Sequence[Recording], hypotheses: Sequence[Hypothesis], plan: Plan, name: str, *, detected: bool
) -> list[Measure]:
    pairs = list(zip(recordings, hypotheses, strict=True))
    measures = [measure(recording, hypothesis, detected=detected) for recording, hypothesis in pairs]
    if plan.keep:
        plan.keep.mkdir(parents=True, exist_ok=True)
        with (plan.keep / ERRORS).open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(_row(name, recordings[0].group, item))}\n" for item in measures)
    return measures


def _row(name: str, group: str, item: Measure) -> dict[str, object]:
    wer = item.score.wer if item.score else None
    counts = {"errors": wer.errors, "words": wer.length} if wer else {}
    others = {
        "invented": item.invented,
        "missing": item.missing,
        "digits": item.has_digits,
        "wrong_language": item.wrong_language,
    }
    return {"contender": name, "group": group, "uri": item.uri, **counts, **others, "failed": item.failed}
