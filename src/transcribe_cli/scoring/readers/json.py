"""Transcripts in JSON: ours, openai/whisper's, whisperX's, and the OpenAI API's `verbose_json`.

All have `segments` of `text`, `start` and `end`; ours and whisperX's may name a `speaker` for a segment and for each word, and whisperX
leaves out the times of words that it could not align. https://github.com/m-bain/whisperX/blob/main/whisperx/schema.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from transcribe_cli.errors import Unreadable
from transcribe_cli.scoring.document import Document, Utterance, spoken
from transcribe_cli.text.languages import language_code
from transcribe_cli.transcript import Turn

_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class _Word(_Part):
    word: str = ""
    start: _Seconds | None = None
    end: _Seconds | None = None
    speaker: str | None = None


class _Segment(_Part):
    text: str
    start: _Seconds | None = None
    end: _Seconds | None = None
    speaker: str | None = None
    words: list[_Word] | None = None


class _File(_Part):
    text: str | None = None
    segments: list[_Segment] | None = None
    language: str | None = None
    turns: list[Turn] = []
    speaker_names: dict[str, str] = {}
    flags: list[str] = []
    job: dict[str, Any] = {}


def read(text: str, name: str) -> Mapping[str, Document]:
    """The transcript.

    Raises:
        Unreadable: it is not JSON, or not a transcript.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{name} is not JSON ({error}).", "Is it complete?") from error
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unreadable(f"{name} is not a transcript ({f'{where}: ' if where else ''}{first['msg']}).") from error
    if file.segments is None and file.text is None:
        raise Unreadable(f"{name} is not a transcript (it has neither segments nor text).")
    segments = file.segments if file.segments or file.text is None else [_Segment(text=file.text)]
    utterances = [_named(utterance, file) for segment in segments or () for utterance in _utterances(segment)]
    return {"": spoken(utterances, _turns(file), _language(file.language))}


def _named(utterance: Utterance, file: _File) -> Utterance:
    """By the name that was given to the label: two labels of one name are one speaker."""
    return replace(utterance, speaker=file.speaker_names.get(utterance.speaker or "", utterance.speaker))


def _turns(file: _File) -> tuple[Turn, ...] | None:
    """Ours lists them; when it was asked for them and has none, nobody spoke."""
    if file.turns:
        names = file.speaker_names
        turns = [turn.model_copy(update={"speaker": names.get(turn.speaker, turn.speaker)}) for turn in file.turns]
        return tuple(sorted(turns, key=lambda turn: turn.start))
    spec = file.job.get("spec")
    asked = isinstance(spec, dict) and spec.get("diarize") is True and "no_diarization" not in file.flags
    return () if asked and not any(segment.speaker for segment in file.segments or ()) else None


def _utterances(segment: _Segment) -> Iterator[Utterance]:
    """The segment, cut where its words are of different speakers: whisperX does not cut it there."""
    names = {word.speaker for word in segment.words or () if word.speaker}
    if len(names) < 2:
        yield Utterance(segment.text, segment.speaker or next(iter(names), None), segment.start, segment.end)
        return
    for speaker, run in groupby(_attributed(segment), key=lambda pair: pair[0]):
        words = [word for _, word in run]
        starts = [word.start for word in words if word.start is not None]
        ends = [word.end for word in words if word.end is not None]
        text = " ".join(word.word.strip() for word in words)
        yield Utterance(text, speaker, min(starts, default=segment.start), max(ends, default=segment.end))


def _attributed(segment: _Segment) -> Iterator[tuple[str | None, _Word]]:
    """Each word with its speaker; one without has that of the word before it."""
    speaker = segment.speaker
    for word in segment.words or ():
        speaker = word.speaker or speaker
        yield speaker, word


def _language(text: str | None) -> str | None:
    try:
        return language_code(text or "")
    except ValueError:  # a language that Whisper does not know
        return None
