"""`transcribe doctor`: check that this machine is ready. One line for each check, with what to do."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from transcribe_cli.cli.session import ConfigFile, Profile, configure
from transcribe_cli.config import Config
from transcribe_cli.errors import NotReady, TranscribeError
from transcribe_cli.storage import is_url
from transcribe_cli.text.credentials import shown_url
from transcribe_cli.text.printable import printable

# Twice the decoded waveform of six hours of audio.
SCRATCH_BYTES = 2 * 691_200_000


@dataclass(frozen=True)
class Check:
    """The result of a check: ok; note, for what `run` works without; or missing, for what it needs."""

    state: Literal["ok", "note", "missing"]
    message: str
    hint: str = ""


def doctor(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]…", help="Also check that outputs can be written here.")
    ] = None,
    config: ConfigFile = None,
    profile: Profile = None,
    model: Annotated[str | None, typer.Option("-m", "--model", metavar="TEXT", help="The model to check.")] = None,
    device: Annotated[str | None, typer.Option("--device", metavar="[auto|cpu|cuda]", help="The device to check.")] = None,
    diarize_model: Annotated[
        str | None,
        typer.Option("--diarize-model", metavar="TEXT", help="Also check that `run --diarize` works with this diarizer."),
    ] = None,
) -> int:
    """Check that this machine is ready for a run.

    Checks libraries, GPU, models, disk and permissions. Exit code 4 when something that `run` needs is missing.

    transcribe doctor ./aulas --model small

    transcribe doctor --diarize-model pyannote/speaker-diarization-community-1
    """
    flags = {"model": model, "device": device, "diarize_model": diarize_model, "diarize": True if diarize_model else None}
    configured = configure(sources or [], flags, config, profile)
    missing = False
    for check in _checks(configured, sources or []):
        missing |= check.state == "missing"
        typer.echo(f"{check.state:<8} {printable(f'{check.message} {check.hint}'.strip())}")
    return NotReady.exit_code if missing else 0


def _checks(config: Config, sources: list[str]) -> Iterator[Check]:
    yield Check("ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {sys.prefix}.")
    yield _libraries()
    yield _ffmpeg()
    yield from _device(config)
    yield _model(config)
    yield _diarization(config)
    yield _scratch()
    if config.settings.runpod_endpoint is not None:
        yield _endpoint(config)
    if "openai" in (config.settings.backend, *config.settings.fallback):
        yield _server(config)
    for source in sources:
        yield _writable(config, source)


def _endpoint(config: Config) -> Check:
    """Only a note when it fails: `run` works without it."""
    from transcribe_cli.backends.runpod import RunPod
    from transcribe_cli.events import ignore_event

    name = config.settings.runpod_endpoint
    try:
        RunPod(config.spec, config.settings, ignore_event).check(())
    except TranscribeError as error:
        return Check("note", error.message, error.hint)
    return Check("ok", f"RunPod endpoint {name} accepts jobs.")


def _server(config: Config) -> Check:
    """Only a note when it fails: `run` works without it."""
    from transcribe_cli.backends.openai import OpenAI
    from transcribe_cli.events import ignore_event

    try:
        OpenAI(config.spec, config.settings, ignore_event).check(())
    except TranscribeError as error:
        return Check("note", error.message, error.hint)
    return Check("ok", f"The server at {shown_url(config.settings.base_url)} responds.")


def _libraries() -> Check:
    names = ("faster-whisper", "ctranslate2", "av", "onnxruntime")
    return Check("ok", ", ".join(f"{name} {version(name)}" for name in names) + ".")


def _ffmpeg() -> Check:
    """PyAV decodes nearly all formats; the second decoder is for the others."""
    if find_spec("ffmpeg") is None:
        return Check(
            "note", "Second decoder: ffmpeg-python is not installed.", "For rare codecs: pip install 'transcribe-cli[ffmpeg]'."
        )
    if (program := shutil.which("ffmpeg")) is None:
        return Check(
            "note",
            "Second decoder: the ffmpeg program is not installed.",
            "For rare codecs, install the system's ffmpeg package.",
        )
    return Check("ok", f"Second decoder: {program}.")


def _device(config: Config) -> Iterator[Check]:
    import ctranslate2

    from transcribe_cli.recognition.engines.devices import CUDA_HINT, choose_device, missing_cuda_libraries, processor_count

    settings = config.settings
    gpus = ctranslate2.get_cuda_device_count()
    if gpus and (missing := missing_cuda_libraries()):
        state: Literal["note", "missing"] = "note" if settings.device == "cpu" else "missing"
        yield Check(state, f"{gpus} GPU(s), but {', '.join(missing)} cannot be loaded.", CUDA_HINT)
        return
    if not gpus and settings.device != "cuda":
        yield Check("note", "No CUDA GPU found; recognition runs on the CPU.", "If there is an NVIDIA GPU, check `nvidia-smi`.")
    yield _try(
        lambda: (
            f"Recognition runs on {choose_device(settings.device, settings.compute_type, settings.device_index)}"
            f" ({f'{gpus} GPU(s)' if gpus else f'{processor_count()} CPU cores'})."
        )
    )


def _model(config: Config) -> Check:
    from transcribe_cli.recognition.engines import model_folder
    from transcribe_cli.recognition.engines.models import locate

    spec = config.spec

    def describe() -> str:
        folder = locate(spec.model, config.settings.model_dir, offline=True)
        model_folder.check(folder, spec.model, word_times=spec.word_timestamps)
        return f"Model {spec.model}: {folder}."

    return _try(describe)


def _diarization(config: Config) -> Check:
    """pyannote.audio takes seconds to import, so that is checked only with --diarize. Without it, errors are only notes."""
    from transcribe_cli.pipeline.loading import check_pyannote
    from transcribe_cli.speakers.diarizers import loading

    settings, name = config.settings, config.spec.diarize_model
    if config.spec.turns_are_given:
        return Check("ok", "Diarization: from RTTM files next to the recordings.")
    try:
        check_pyannote(name, settings)
        if config.spec.diarize:
            loading.import_pyannote()
    except TranscribeError as error:
        return Check("missing" if config.spec.diarize else "note", f"Diarization: {error.message}", error.hint)
    return Check("ok", f"Diarization: {name}, pyannote.audio {version('pyannote.audio')}.")


def _try(describe: Callable[[], str]) -> Check:
    try:
        return Check("ok", describe())
    except TranscribeError as error:
        return Check("missing", error.message, error.hint)


def _scratch() -> Check:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < SCRATCH_BYTES:
        return Check(
            "note",
            f"Scratch folder {folder}: only {free / 1e9:.1f} GB free; six hours of audio need 0.7 GB.",
            "Set TMPDIR to another disk.",
        )
    return Check("ok", f"Scratch folder {folder}: {free / 1e9:.0f} GB free.")


def _writable(config: Config, source: str) -> Check:
    path = Path(source)
    if is_url(source):
        return Check("note", "Write access to stores is only checked when a run starts.")
    if not path.exists():
        return Check("missing", f"{shown_url(source)} does not exist.")
    folder = config.settings.output_dir or (path if path.is_dir() else path.parent)
    if isinstance(folder, str):
        return Check("note", f"Write access to {folder} is only checked when a run starts.")
    while not folder.exists():
        folder = folder.parent
    if os.access(folder, os.W_OK) and not os.statvfs(folder).f_flag & os.ST_RDONLY:
        return Check("ok", f"Output folder {folder}: writable.")
    return Check("missing", f"Output folder {folder}: not writable.", "Use --output-dir.")
