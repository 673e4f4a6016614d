"""The job spec: the options that change the text of a transcript, and no others. Its fingerprint decides which transcripts are stale.

Names and defaults are those of faster-whisper: https://github.com/SYSTRAN/faster-whisper
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic.fields import FieldInfo

from transcribe_cli.text.languages import language_code

T = TypeVar("T")


class Weight(Enum):
    """What an option decides, declared at its field. A file that was only found among the recordings sets preferences alone."""

    PREFERENCE = "preference"
    # An upper bound of what a run may take. Lowering it is a preference, raising it has authority.
    LIMIT = "limit"
    # It names a place, code, a model, a credential or a command, lets files be overwritten, or lifts a protection.
    AUTHORITY = "authority"


Preference: TypeAlias = Annotated[T, Weight.PREFERENCE]
Limit: TypeAlias = Annotated[T, Weight.LIMIT]
Authority: TypeAlias = Annotated[T, Weight.AUTHORITY]

DEFAULT_MODEL = "large-v3-turbo"
DEFAULT_DIARIZER = "pyannote/speaker-diarization-community-1"
# The diarizer that reads turns from the user's RTTM file. `plan` appends a colon and the digest of that file.
RTTM = "rttm"
# The fields that only matter with `diarize`.
DIARIZATION_FIELDS = frozenset({"diarize", "diarize_model", "num_speakers", "min_speakers", "max_speakers"})
# As in faster-whisper and openai/whisper: 0.0, then 0.2 more after each failed attempt.
TEMPERATURE_LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

# The defaults that a preset replaces; `balanced` replaces none. docs/quality.md has the measured cost and gain.
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "fast": {"beam_size": 1, "best_of": 1, "temperature": (0.0, 0.4, 0.8), "rescue": False},
        "balanced": {},
        "accurate": {"beam_size": 10, "best_of": 10, "patience": 2.0},
    }
)


def as_tuple(value: object) -> object:
    """Convert a single value or a comma-separated list, from the command line or a TOML file, to a tuple. Others are returned unchanged."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return (value,) if isinstance(value, int | float) else value


def weight(field: FieldInfo) -> Weight:
    """What the option decides. A field that does not say has authority, so that forgetting it is safe; a test finds it."""
    return next((item for item in field.metadata if isinstance(item, Weight)), Weight.AUTHORITY)


_TRACK_NAME = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,8}|auto")
# The bounds of an option are declared at its field, or at the items of a list, so that flags, files and workers refuse the same values.
Texts: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(max_length=10_000)]
_MAX_PROMPT = 10_000  # characters; the recognizer keeps the last 223 tokens, about 1000 characters
_MAX_MS = 60_000
_MAX_TRACK = 10_000


