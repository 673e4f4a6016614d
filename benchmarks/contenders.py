"""The contenders: ours, two loops over faster-whisper, other commands if installed, and the floor. Each runs in its own process."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.process import run
from benchmarks.work import BEAM_SIZE, LANGUAGE, Work

OURS, FLOOR = "ours", "floor"
LOOPS = ("sequential", "batched")
# Memory of faster-whisper's sequential loop per hour of a recording, measured with faster-whisper 1.2.1.
SEQUENTIAL_BYTES_PER_HOUR = 3.4 * 2**30


@dataclass
class Result:
    """One run of one contender.

    Attributes:
        seconds: of the whole process; on a simulated device, from when the model was loaded.
        first: seconds until the first recording was finished, if the contender reports it.
        peak: memory of the process and its children, in bytes.
        texts: what was recognized, by file name.
        clips, calls, busy, lead, span: of the simulated device, see `Answer`.
    """

    seconds: float
    peak: int
    first: float | None = None
    texts: dict[str, str] = field(default_factory=dict)
    clips: int = 0
    calls: int = 0
    busy: float = 0.0
    lead: float = 0.0
    span: float = 0.0


def contenders(work: Work, peers: Path | None, flags: Sequence[str] = ()) -> dict[str, Callable[[Work], Result]]:
    """The contenders that support this work, in the order of the table. Ours is repeated with each of these flags."""
    found: dict[str, Callable[[Work], Result]] = {name: _child("benchmarks.loops", name) for name in LOOPS}
    found[OURS] = _child("benchmarks.simulated") if work.profile else _ours
    if not work.profile:
        found |= {f"{OURS} {flag}": partial(_ours, more=(flag,)) for flag in flags}
        found |= {} if work.random else _peers(peers)
        found[FLOOR] = _child("benchmarks.floor")
    return found


def hours_in_memory(work: Work, longest: float) -> str:
    """Why this machine lacks memory for the sequential loop with a recording of `longest` seconds; "" if it does not."""
    need, free = SEQUENTIAL_BYTES_PER_HOUR * longest / 3600, _available()
    return f"sequential left out: it needs about {need / 2**30:.1f} GiB here" if free and need > 0.8 * free else ""


def our_command(work: Work) -> list[str]:
    """`transcribe run` for the files of the work, with outputs in its folder and events on standard error."""
    command = [sys.executable, "-m", "transcribe_cli", "run", *work.files, "--log-format", "json", "--device", work.device]
    command += ["--output-dir", f"{work.out}/out", "--state-dir", f"{work.out}/state", "--compute-type", work.compute_type]
    for name, value in work.spec.items():
        flag = name.replace("_", "-")
        command += [f"--{flag if value else f'no-{flag}'}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return command


def _child(module: str, *arguments: str) -> Callable[[Work], Result]:
    def measured(work: Work) -> Result:
        ran = run([sys.executable, "-m", module, *arguments], work.dumps())
        answer = json.loads(ran.output)
        inside = answer.pop("seconds")
        began, done = ran.at("ready") or ran.at("model_loaded") or 0.0, ran.at("recording_done")
        if work.profile:
            return Result(inside, ran.peak, done and done - began, **answer)
        return Result(inside if module.endswith("floor") else ran.seconds, ran.peak, done, **answer)

    return measured


def _ours(work: Work, more: Sequence[str] = ()) -> Result:
    ran = run([*our_command(work), *more])
    documents = [json.loads(path.read_text("utf-8")) for path in Path(work.out, "out").rglob("*.json")]
    return Result(ran.seconds, ran.peak, ran.at("recording_done"), {item["source"]["name"]: item["text"] for item in documents})


def _peers(folder: Path | None) -> dict[str, Callable[[Work], Result]]:
    """Other commands, from `folder`'s bin or the PATH. Not with random weights, because they cannot fix the number of tokens."""
    where = f"{folder / 'bin'}" if folder else None
    found: dict[str, Callable[[Work], Result]] = {}
    if command := shutil.which("whisper-ctranslate2", path=where):
        options = ["--word_timestamps", "True", "--verbose", "False"]
        found["whisper-ctranslate2"] = _peer([command, "--model_directory"], [*options, "--vad_filter", "True"])
        found["the same, --batched"] = _peer([command, "--model_directory"], [*options, "--batched", "True"], batched=True)
    if command := shutil.which("whisperx", path=where):
        # Its alignment models need a separate download.
        found["whisperx"] = _peer([command, "--model"], ["--no_align", "--vad_method", "silero"], batched=True)
    return found


def _peer(command: Sequence[str], more: Sequence[str], *, batched: bool = False) -> Callable[[Work], Result]:
    def measured(work: Work) -> Result:
        common = ["--device", work.device, "--compute_type", work.compute_type, "--threads", str(work.threads)]
        common += ["--language", LANGUAGE, "--beam_size", str(BEAM_SIZE), "--output_format", "json", "--output_dir", work.out]
        common += ["--batch_size", str(work.batch_size)] if batched else []
        ran = run([*command, work.folder, *common, *more, *work.files])
        names = {Path(file).stem: Path(file).name for file in work.files}
        documents = {path.stem: json.loads(path.read_text("utf-8")) for path in Path(work.out).glob("*.json")}
        texts = {names[stem]: " ".join(part["text"] for part in document["segments"]) for stem, document in documents.items()}
        return Result(ran.seconds, ran.peak, None, texts)

    return measured


def _available() -> int:
    """Available memory in bytes; 0 if unknown."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)
