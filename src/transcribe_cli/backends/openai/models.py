"""What models behind the OpenAI transcription API can do, as data, and what is assumed of those that nobody knows.

OpenAI's were looked up in its API reference and model pages (August 2026), Groq's in its documentation; longest durations in error messages
that people reported (https://github.com/murtaza-nasir/speakr/issues/168). Last days and prices are in `prices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit

from transcribe_cli.errors import UsageError

# Files may have 25 MB nearly everywhere; a megabyte is left for the form around them.
MOST_BYTES = 24_000_000
# A longer request saves little, and all of it is paid again when it fails; in seconds.
LONG = 1200.0
# What a server of somebody's own is given at once, in seconds: as WAV, 10 MB.
OWN = 300.0
# Where a model tells no times, our own cuts are the only ones: speech of so many seconds, between pauses.
CUT = 20.0


class Times(StrEnum):
    """The finest times that an answer tells."""

    NONE = "none"
    SEGMENT = "segment"
    WORD = "word"


@dataclass(frozen=True)
class Model:
    """What a model takes and tells.

    Attributes:
        times: the finest times in its answers.
        response: the `response_format` with the most in it.
        longest: seconds of audio in a request.
        prompt: whether it takes text that came before.
        temperature: whether it takes a temperature.
        translates: whether it translates into English.
        hints: whether it takes `languages[]` and `keywords[]` instead of one language.
        ends: its last day, where `prices` has no price and so no day for it.
        extra: what it wants to be told besides.
    """

    times: Times = Times.WORD
    response: Literal["verbose_json", "json", "diarized_json"] = "verbose_json"
    longest: float = LONG
    prompt: bool = True
    temperature: bool = True
    translates: bool = False
    hints: bool = False
    ends: date | None = None
    extra: tuple[tuple[str, str], ...] = ()

    def with_times(self, times: Times) -> Model:
        """The same, where the user knows better what times it tells."""
        if times is Times.NONE:
            return replace(self, times=times, response="json", longest=CUT)
        longest = LONG if self.longest == CUT else self.longest
        response = self.response if self.response != "json" else "verbose_json"
        return replace(self, times=times, response=response, longest=longest)


_TEXT_ONLY = Model(times=Times.NONE, response="json", longest=CUT)
# Any server of somebody's own; it also wants to be told that segments are to be sentences, not what its detector cut (speaches), and
# the model once more, under the name that faster-whisper-server has for it.
_GENERAL = Model(longest=OWN, translates=True, extra=(("without_timestamps", "false"),))


@dataclass(frozen=True)
class Service:
    """A server of the API that others run.

    Attributes:
        name: for people.
        key: the setting with its key; `variable` where people have it.
        models: what is known of them.
        otherwise: what is assumed of others.
        same: its names for models that are called otherwise elsewhere.
        successor: what takes the place of models that end.
        least_seconds: so much is paid for each request.
    """

    name: str
    key: Literal["openai_api_key", "groq_api_key"]
    variable: str
    models: Mapping[str, Model]
    otherwise: Model
    same: Mapping[str, str] = field(default_factory=dict)
    successor: str = ""
    least_seconds: float = 0.0


SERVICES: Mapping[str, Service] = {
    "api.openai.com": Service(
        name="OpenAI",
        key="openai_api_key",
        variable="OPENAI_API_KEY",
        models={
            "whisper-1": Model(translates=True),
            "gpt-4o-transcribe": _TEXT_ONLY,
            "gpt-4o-mini-transcribe": _TEXT_ONLY,
            "gpt-4o-mini-transcribe-2025-12-15": replace(_TEXT_ONLY, ends=date(2027, 2, 26)),
            # It refuses more than 1400 s, and from 30 s on wants to be told how to cut.
            "gpt-4o-transcribe-diarize": Model(
                times=Times.SEGMENT,
                response="diarized_json",
                prompt=False,
                ends=date(2027, 2, 26),
                extra=(("chunking_strategy", "auto"),),
            ),
            "gpt-transcribe": replace(_TEXT_ONLY, hints=True, temperature=False),
        },
        otherwise=_TEXT_ONLY,  # what is new there tells no times
        same={"large-v2": "whisper-1"},
        successor="gpt-transcribe",
    ),
    "api.groq.com": Service(
        name="Groq",
        key="groq_api_key",
        variable="GROQ_API_KEY",
        models={"whisper-large-v3-turbo": Model(), "whisper-large-v3": Model(translates=True)},
        otherwise=Model(),
        same={
            "large-v3-turbo": "whisper-large-v3-turbo",
            "turbo": "whisper-large-v3-turbo",
            "large-v3": "whisper-large-v3",
            "large": "whisper-large-v3",
        },
        least_seconds=10.0,
    ),
}


@dataclass(frozen=True)
class Server:
    """The server at a URL, and what the user says about its times."""

    base_url: str
    times: Literal["auto", "word", "segment", "none"] = "auto"

    @property
    def host(self) -> str:
        """Its name, with a port where there is one: what people, ledger and transcripts call it."""
        return urlsplit(self.base_url).netloc

    @property
    def service(self) -> Service | None:
        """Which known one it is."""
        return SERVICES.get(urlsplit(self.base_url).hostname or "")

    def name_of(self, model: str) -> str:
        """What it calls a model."""
        return self.service.same.get(model, model) if self.service else model

    def knows(self, model: str) -> bool:
        """Whether what the model can do was looked up."""
        return self.service is not None and self.name_of(model) in self.service.models

    def model(self, model: str) -> Model:
        """What a model can do there, as far as anybody knows."""
        name = self.name_of(model)
        if self.service is None:
            known = replace(_GENERAL, extra=(*_GENERAL.extra, ("model_name", name)))
        else:
            known = self.service.models.get(name, self.service.otherwise)
        return known if self.times == "auto" else known.with_times(Times(self.times))


def check_name(server: Server, model: str) -> None:
    """Whether a model may be there at all.

    Raises:
        UsageError: it is one of ours, such as the default, and the service has others.
    """
    service = server.service
    local = not model.startswith(("gpt", "whisper")) and "/" not in model
    if service is not None and local and not server.knows(model):
        raise UsageError(f"{service.name} has no model {model}.", f"Use --model with one of {', '.join(service.models)}.")
