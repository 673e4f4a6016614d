"""The rules of subtitles, under the names of those who wrote them: netflix, bbc, ted; plain has none.

Every number can be set: `[subtitles]` in transcribe.toml, or `--subtitles netflix,max_chars=40`. What a source does not say is no limit.

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
# In a table by language: all that it does not name.
OTHER_LANGUAGES = "default"
_BY_LANGUAGE = ("max_chars", "chars_per_second")

Characters = Annotated[int, Field(ge=1, le=1000)]
Speed = Annotated[float, Field(gt=0, le=1000)]

# [S]; a character of these scripts takes the room of two, and longer to read.
_CHARS = {OTHER_LANGUAGES: 42, "ja": 23, "ko": 16, "zh": 16, "yue": 16, "th": 35}
_WIDE = {"ja": 4, "ko": 12, "zh": 9, "yue": 9}
_STANDARDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "netflix": {
            "max_chars": _CHARS,  # [S]
            "max_lines": 2,  # [N1]
            "chars_per_second": {OTHER_LANGUAGES: 17, "en": 20, "ar": 20, "hi": 22, **_WIDE},  # [S]
            "min_duration": 0.833,  # [N1]: 5/6 s
            "max_duration": 7.0,  # [N1]
            "min_gap": 0.083,  # [N1]: 2 frames at 24 a second
            "close_gaps": 0.5,  # [N2]: gaps of 3 to 11 frames are closed to 2
            "extend": 0.5,  # [N2]: 12 frames
        },
        "bbc": {
            "max_chars": {**_CHARS, OTHER_LANGUAGES: 37},  # [B] 3.1
            "max_lines": 2,  # [B] 3.3
            "chars_per_second": _WIDE,  # [S], where words cannot be counted
            "words_per_minute": 180.0,  # [B] 4: 160 to 180
            "min_duration": 0.3,  # [B] 4.1: about 0.3 s a word
            "max_duration": 7.0,  # [N1]; [B] has none, and no cue should stand for ever
            "close_gaps": 1.0,  # [B] 4.5: a gap is at least 1 s
            "extend": 1.5,  # [B] 5.2
        },
        "ted": {
            "max_chars": _CHARS,  # [T]
            "max_lines": 2,  # [T]
            "chars_per_second": {OTHER_LANGUAGES: 21, **_WIDE},  # [T]
            "min_duration": 1.0,  # [T]
            "max_duration": 7.0,  # [T]
            "extend": 1.0,  # [T] asks for 1 s, wherever the speech ends
        },
        "plain": {"by_segment": True},
    }
)


class Standard(BaseModel):
    """How subtitles are cut, broken and timed. Frozen and validated; unknown keys are refused. Times in seconds; None is no limit.

    Made from `"bbc"`, `"bbc,max_chars=40"`, or `{"standard": "bbc", "max_chars": 40}`: what is not said is the standard's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    standard: Name = Field(default="netflix", description="whose rules these are, but for what is said here")
    max_chars: Mapping[str, Characters] = Field(default={}, description="most characters in a line: a number, or one by language")
    max_lines: int | None = Field(default=None, ge=1, le=10, description="most lines in a cue")
    max_words: int | None = Field(default=None, ge=1, le=1000, description="most words in a cue")
    chars_per_second: Mapping[str, Speed] = Field(
        default={}, description="fastest reading, with spaces: a number, or one by language"
    )
    words_per_minute: float | None = Field(default=None, gt=0, description="fastest reading in words")
    min_duration: float = Field(default=0.0, ge=0, description="a cue stays so long where there is room")
    max_duration: float | None = Field(default=None, gt=0, description="and no longer than this")
    min_gap: float = Field(default=0.0, ge=0, le=10, description="between two cues")
    close_gaps: float = Field(default=0.0, ge=0, le=10, description="a shorter gap is closed, down to min_gap")
    extend: float = Field(default=0.0, ge=0, description="a cue may stay so long after its last word, to be read")
    pause: float = Field(default=1.0, gt=0, description="a cue ends at a pause from here on")
    by_segment: bool = Field(default=False, description="a cue is a segment of the transcript, however long")

    @model_validator(mode="before")
    @classmethod
    def _begun(cls, value: Any) -> Any:  # noqa: ANN401 - whatever pydantic is given
        said = _parsed(value) if isinstance(value, str) else value
        if not isinstance(said, Mapping):
            return said
        name = said.get("standard", STANDARD_NAMES[0])
        if name not in STANDARD_NAMES:
            raise ValueError(f"no standard is called {name!r}; there are {', '.join(STANDARD_NAMES)}")
        for key in said:
            if key not in cls.model_fields:
                near = get_close_matches(str(key), cls.model_fields, n=1)
                raise ValueError(f"a standard has no {key!r}" + (f" (did you mean {near[0]}?)" if near else ""))
        numbers = _STANDARDS[name]
        given = {key: _said(key, item, numbers) for key, item in said.items()}
        return {**numbers, **given}

    @model_validator(mode="after")
    def _can_hold(self) -> Standard:
        if self.max_duration is not None and self.min_duration > self.max_duration:
            raise ValueError(f"min_duration {self.min_duration:g} is more than max_duration {self.max_duration:g}")
        return self

    def __str__(self) -> str:
        """`bbc`, or `bbc,max_chars=40`: what `Standard.model_validate` makes this one of, tables aside."""
        begun = Standard.model_validate(self.standard)
        return ",".join([self.standard, *(f"{name}={_told(value)}" for name, value in self if value != getattr(begun, name))])

    def rules(self, language: str) -> Rules:
        """What holds for a language, given as its code; in milliseconds."""
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
    """The numbers of a standard for one language: characters, milliseconds; None is no limit."""

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
        """How long it takes to read so many characters and words, not faster than the standard allows."""
        by_characters = characters / self.chars_per_second if self.chars_per_second else 0.0
        by_words = words * 60 / self.words_per_minute if self.words_per_minute else 0.0
        return math.ceil(max(by_characters, by_words) * 1000 - 1e-6)