class JobSpec(BaseModel):
    """What to recognize and how. Frozen and validated; unknown keys are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Authority[str] = Field(
        default=DEFAULT_MODEL,
        min_length=1,
        description="Model name (large-v3-turbo, small, …), hub repository, or CTranslate2 folder. `demo` knows only the examples.",
    )
    language: Preference[str | None] = Field(
        default=None,
        description="Language as a code or a name (pt, por, pt-BR, Portuguese). Default: detected by a vote over several clips.",
    )
    languages: Preference[Texts] = Field(
        default=(), max_length=200, description="Languages that may be detected. Default: all that the model knows."
    )
    task: Preference[Literal["transcribe", "translate"]] = Field(
        default="transcribe", description="Task: transcribe, or translate to English."
    )
    audio_track: Preference[str | int | None] = Field(
        default=None,
        description="Audio track: its index from 0, its language (por), or auto: the one with the most speech. "
        "Default: the container's default track.",
    )

    channels: Preference[Literal["mix", "split"]] = Field(
        default="mix",
        description="Mix the channels of the track (mix), or recognize each one separately as a speaker (split).",
    )

    preset: Preference[Literal["fast", "balanced", "accurate"]] = Field(
        default="balanced",
        description="Sets beams, temperatures and rescue together. Options that are set explicitly take precedence.",
    )
    sequential: Preference[bool] = Field(
        default=False,
        description="Decode one window after the other, with the preceding text as context, as faster-whisper does. Slow.",
    )
    beam_size: Preference[int] = Field(default=5, ge=1, le=100, description="Number of beams at temperature 0.")
    best_of: Preference[int] = Field(default=5, ge=1, le=100, description="Number of candidates at temperatures above 0.")
    patience: Preference[float] = Field(
        default=1.0, ge=0.5, le=100, description="Beam search continues until patience x beam_size hypotheses are finished."
    )
    length_penalty: Preference[float] = Field(default=1.0, ge=-10, le=10, description="Values above 1 favor longer text.")
    repetition_penalty: Preference[float] = Field(
        default=1.0, ge=0.01, le=100, description="Values above 1 penalize tokens that were already generated."
    )
    no_repeat_ngram_size: Preference[int] = Field(
        default=0, ge=0, le=448, description="Never repeat a sequence of n tokens within a clip. 0 disables it."
    )
    temperature: Preference[Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], BeforeValidator(as_tuple)]] = Field(
        default=TEMPERATURE_LADDER,
        min_length=1,
        max_length=20,
        description="Temperatures to try in turn. A clip that fails a quality threshold is decoded again at the next one.",
    )
    compression_ratio_threshold: Preference[float | None] = Field(
        default=2.4,
        gt=0,
        le=1000,
        description="Quality threshold: maximum compression ratio of the text, which measures repetition.",
    )
    log_prob_threshold: Preference[float | None] = Field(
        default=-1.0, ge=-100, le=100, description="Quality threshold: minimum mean log-probability."
    )
    no_speech_threshold: Preference[float | None] = Field(
        default=0.6,
        ge=0,
        le=1,
        description="A clip whose no-speech probability exceeds this, and whose text is improbable, has no text.",
    )
    initial_prompt: Preference[str | None] = Field(
        default=None,
        max_length=_MAX_PROMPT,
        description="Text given to every clip as preceding context, such as names or a style. It shares 223 tokens with hotwords.",
    )
    hotwords: Preference[str | None] = Field(
        default=None, max_length=_MAX_PROMPT, description="Words to expect, given to every clip."
    )
    suppress_tokens: Preference[Annotated[tuple[Annotated[int, Field(ge=-1, le=1_000_000)], ...], BeforeValidator(as_tuple)]] = (
        Field(
            default=(-1,), max_length=1000, description="Token IDs that are never generated. -1 is the model's list of symbols."
        )
    )
    max_new_tokens: Preference[int | None] = Field(
        default=None, ge=1, le=448, description="Maximum number of tokens for a clip. Default: the model's limit."
    )
    word_timestamps: Preference[bool] = Field(default=True, description="Find the start and end of each word.")
    multilingual: Preference[bool] = Field(
        default=False, description="Detect the language of every clip, for recordings that mix languages."
    )
    full_window: Preference[bool] = Field(
        default=True,
        description="Pad short clips with silence to 30 s, as in Whisper's training. Without it, clips cost less and accuracy may drop.",
    )
    rescue: Preference[bool] = Field(
        default=True, description="Recognize speech without a transcript a second time, with other clip boundaries."
    )

    vad_filter: Preference[bool] = Field(default=True, description="Recognize only what Silero VAD detects as speech.")
    vad_threshold: Preference[float] = Field(default=0.5, gt=0, lt=1, description="Minimum speech probability of a 32 ms window.")
    vad_min_speech_duration_ms: Preference[int] = Field(
        default=100, ge=0, le=_MAX_MS, description="Minimum duration of speech, in milliseconds. Shorter speech is dropped."
    )
    vad_min_silence_duration_ms: Preference[int] = Field(
        default=500, ge=0, le=_MAX_MS, description="Minimum duration of a pause that ends a speech region, in milliseconds."
    )
    vad_speech_pad_ms: Preference[int] = Field(
        default=300, ge=0, le=_MAX_MS, description="Padding on both sides of a speech region, in milliseconds."
    )

    diarize: Preference[bool] = Field(
        default=False, description="Identify who speaks when. Needs the extra diarization, or existing turns in an RTTM file."
    )
    diarize_model: Authority[str] = Field(
        default=DEFAULT_DIARIZER,
        min_length=1,
        description="Pipeline of pyannote (hub repository, local folder, or `demo`), or `rttm` to read the turns from NAME.rttm.",
    )
    num_speakers: Preference[int | None] = Field(default=None, ge=1, le=100, description="Number of speakers. Default: detected.")
    min_speakers: Preference[int | None] = Field(
        default=None, ge=1, le=100, description="Minimum number of speakers. Default: detected."
    )
    max_speakers: Preference[int | None] = Field(
        default=None, ge=1, le=100, description="Maximum number of speakers. Default: detected."
    )

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, values: Any) -> Any:  # noqa: ANN401 - any input of pydantic
        preset = values.get("preset") if isinstance(values, dict) else None
        return {**PRESETS.get(preset, {}), **values} if isinstance(preset, str) else values

    @field_validator("language", mode="before")
    @classmethod
    def _language(cls, value: object) -> object:
        return language_code(value) if isinstance(value, str) else value

    @field_validator("audio_track", mode="before")
    @classmethod
    def _audio_track(cls, value: object) -> object:
        if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) < 80:
            value = int(value)
        is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_TRACK
        if value is None or is_number or (isinstance(value, str) and _TRACK_NAME.fullmatch(value)):
            return value
        raise ValueError(f"audio_track must be a number from 0 to {_MAX_TRACK}, a language such as por, or auto")

    @field_validator("languages")
    @classmethod
    def _languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Sorted, so that the order of the list does not change the fingerprint.
        return tuple(sorted({code for name in value if (code := language_code(name))}))

    @field_validator("temperature")
    @classmethod
    def _temperatures(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(value))

    @model_validator(mode="after")
    def _speaker_counts_are_consistent(self) -> JobSpec:
        if (self.min_speakers or 1) > (self.max_speakers or 100):
            raise ValueError(f"min_speakers {self.min_speakers} is more than max_speakers {self.max_speakers}")
        if self.num_speakers and (self.min_speakers or self.max_speakers):
            raise ValueError("num_speakers cannot be combined with min_speakers and max_speakers")
        if not self.diarize and (self.num_speakers or self.min_speakers or self.max_speakers):
            raise ValueError("num_speakers, min_speakers and max_speakers require diarize")
        if self.turns_are_given and (self.num_speakers or self.min_speakers or self.max_speakers):
            raise ValueError("num_speakers, min_speakers and max_speakers have no effect with diarize_model rttm")
        return self

    @model_validator(mode="after")
    def _channels_and_diarize_exclude_each_other(self) -> JobSpec:
        if self.channels == "split" and self.diarize:
            raise ValueError("channels split already assigns each channel to a speaker; remove diarize, or use channels mix")
        return self

    @model_validator(mode="after")
    def _language_and_task_are_supported(self) -> JobSpec:
        if self.language and self.languages and self.language not in self.languages:
            raise ValueError(f"language {self.language} is not among languages {', '.join(self.languages)}")
        if self.task == "translate" and self.model.removeprefix("large-v3-") == "turbo":
            # The turbo models were trained without translation data: README of openai/whisper.
            raise ValueError("the turbo model does not support task translate; use large-v3 or medium")
        return self

    @property
    def tells_speakers(self) -> bool:
        """Whether transcripts have speaker labels."""
        return self.diarize or self.channels == "split"

    @property
    def turns_are_given(self) -> bool:
        """Whether the speaker turns come from an RTTM file."""
        return self.diarize and self.diarize_model.partition(":")[0] == RTTM

    def canonical(self) -> dict[str, Any]:
        """The fields that determine the text.

        The preset is left out, because its values are present as fields. Nulls that are defaults are left out, so that a field added
        later with a null default does not change the fingerprint. `channels` is left out when it is mix.
        """
        mixed = ("channels",) if self.channels == "mix" else ()
        spec = self.model_dump(mode="json", exclude={"preset", *mixed, *(() if self.diarize else DIARIZATION_FIELDS)})
        fields = type(self).model_fields
        return {name: value for name, value in spec.items() if value is not None or fields[name].default is not None}

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the SHA-256 of the canonical JSON."""
        return fingerprint_of(self.canonical())


def fingerprint_of(canonical: Mapping[str, Any]) -> str:
    """The fingerprint of a canonical spec."""
    text = json.dumps(canonical, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def with_diarization_of(text: Mapping[str, Any], spec: JobSpec) -> dict[str, Any]:
    """The canonical spec of a transcript whose text was made with `text`, a canonical spec, and whose speakers with `spec`."""
    speakers = {name: value for name, value in spec.canonical().items() if name in DIARIZATION_FIELDS}
    return {**{name: value for name, value in text.items() if name not in DIARIZATION_FIELDS}, **speakers}
