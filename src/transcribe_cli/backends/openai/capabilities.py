"""What is asked of a model that it cannot do: refused before anything is sent, or told and left out."""

from __future__ import annotations

from collections.abc import Iterator

from transcribe_cli.backends.openai.models import Server, Times
from transcribe_cli.errors import UsageError
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

# What happens on this machine whatever the server is, or is asked of the server.
_MEANT = frozenset(
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


def check_asked(spec: JobSpec, server: Server, settings: Settings) -> None:
    """Find out whether the model can do it.

    Raises:
        UsageError: it cannot, or not with these outputs.
    """
    name, model = server.name_of(spec.model), server.model(spec.model)
    if settings.detach:
        raise UsageError(f"{server.host} keeps no jobs: --detach cannot be had there.")
    if spec.sequential:
        raise UsageError("--sequential reads on this machine; a server of the OpenAI API decides itself how it reads.")
    if spec.task == "translate" and not model.translates:
        raise UsageError(f"The model {name} at {server.host} does not translate.", _translators(server))
    if model.times is not Times.WORD and (settings.highlight_words or settings.karaoke):
        option = "--highlight-words" if settings.highlight_words else "--karaoke"
        raise UsageError(
            f"{option} needs a time for each word, and the model {name} at {server.host} tells none.", _with_words(server)
        )


def left_out(spec: JobSpec, server: Server) -> Iterator[str]:
    """What is not done as it is asked, a sentence each."""
    name, model = server.name_of(spec.model), server.model(spec.model)
    if not server.knows(spec.model) and server.times == "auto":
        told = f"times of {model.times.value}s" if model.times is not Times.NONE else "text without times"
        yield f"Nothing is known here of the model {name} at {server.host}: it is taken to give {told}; --api-times says otherwise."
    if model.times is Times.NONE:
        yield (
            f"The model {name} tells no times. Those of segments and subtitles come from where this machine cuts the audio, at pauses, "
            "20 seconds or less apart; there are none of words."
        )
    elif model.times is Times.SEGMENT and spec.word_timestamps:
        yield f"The model {name} tells times of segments, and none of words."
    ignored = list(_ignored(spec))
    if not model.prompt:
        ignored += [option for option in ("initial_prompt", "hotwords") if getattr(spec, option)]
    if not model.temperature and spec.temperature != JobSpec().temperature:
        ignored.append("temperature")
    if ignored:
        yield f"The model {name} at {server.host} has no {', '.join(ignored)}: left out."
    if model.response == "diarized_json":
        yield f"The speakers that {name} tells are not used, because they differ from piece to piece; --diarize finds them here."


def _ignored(spec: JobSpec) -> Iterator[str]:
    """Options that were set, which only a recognizer of this machine has; what a preset sets is none."""
    plain = JobSpec(preset=spec.preset)
    for name in type(spec).model_fields:
        if name not in _MEANT and getattr(spec, name) != getattr(plain, name):
            yield name


def _translators(server: Server) -> str:
    able = [name for name, model in server.service.models.items() if model.translates] if server.service else []
    return f"Use --model {' or '.join(able)}." if able else ""


def _with_words(server: Server) -> str:
    able = [name for name, model in server.service.models.items() if model.times is Times.WORD] if server.service else []
    return f"Use --model {' or '.join(able)}." if able else "If it does, --api-times word says so."
