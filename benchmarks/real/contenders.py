"""The contenders. Each transcribes a group of recordings in one process, from its start to its end, with the same model and threads."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks.process import run
from benchmarks.real.loops import BATCHED, SEQUENTIAL, Loop

# Code 3 of `transcribe run`: some recordings have no transcript.
DONE = (0, 3)
OURS: Mapping[str, tuple[str, ...]] = {
    "ours-balanced": (),
    "ours-fast": ("--preset", "fast"),
    "ours-accurate": ("--preset", "accurate"),
    "ours-sequential": ("--sequential",),
}
LOOPS = (SEQUENTIAL, BATCHED)
CT2, WHISPER, WHISPERX = "whisper-ctranslate2", "whisper", "whisperx"
NAMES = (*OURS, *LOOPS, CT2, WHISPER, WHISPERX)


@dataclass(frozen=True)
class Setting:
    """What all contenders have in common.

    Attributes:
        model: folder of a CTranslate2 model.
        whisper_model: weights (.pt) of the same model for openai/whisper; None if there are none.
        diarizer: value of `--diarize-model` for ours; "" to leave speakers alone.
        peers: virtual environment with other commands; None for the PATH.
    """

    model: Path
    device: str
    compute_type: str
    threads: int
    diarizer: str = ""
    whisper_model: Path | None = None
    peers: Path | None = None


@dataclass(frozen=True)
class Work:
    """Recordings for one process: files with distinct stems, their language (None to detect it), and an empty folder for outputs."""

    files: tuple[Path, ...]
    language: str | None
    out: Path


@dataclass(frozen=True)
class Ended:
    """Seconds and peak memory in bytes of a process and its children. `NAME.json` in its folder has what was recognized."""

    seconds: float
    peak: int


Contender = Callable[[Work], Ended]


class Unavailable(Exception):
    """A contender cannot run here; the message says why."""


def contender(name: str, setting: Setting, variants: Mapping[str, Sequence[str]]) -> Contender:
    """The contender with this name; `variants` are ours with other flags.

    Raises:
        Unavailable: it is not installed or lacks its weights.
    """
    if name in variants or name in OURS:
        return partial(_ours, setting, tuple(variants.get(name) or OURS[name]))
    if name in LOOPS:
        return partial(_loop, setting, name)
    command = shutil.which(name, path=str(setting.peers / "bin") if setting.peers else None)
    if not command:
        raise Unavailable(f"{name}: not installed")
    if name == WHISPER:
        return partial(_peer, _whisper(command, setting))
    common = ["--device", setting.device, "--compute_type", setting.compute_type, "--threads", f"{setting.threads}"]
    if name == CT2:
        options = [
            "--model_directory",
            f"{setting.model}",
            "--word_timestamps",
            "True",
            "--vad_filter",
            "True",
            "--verbose",
            "False",
        ]
    else:  # whisperX's alignment models are separate downloads
        options = ["--model", f"{setting.model}", "--no_align", "--vad_method", "silero", "--print_progress", "False"]
    return partial(_peer, [command, *common, *options])


def variant(text: str) -> tuple[str, tuple[str, ...]]:
    """The name and the flags of `name: --flag value`; the name may be left out.

    Raises:
        ValueError: there are no flags.
    """
    name, colon, flags = text.partition(":")
    if not colon or name.lstrip().startswith("-"):
        name, flags = "", text
    if not flags.strip().startswith("-"):
        raise ValueError(f"{text!r} is not `name: --flag value`")
    return name.strip() or f"ours {flags.strip()}", tuple(shlex.split(flags))


def _ours(setting: Setting, flags: Sequence[str], work: Work) -> Ended:
    out = work.out / "ours"
    listed = work.out / "files.txt"
    listed.write_text("".join(f"{path}\n" for path in work.files), "utf-8")
    command = [sys.executable, "-m", "transcribe_cli", "run", f"@{listed}", "--model", f"{setting.model}", "--log-format", "json"]
    command += ["--device", setting.device, "--compute-type", setting.compute_type, "--threads", f"{setting.threads}"]
    command += ["--output-dir", f"{out}", "--output-format", "json", "--state-dir", f"{work.out / 'state'}", "--offline"]
    command += ["--language", work.language] if work.language else []
    command += ["--diarize", "--diarize-model", setting.diarizer] if setting.diarizer else []
    ran = run([*command, *flags], accepted=DONE)
    for path in out.rglob("*.json"):
        shutil.move(path, work.out / path.name)
    return Ended(ran.seconds, ran.peak)


def _loop(setting: Setting, mode: str, work: Work) -> Ended:
    files = tuple(map(str, work.files))
    loop = Loop(
        mode, files, f"{setting.model}", work.language, setting.device, setting.compute_type, setting.threads, f"{work.out}"
    )
    ran = run([sys.executable, "-m", "benchmarks.real.loops"], json.dumps(asdict(loop)))
    return Ended(ran.seconds, ran.peak)


def _whisper(command: str, setting: Setting) -> list[str]:
    if not setting.whisper_model:
        raise Unavailable(f"{WHISPER}: no weights; --whisper-model names its .pt file")
    precision = ["--fp16", str(setting.device != "cpu")]
    options = ["--device", setting.device, "--threads", f"{setting.threads}", "--word_timestamps", "True", "--verbose", "False"]
    return [command, "--model", f"{setting.whisper_model}", *precision, *options]


def _peer(command: Sequence[str], work: Work) -> Ended:
    language = ["--language", work.language] if work.language else []
    output = ["--output_format", "json", "--output_dir", f"{work.out}"]
    ran = run([*command, *language, *output, *map(str, work.files)])
    return Ended(ran.seconds, ran.peak)
