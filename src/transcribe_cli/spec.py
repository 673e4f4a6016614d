"""The job spec: everything that changes the text of a transcript, and nothing else; its fingerprint decides what is stale.

Names and defaults are faster-whisper's own, so that what its users know holds here: https://github.com/SYSTRAN/faster-whisper
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from transcribe_cli.text.languages import language_code

DEFAULT_MODEL = "large-v3-turbo"
DEFAULT_DIARIZER = "pyannote/speaker-diarization-community-1"
# The diarizer that computes nothing: turns from an RTTM file of the user's. `plan` adds a colon and the digest of that file.
RTTM = "rttm"
# What says who spoke; without `diarize` none of it matters.
DIARIZATION_FIELDS = frozenset({"diarize", "diarize_model", "num_speakers", "min_speakers", "max_speakers"})
# faster-whisper and openai/whisper: 0.0, then 0.2 more after each failed try.
TEMPERATURE_LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

# What a preset sets where nothing else is said; `balanced` is the defaults. Cost and gain are measured in docs/quality.md.
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "fast": {"beam_size": 1, "best_of": 1, "temperature": (0.0, 0.4, 0.8), "rescue": False},
        "balanced": {},
        "accurate": {"beam_size": 10, "best_of": 10, "patience": 2.0},
    }
)


def as_tuple(value: object) -> object:
    """A tuple from a lone value or a comma list, as a command line or a TOML file gives it; anything else as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return (value,) if isinstance(value, int | float) else value


