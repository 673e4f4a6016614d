"""The capabilities of models behind the OpenAI transcription API, as data, and the assumptions about unknown models.

Sources: OpenAI's API reference and model pages (August 2026), Groq's documentation, and for the longest durations error messages that
users reported (https://github.com/murtaza-nasir/speakr/issues/168). Shutdown dates and prices are in `prices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit

from transcribe_cli.errors import UsageError

# Nearly all services limit files to 25 MB; a megabyte is left for the rest of the form.
MAX_FILE_BYTES = 24_000_000
# Whisper uses the last 224 tokens of a prompt. Groq refuses more than four characters for each
# (https://github.com/OpenWhispr/openwhispr/issues/405); other servers drop the beginning without a word, where the hotwords are.
WHISPER_PROMPT_CHARACTERS = 896
# Seconds of audio in a request to a service. Longer requests save little, and all of it is paid again after a failure.
SERVICE_SECONDS = 1200.0
# Seconds of audio in a request to a server of the user's own: 10 MB as WAV.
OWN_SECONDS = 300.0
# Seconds of audio in a request to a model without timestamps: the cuts, at pauses, are the only times.
TEXT_ONLY_SECONDS = 20.0


class Times(StrEnum):
    """The finest timestamps in an answer."""

    NONE = "none"
    SEGMENT = "segment"
    WORD = "word"


@dataclass(frozen=True)
class Model:
    """The capabilities of a model.

    Attributes:
        times: the finest timestamps in its answers.
        response_format: the most detailed one that it supports.
        max_seconds: of audio in a request.
        takes_prompt: whether it accepts a prompt.
        max_prompt_characters: that it uses of a prompt; None if it has no known limit.
        takes_temperature: whether it accepts a temperature.
        can_translate: whether it translates into English.
        takes_hints: whether it accepts `languages[]` and `keywords[]` instead of one language.
        shutdown: its shutdown date, for models that are not in `prices`.
        extra_fields: further form fields that it needs.
    """

    times: Times = Times.WORD
    response_format: Literal["verbose_json", "json", "diarized_json"] = "verbose_json"
    max_seconds: float = SERVICE_SECONDS
    takes_prompt: bool = True
    max_prompt_characters: int | None = WHISPER_PROMPT_CHARACTERS
    takes_temperature: bool = True
    can_translate: bool = False
    takes_hints: bool = False
    shutdown: date | None = None
    extra_fields: tuple[tuple[str, str], ...] = ()

    def with_times(self, times: Times) -> Model:
        """The same model with the timestamps that the user set."""
        if times is Times.NONE:
            return replace(self, times=times, response_format="json", max_seconds=TEXT_ONLY_SECONDS)
        max_seconds = SERVICE_SECONDS if self.max_seconds == TEXT_ONLY_SECONDS else self.max_seconds
        response_format = self.response_format if self.response_format != "json" else "verbose_json"
        return replace(self, times=times, response_format=response_format, max_seconds=max_seconds)


_TEXT_ONLY = Model(times=Times.NONE, response_format="json", max_seconds=TEXT_ONLY_SECONDS, max_prompt_characters=None)
# Any server of the user's own. The extra field makes speaches return sentences as segments instead of the cuts of its detector. `Server`
# adds the model's name in the field that faster-whisper-server reads.
_OWN_SERVER = Model(max_seconds=OWN_SECONDS, can_translate=True, extra_fields=(("without_timestamps", "false"),))


@dataclass(frozen=True)
class Service:
    """A public service with the API.

    Attributes:
        name: in messages.
        key_setting: the setting with its API key.
        key_variable: the environment variable with its API key.
        models: the known ones.
        default_model: assumed for unknown models.
        aliases: its names for models by their usual names.
        successor: recommended instead of models that end.
        min_billed_seconds: minimum that is charged per request.
    """

    name: str
    key_setting: Literal["openai_api_key", "groq_api_key"]
    key_variable: str
    models: Mapping[str, Model]
    default_model: Model
    aliases: Mapping[str, str] = field(default_factory=dict)
    successor: str = ""
    min_billed_seconds: float = 0.0


SERVICES: Mapping[str, Service] = {
    "api.openai.com": Service(
        name="OpenAI",
        key_setting="openai_api_key",
        key_variable="OPENAI_API_KEY",
        models={
            "whisper-1": Model(can_translate=True),
            "gpt-4o-transcribe": _TEXT_ONLY,
            "gpt-4o-mini-transcribe": _TEXT_ONLY,
            "gpt-4o-mini-transcribe-2025-12-15": replace(_TEXT_ONLY, shutdown=date(2027, 2, 26)),
            # It refuses more than 1400 s, and requires a chunking strategy from 30 s on.
            "gpt-4o-transcribe-diarize": Model(
                times=Times.SEGMENT,
                response_format="diarized_json",
                takes_prompt=False,
                shutdown=date(2027, 2, 26),
                extra_fields=(("chunking_strategy", "auto"),),
            ),
            "gpt-transcribe": replace(_TEXT_ONLY, takes_hints=True, takes_temperature=False),
        },
        default_model=_TEXT_ONLY,  # new models there return no timestamps
        aliases={"large-v2": "whisper-1"},
        successor="gpt-transcribe",
    ),
    "api.groq.com": Service(
        name="Groq",
        key_setting="groq_api_key",
        key_variable="GROQ_API_KEY",
        models={"whisper-large-v3-turbo": Model(), "whisper-large-v3": Model(can_translate=True)},
        default_model=Model(),
        aliases={
            "large-v3-turbo": "whisper-large-v3-turbo",
            "turbo": "whisper-large-v3-turbo",
            "large-v3": "whisper-large-v3",
            "large": "whisper-large-v3",
        },
        min_billed_seconds=10.0,
    ),
}


@dataclass(frozen=True)
class Server:
    """The server at a URL, and the timestamps that the user set for it."""

    base_url: str
    times: Literal["auto", "word", "segment", "none"] = "auto"

    @property
    def host(self) -> str:
        """Its host name, with the port if the URL has one: its name in messages, the ledger and transcripts."""
        return urlsplit(self.base_url).netloc

    @property
    def service(self) -> Service | None:
        """The public service at this URL; None for other servers."""
        return SERVICES.get(urlsplit(self.base_url).hostname or "")

    def api_name(self, model: str) -> str:
        """The server's name for a model."""
        return self.service.aliases.get(model, model) if self.service else model

    def is_known(self, model: str) -> bool:
        """Whether the capabilities of the model are listed here."""
        return self.service is not None and self.api_name(model) in self.service.models

    def model(self, model: str) -> Model:
        """The capabilities of a model there: known, assumed, or set by the user."""
        name = self.api_name(model)
        if self.service is None:
            capabilities = replace(_OWN_SERVER, extra_fields=(*_OWN_SERVER.extra_fields, ("model_name", name)))
        else:
            capabilities = self.service.models.get(name, self.service.default_model)
        return capabilities if self.times == "auto" else capabilities.with_times(Times(self.times))


def check_model_name(server: Server, model: str) -> None:
    """Check that a model may exist on the server.

    Raises:
        UsageError: the name is one of local models, such as the default, which the service does not have.
    """
    service = server.service
    is_local_name = not model.startswith(("gpt", "whisper")) and "/" not in model
    if service is not None and is_local_name and not server.is_known(model):
        raise UsageError(f"{service.name} has no model {model}.", f"Use --model with one of {', '.join(service.models)}.")
