"""What a run needs before its first recording: whether models and devices are there, and what loads them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from transcribe_cli.audio import Decoder, Limits
from transcribe_cli.engines.devices import place
from transcribe_cli.engines.models import locate
from transcribe_cli.recognition import Loader
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

# Recordings prepared side by side: decoding and speech detection take 10 s of a processor for each hour of audio.
DECODERS = 2


def check_engine(spec: JobSpec, settings: Settings) -> None:
    """Find out before the first recording whether device and model are there; fetches the model when it is not.

    Raises:
        UsageError, ModelUnavailable, DeviceUnavailable: see `engines.models` and `engines.devices`.
    """
    place(settings.device, settings.compute_type, settings.device_index)
    locate(spec.model, settings.model_dir, offline=settings.offline)


def engine_loaders(spec: JobSpec, settings: Settings) -> Sequence[Loader]:
    """What loads the recognizer, one for each device.

    Raises:
        UsageError, ModelUnavailable, DeviceUnavailable: see `engines.faster_whisper`.
    """
    # Imported here: it brings CTranslate2, which a run that has nothing to transcribe never needs.
    from transcribe_cli.engines.faster_whisper import FasterWhisper

    return FasterWhisper.load(spec.model, settings)


def decoders(settings: Settings, stack: ExitStack) -> list[Decoder]:
    """Decoders for a pipeline, closed with `stack`; each becomes a process when it is first used."""
    limits = Limits(max_seconds=settings.max_duration * 3600)
    return [stack.enter_context(Decoder(limits=limits)) for _ in range(DECODERS)]