class JobSpec(BaseModel):
    """What to recognize and how. Frozen and validated; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str = Field(
        default=DEFAULT_MODEL,
        min_length=1,
        description="name (large-v3-turbo, small, …), hub repository, CTranslate2 folder, or `demo`",
    )
    language: str | None = Field(default=None, description="code or English name; none: found by a vote over several clips")
    languages: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="only these may be detected; none: all that the model knows"
    )
    task: Literal["transcribe", "translate"] = Field(default="transcribe", description="translate gives English text")
    audio_track: int | None = Field(default=None, ge=0, description="which audio track, from 0; none: the container's default")

    channels: Literal["mix", "split"] = Field(
        default="mix",
        description="split: each channel of the track is a speaker, recognized apart; mix: one voice after the other",
    )

    preset: Literal["fast", "balanced", "accurate"] = Field(
        default="balanced", description="beams, ladder and rescue at once; what is set on its own wins"
    )
    sequential: bool = Field(
        default=False, description="one window after the other, each told the text before it, as faster-whisper does; slow"
    )
    beam_size: int = Field(default=5, ge=1, le=100, description="beams at temperature 0")
    best_of: int = Field(default=5, ge=1, le=100, description="candidates at temperatures above 0")
    patience: float = Field(default=1.0, gt=0, description="beam search goes on until patience x beam_size hypotheses ended")
    length_penalty: float = Field(default=1.0, description="above 1 favours longer text")
    repetition_penalty: float = Field(default=1.0, gt=0, description="above 1 punishes tokens already said")
    no_repeat_ngram_size: int = Field(default=0, ge=0, description="no n tokens twice in a clip; 0: off")
    temperature: Annotated[tuple[float, ...], BeforeValidator(as_tuple)] = Field(
        default=TEMPERATURE_LADDER, min_length=1, description="ladder: a clip that fails the gates is tried at the next one"
    )
    compression_ratio_threshold: float | None = Field(
        default=2.4, gt=0, description="gate: text that repeats itself more than this"
    )
    log_prob_threshold: float | None = Field(default=-1.0, description="gate: mean log-probability below this")
    no_speech_threshold: float | None = Field(
        default=0.6, ge=0, le=1, description="a clip doubted more than this, and improbable, has no text"
    )
    initial_prompt: str | None = Field(default=None, description="text that every clip is told came before: names, style")
    hotwords: str | None = Field(default=None, description="words to expect, given to every clip")
    suppress_tokens: Annotated[tuple[int, ...], BeforeValidator(as_tuple)] = Field(
        default=(-1,), description="token ids never said; -1: the model's list of symbols"
    )
    max_new_tokens: int | None = Field(default=None, ge=1, le=448, description="most tokens for a clip; none: the model's limit")
    word_timestamps: bool = Field(default=True, description="a start and an end for each word")
    multilingual: bool = Field(default=False, description="find the language of every clip, for recordings that mix languages")
    full_window: bool = Field(
        default=True,
        description="encode short clips with silence up to 30 s, as Whisper was trained; without, they cost less and may read worse",
    )
    rescue: bool = Field(default=True, description="speech that got no words is heard once more, with other clip borders")

    vad_filter: bool = Field(default=True, description="only what Silero VAD calls speech is recognized")
    vad_threshold: float = Field(default=0.5, gt=0, lt=1, description="probability from which a 32 ms window is speech")
    vad_min_speech_duration_ms: int = Field(default=100, ge=0, description="shorter speech is dropped")
    vad_min_silence_duration_ms: int = Field(default=500, ge=0, description="shorter pauses do not end a speech region")
    vad_speech_pad_ms: int = Field(default=300, ge=0, description="kept on both sides of a region")

    diarize: bool = Field(default=False, description="say who spoke when; needs the extra diarization, or turns that are given")
    diarize_model: str = Field(
        default=DEFAULT_DIARIZER,
        min_length=1,
        description="pyannote pipeline (hub repository, local folder, or `demo`), or `rttm`: turns from NAME.rttm",
    )
    num_speakers: int | None = Field(default=None, ge=1, le=100, description="how many voices there are; none: found out")
    min_speakers: int | None = Field(default=None, ge=1, le=100, description="at least so many")
    max_speakers: int | None = Field(default=None, ge=1, le=100, description="at most so many")

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, values: Any) -> Any:  # noqa: ANN401 - whatever pydantic is given
        chosen = values.get("preset") if isinstance(values, dict) else None
        return {**PRESETS.get(chosen, {}), **values} if isinstance(chosen, str) else values

    @field_validator("language", mode="before")
    @classmethod
    def _language(cls, value: object) -> object:
        return language_code(value) if isinstance(value, str) else value

    @field_validator("languages")
    @classmethod
    def _languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # In one order, so that the order in which somebody lists them changes no fingerprint.
        return tuple(sorted({code for name in value if (code := language_code(name))}))

    @field_validator("temperature")
    @classmethod
    def _temperatures(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 <= temperature <= 1 for temperature in value):
            raise ValueError("temperatures lie between 0 and 1")
        return tuple(sorted(value))

    @model_validator(mode="after")
    def _speakers_can_be_counted(self) -> JobSpec:
        if (self.min_speakers or 1) > (self.max_speakers or 100):
            raise ValueError(f"min_speakers {self.min_speakers} is more than max_speakers {self.max_speakers}")
        if self.num_speakers and (self.min_speakers or self.max_speakers):
            raise ValueError("num_speakers says it all; leave out min_speakers and max_speakers")
        if not self.diarize and (self.num_speakers or self.min_speakers or self.max_speakers):
            raise ValueError("num_speakers, min_speakers and max_speakers need diarize")
        if self.turns_are_given and (self.num_speakers or self.min_speakers or self.max_speakers):
            raise ValueError("num_speakers, min_speakers and max_speakers mean nothing with diarize_model rttm")
        return self

    @model_validator(mode="after")
    def _speakers_are_found_in_one_way(self) -> JobSpec:
        if self.channels == "split" and self.diarize:
            raise ValueError("channels split says who speaks by the channel; leave out diarize, or use channels mix")
        return self

    @model_validator(mode="after")
    def _language_is_allowed(self) -> JobSpec:
        if self.language and self.languages and self.language not in self.languages:
            raise ValueError(f"language {self.language} is not among languages {', '.join(self.languages)}")
        if self.task == "translate" and self.model.removeprefix("large-v3-") == "turbo":
            # The turbo models were trained without translation data: openai/whisper README.
            raise ValueError("task translate is beyond the turbo model; use large-v3 or medium")
        return self

    @property
    def tells_speakers(self) -> bool:
        """Whether transcripts say who speaks."""
        return self.diarize or self.channels == "split"

    @property
    def turns_are_given(self) -> bool:
        """Whether an RTTM file says who speaks when."""
        return self.diarize and self.diarize_model.partition(":")[0] == RTTM

    def canonical(self) -> dict[str, Any]:
        """What decides the text.

        Without the preset, whose values are there one by one, and without nulls that are defaults, so that a field added later with a
        null default changes no fingerprint; nor do the channels where they are mixed.
        """
        mixed = ("channels",) if self.channels == "mix" else ()
        spec = self.model_dump(mode="json", exclude={"preset", *mixed, *(() if self.diarize else DIARIZATION_FIELDS)})
        fields = type(self).model_fields
        return {name: value for name, value in spec.items() if value is not None or fields[name].default is not None}

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the SHA-256 of the canonical JSON."""
        canonical = json.dumps(self.canonical(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]
