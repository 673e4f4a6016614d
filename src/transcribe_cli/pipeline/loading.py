"""Checks before the first recording whether models and devices are available, and the functions that load them.

Heavy libraries are imported where they are used: a run with nothing to transcribe needs no CTranslate2, one without diarization no
PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack

from transcribe_cli.audio import Decoder, Limits
from transcribe_cli.events import Emit
from transcribe_cli.plan import Job, find_rttm
from transcribe_cli.recognition.device_threads import EngineLoader
from transcribe_cli.recognition.engines import model_folder
from transcribe_cli.recognition.engines.devices import choose_device
from transcribe_cli.recognition.engines.models import locate
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Listings
from transcribe_cli.speakers.diarizers import Diarizer
from transcribe_cli.speakers.diarizers.rttm import RttmDiarizer
from transcribe_cli.spec import JobSpec

# Recordings prepared in parallel: decoding and speech detection take 10 s of CPU time for each hour of audio.
DECODERS = 2


def check_engine(spec: JobSpec, settings: Settings) -> None:
    """Check before the first recording that device and model are available; downloads the model if it is missing.

    Raises:
        UsageError, ModelUnavailable, DeviceUnavailable: see `engines.models` and `engines.devices`.
    """
    choose_device(settings.device, settings.compute_type, settings.device_index)
    folder = locate(spec.model, settings.model_dir, offline=settings.offline)
    model_folder.check(folder, spec.model, word_times=spec.word_timestamps)


def engine_loaders(spec: JobSpec, settings: Settings) -> Sequence[EngineLoader]:
    """The functions that load the recognizer, one for each device.

    Raises:
        UsageError, ModelUnavailable, DeviceUnavailable: see `engines.faster_whisper`.
    """
    from transcribe_cli.recognition.engines.faster_whisper import FasterWhisper

    return FasterWhisper.load(spec.model, settings)


def check_diarizer(jobs: Iterable[Job], settings: Settings) -> None:
    """Check before the first recording that the requested diarizers are available.

    Raises:
        MissingExtra, ModelUnavailable, UsageError: see `diarizers.pipeline_files`.
    """
    requested = (job.spec for job in jobs if job.spec.diarize and not job.spec.turns_are_given)
    for model in dict.fromkeys(spec.diarize_model for spec in requested):
        check_pyannote(model, settings)


def check_pyannote(model: str, settings: Settings) -> None:
    """Check that a pyannote.audio pipeline can be loaded: extra, token, terms, files, no code.

    Raises:
        MissingExtra, ModelUnavailable, UsageError: see `diarizers.pipeline_files`.
    """
    from transcribe_cli.speakers.diarizers import pipeline_files

    pipeline_files.check(
        model,
        token=_token(settings),
        model_dir=settings.model_dir,
        offline=settings.offline,
        trust_code=settings.trust_model_code,
    )


def load_diarizer(settings: Settings, job: Job, emit: Emit) -> Diarizer:
    """Load the diarizer of a job; `emit` receives a notice when it has to deviate from its settings.

    Raises:
        NotReady, UsageError: see `diarizers.pyannote`.
        DiarizationFailed: there is no RTTM file; see `plan.rttm_files`.
    """
    if job.spec.turns_are_given:
        return RttmDiarizer(find_rttm(job.recording, job.output, Listings()), job.recording.path.name)
    return load_pyannote(job.spec.diarize_model, settings, emit)


def load_pyannote(model: str, settings: Settings, emit: Emit) -> Diarizer:
    """Load a pyannote.audio pipeline.

    Raises:
        NotReady, UsageError: see `diarizers.pyannote`.
    """
    from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer

    return PyannoteDiarizer.load(
        model,
        device=settings.device,
        device_index=settings.device_index[0],
        batch_size=settings.diarize_batch_size,
        token=_token(settings),
        model_dir=settings.model_dir,
        offline=settings.offline,
        trust_code=settings.trust_model_code,
        emit=emit,
    )


def _token(settings: Settings) -> str | None:
    return settings.hf_token.get_secret_value() if settings.hf_token else None


def open_decoders(settings: Settings, stack: ExitStack) -> list[Decoder]:
    """The decoders of a pipeline, closed with `stack`. Each starts its process when it is first used."""
    limits = Limits(max_seconds=settings.max_duration * 3600)
    return [stack.enter_context(Decoder(limits=limits)) for _ in range(DECODERS)]