@dataclass(frozen=True)
class SubtitleStyle:
    """What decides how a transcript looks as subtitles.

    Attributes:
        highlight_words: a cue for each word, underlined in the text around it, as openai/whisper does.
        karaoke: WebVTT and ASS say when each word begins.
    """

    standard: Standard = field(default_factory=Standard)
    highlight_words: bool = False
    karaoke: bool = False

    @property
    def stamp(self) -> str:
        """`netflix-1f0c5a2b`: the standard, and a hash of everything else that counts; a rendering with another one is out of date."""
        told = f"{REVISION} {self.standard.model_dump_json()} {self.highlight_words} {self.karaoke}"
        return f"{self.standard.standard}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


# Counts up when other cues are made of the same words under the same rules.
REVISION = 1
DEFAULT_STYLE = SubtitleStyle()


def _parsed(text: str) -> dict[str, Any]:
    """`bbc,max_chars=40` as a table; the name may be left out."""
    table: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (side.strip() for side in part.partition("="))
        table[key.replace("-", "_") if equals else "standard"] = value if equals else key.lower()
    return table


def _told(value: object) -> str:
    if value is None or value == {}:
        return "none"
    if isinstance(value, Mapping):
        return f"{value[OTHER_LANGUAGES]:g}" if [*value] == [OTHER_LANGUAGES] else "…"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _said(key: str, value: object, numbers: Mapping[str, Any]) -> object:
    """A value as people write it: `none` is no limit; where numbers differ by language, a lone one is for all of them."""
    nothing = isinstance(value, str) and value.strip().lower() == "none"
    if key not in _BY_LANGUAGE:
        return None if nothing else value
    if isinstance(value, Mapping):
        return {**numbers.get(key, {}), **value}
    return {} if nothing else {OTHER_LANGUAGES: value}
