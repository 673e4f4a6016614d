"""Checks what a model supports: unsupported requests are refused before anything is sent, or reported and ignored."""

from __future__ import annotations

from collections.abc import Iterator

from transcribe_cli.backends.openai.models import Server, Times
from transcribe_cli.errors import UsageError
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

# Fields of the spec that take effect on this machine with any server, or that are sent to the server.
_SUPPORTED = frozenset(
    {
        *(
            "model",
            "language",
            "languages",
            "task",
            "audio_track",
            "channels",
            "multilingual",
            "word_timestamps",
            "preset",
            "rescue",
        ),
        *("vad_filter", "vad_threshold", "vad_min_speech_duration_ms", "vad_min_silence_duration_ms", "vad_speech_pad_ms"),
        *("diarize", "diarize_model", "num_speakers", "min_speakers", "max_speakers"),
        *("compression_ratio_threshold", "initial_prompt", "hotwords", "temperature", "sequential"),
    }
)


def check_capabilities(spec: JobSpec, server: Server, settings: Settings) -> None:
    """Check that the model supports the spec and the outputs.

    Raises:
        UsageError: it does not.
    """
    name, model = server.api_name(spec.model), server.model(spec.model)
    if settings.detach:
        raise UsageError(f"--detach does not work with {server.host}: servers of the OpenAI API keep no jobs.")
    if spec.sequential:
        raise UsageError("--sequential does not work with servers of the OpenAI API: they choose how they decode.")
    if spec.task == "translate" and not model.can_translate:
        raise UsageError(f"The model {name} at {server.host} does not translate.", _translation_hint(server))
    if model.times is not Times.WORD and (settings.highlight_words or settings.karaoke):
        option = "--highlight-words" if settings.highlight_words else "--karaoke"
        raise UsageError(
            f"{option} needs word timestamps, which the model {name} at {server.host} does not return.",
            _word_timestamps_hint(server),
        )


def limitations(spec: JobSpec, server: Server) -> Iterator[str]:
    """What is ignored or done in another way, one message each."""
    name, model = server.api_name(spec.model), server.model(spec.model)
    if not server.is_known(spec.model) and server.times == "auto":
        assumed = f"{model.times.value} timestamps" if model.times is not Times.NONE else "no timestamps"
        yield f"The model {name} at {server.host} is unknown: {assumed} are assumed. Set --api-times to override this."
    if model.times is Times.NONE:
        yield (
            f"The model {name} returns no timestamps. Times of segments and subtitles are those of the cuts that this machine makes "
            "at pauses, 20 seconds or less apart. There are no word timestamps."
        )
    elif model.times is Times.SEGMENT and spec.word_timestamps:
        yield f"The model {name} returns segment timestamps, but no word timestamps."
    ignored = list(_ignored_options(spec))
    if not model.takes_prompt:
        ignored += [option for option in ("initial_prompt", "hotwords") if getattr(spec, option)]
    if not model.takes_temperature and spec.temperature != JobSpec().temperature:
        ignored.append("temperature")
    if ignored:
        yield f"The model {name} at {server.host} does not support {', '.join(ignored)}: ignored."
    if model.response_format == "diarized_json":
        yield f"The speaker labels of {name} are ignored because they change between requests. Use --diarize instead."


def _ignored_options(spec: JobSpec) -> Iterator[str]:
    """Options of local recognizers that differ from the defaults of the preset."""
    defaults = JobSpec(preset=spec.preset)
    for name in type(spec).model_fields:
        if name not in _SUPPORTED and getattr(spec, name) != getattr(defaults, name):
            yield name


def _translation_hint(server: Server) -> str:
    able = [name for name, model in server.service.models.items() if model.can_translate] if server.service else []
    return f"Use --model {' or '.join(able)}." if able else ""


def _word_timestamps_hint(server: Server) -> str:
    able = [name for name, model in server.service.models.items() if model.times is Times.WORD] if server.service else []
    return f"Use --model {' or '.join(able)}." if able else "If it does return them, set --api-times word."
