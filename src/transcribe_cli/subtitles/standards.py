"""Subtitle standards, named after their publishers: netflix, bbc, ted. The standard `plain` has no rules.

Every number can be set: `[subtitles]` in transcribe.toml, or `--subtitles netflix,max_chars=40`. A rule that a source omits has no limit.

Sources: [N1] https://partnerhelp.netflixstudios.com/hc/en-us/articles/215758617 (general requirements), [N2] …/articles/360051554394
(timing), [S] NetflixQualityController.cs of github.com/SubtitleEdit/subtitleedit (Netflix's numbers by language),
[B] https://www.bbc.co.uk/accessibility/forproducts/guides/subtitles, [T] https://translations.ted.com/TED_Translators_Cheat-sheet.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Literal["netflix", "bbc", "ted", "plain"]
STANDARD_NAMES: tuple[str, ...] = get_args(Name)
# Key for all other languages in a table by language.
OTHER_LANGUAGES = "default"
_BY_LANGUAGE = ("max_chars", "chars_per_second")

Characters = Annotated[int, Field(ge=1, le=1000)]
Speed = Annotated[float, Field(ge=0.1, le=1000)]

# [S]; a character of these scripts is twice as wide, and takes longer to read.
_MAX_CHARS = {OTHER_LANGUAGES: 42, "ja": 23, "ko": 16, "zh": 16, "yue": 16, "th": 35}
_WIDE_SCRIPT_SPEEDS = {"ja": 4, "ko": 12, "zh": 9, "yue": 9}
_STANDARDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "netflix": {
            "max_chars": _MAX_CHARS,  # [S]
            "max_lines": 2,  # [N1]
            "chars_per_second": {OTHER_LANGUAGES: 17, "en": 20, "ar": 20, "hi": 22, **_WIDE_SCRIPT_SPEEDS},  # [S]
            "min_duration": 0.833,  # [N1]: 5/6 s
            "max_duration": 7.0,  # [N1]
            "min_gap": 0.083,  # [N1]: 2 frames at 24 a second
            "close_gaps": 0.5,  # [N2]: gaps of 3 to 11 frames are closed to 2
            "extend": 0.5,  # [N2]: 12 frames
        },
        "bbc": {
            "max_chars": {**_MAX_CHARS, OTHER_LANGUAGES: 37},  # [B] 3.1
            "max_lines": 2,  # [B] 3.3
            "chars_per_second": _WIDE_SCRIPT_SPEEDS,  # [S], for scripts whose words cannot be counted
            "words_per_minute": 180.0,  # [B] 4: 160 to 180
            "min_duration": 0.3,  # [B] 4.1: about 0.3 s a word
            "max_duration": 7.0,  # [N1]; [B] has none, but a cue should not stay indefinitely
            "close_gaps": 1.0,  # [B] 4.5: a gap is at least 1 s
            "extend": 1.5,  # [B] 5.2
        },
        "ted": {
            "max_chars": _MAX_CHARS,  # [T]
            "max_lines": 2,  # [T]
            "chars_per_second": {OTHER_LANGUAGES: 21, **_WIDE_SCRIPT_SPEEDS},  # [T]
            "min_duration": 1.0,  # [T]
            "max_duration": 7.0,  # [T]
            "extend": 1.0,  # [T] requires 1 s, wherever the speech ends
        },
        "plain": {"by_segment": True},
    }
)


class Standard(BaseModel):
    """Rules for splitting text into cues and lines, and for their times. Frozen and validated; unknown keys are errors.

    Times are in seconds; None is no limit. Created from `"bbc"`, `"bbc,max_chars=40"`, or `{"standard": "bbc", "max_chars": 40}`.
    Omitted values are those of the standard.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    standard: Name = Field(default="netflix", description="standard whose values apply unless they are set here")
    max_chars: Mapping[str, Characters] = Field(
        default={}, description="maximum characters per line: a number, or one by language"
    )
    max_lines: int | None = Field(default=None, ge=1, le=10, description="maximum lines per cue")
    max_words: int | None = Field(default=None, ge=1, le=1000, description="maximum words per cue")
    chars_per_second: Mapping[str, Speed] = Field(
        default={}, description="maximum reading speed in characters per second, spaces included: a number, or one by language"
    )
    words_per_minute: float | None = Field(default=None, ge=1, le=10_000, description="maximum reading speed in words per minute")
    min_duration: float = Field(default=0.0, ge=0, le=3600, description="minimum duration of a cue, if there is room")
    max_duration: float | None = Field(default=None, gt=0, le=3600, description="maximum duration of a cue")
    min_gap: float = Field(default=0.0, ge=0, le=10, description="minimum gap between two cues")
    close_gaps: float = Field(default=0.0, ge=0, le=10, description="shorter gaps are reduced to min_gap")
    extend: float = Field(default=0.0, ge=0, le=3600, description="maximum extra time after the last word, for reading")
    pause: float = Field(default=1.0, gt=0, le=3600, description="a pause of this length or longer ends a cue")
    by_segment: bool = Field(default=False, description="each segment of the transcript is one cue, of any length")

    @model_validator(mode="before")
    @classmethod
    def _merge_with_standard(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic passes any value
        given = _parse_table(value) if isinstance(value, str) else value
        if not isinstance(given, Mapping):
            return given
        name = given.get("standard", STANDARD_NAMES[0])
        if name not in STANDARD_NAMES:
            raise ValueError(f"unknown standard {name!r}; choose from {', '.join(STANDARD_NAMES)}")
        for key in given:
            if key not in cls.model_fields:
                near = get_close_matches(str(key), cls.model_fields, n=1)
                raise ValueError(f"unknown key {key!r}" + (f" (did you mean {near[0]}?)" if near else ""))
        defaults = _STANDARDS[name]
        return {**defaults, **{key: _parse_value(key, item, defaults) for key, item in given.items()}}

    @model_validator(mode="after")
    def _check_durations(self) -> Standard:
        if self.max_duration is not None and self.min_duration > self.max_duration:
            raise ValueError(f"min_duration {self.min_duration:g} is more than max_duration {self.max_duration:g}")
        return self

    def __str__(self) -> str:
        """`bbc`, or `bbc,max_chars=40`: the text from which `Standard.model_validate` creates an equal one, except for tables."""
        base = Standard.model_validate(self.standard)
        return ",".join([self.standard, *(f"{name}={_format(value)}" for name, value in self if value != getattr(base, name))])

    def rules(self, language: str) -> Rules:
        """The rules for a language, given as its code. Times are in milliseconds."""
        return Rules(
            max_chars=self.max_chars.get(language, self.max_chars.get(OTHER_LANGUAGES)),
            max_lines=self.max_lines,
            max_words=self.max_words,
            chars_per_second=self.chars_per_second.get(language, self.chars_per_second.get(OTHER_LANGUAGES)),
            words_per_minute=self.words_per_minute,
            min_ms=round(self.min_duration * 1000),
            max_ms=None if self.max_duration is None else round(self.max_duration * 1000),
            gap_ms=round(self.min_gap * 1000),
            close_ms=round(self.close_gaps * 1000),
            extend_ms=round(self.extend * 1000),
            pause_ms=round(self.pause * 1000),
            by_segment=self.by_segment,
        )


@dataclass(frozen=True)
class Rules:
    """The rules of a standard for one language. Times are in milliseconds; None is no limit."""

    max_chars: int | None
    max_lines: int | None
    max_words: int | None
    chars_per_second: float | None
    words_per_minute: float | None
    min_ms: int
    max_ms: int | None
    gap_ms: int
    close_ms: int
    extend_ms: int
    pause_ms: int
    by_segment: bool

    def reading_ms(self, characters: int, words: int) -> int:
        """Time to read this many characters and words at the maximum reading speed."""
        by_characters = characters / self.chars_per_second if self.chars_per_second else 0.0
        by_words = words * 60 / self.words_per_minute if self.words_per_minute else 0.0
        return math.ceil(max(by_characters, by_words) * 1000 - 1e-6)


@dataclass(frozen=True)
class SubtitleStyle:
    """All settings that determine the subtitles of a transcript.

    Attributes:
        highlight_words: one cue for each word, which is underlined in the surrounding text, as in openai/whisper.
        karaoke: WebVTT and ASS contain the start time of each word.
    """

    standard: Standard = field(default_factory=Standard)
    highlight_words: bool = False
    karaoke: bool = False

    @property
    def stamp(self) -> str:
        """`netflix-1f0c5a2b`: the standard and a hash of all settings. A rendering with another stamp is out of date."""
        content = f"{REVISION} {self.standard.model_dump_json()} {self.highlight_words} {self.karaoke}"
        return f"{self.standard.standard}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


# Incremented when the same words and rules result in different cues.
REVISION = 2
DEFAULT_STYLE = SubtitleStyle()


def _parse_table(text: str) -> dict[str, Any]:
    """`bbc,max_chars=40` as a table. The name of the standard may be omitted."""
    table: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (side.strip() for side in part.partition("="))
        table[key.replace("-", "_") if equals else "standard"] = value if equals else key.lower()
    return table


def _format(value: object) -> str:
    if value is None or value == {}:
        return "none"
    if isinstance(value, Mapping):
        return f"{value[OTHER_LANGUAGES]:g}" if [*value] == [OTHER_LANGUAGES] else "…"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parse_value(key: str, value: object, defaults: Mapping[str, Any]) -> object:
    """A value from user input: `none` is no limit. In a table by language, a single number applies to all languages."""
    is_none = isinstance(value, str) and value.strip().lower() == "none"
    if key not in _BY_LANGUAGE:
        return None if is_none else value
    if isinstance(value, Mapping):
        return {**defaults.get(key, {}), **value}
    return {} if is_none else {OTHER_LANGUAGES: value}
