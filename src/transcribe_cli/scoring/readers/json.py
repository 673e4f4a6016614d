"""Parses JSON transcripts: ours, openai/whisper's, whisperX's, and the OpenAI API's `verbose_json`.

All have `segments` with `text`, `start` and `end`. Ours and whisperX's may have a `speaker` for each segment and word. whisperX omits the
times of words that it could not align. https://github.com/m-bain/whisperX/blob/main/whisperx/schema.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from transcribe_cli.errors import Unreadable
from transcribe_cli.scoring.document import Document, Utterance, document_of
from transcribe_cli.text.first_fault import FirstFaultModel
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.languages import language_code
from transcribe_cli.transcript import Seconds, Turn


class _Part(FirstFaultModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class _Word(_Part):
    word: str = ""
    start: Seconds | None = None
    end: Seconds | None = None
    speaker: str | None = None


class _Segment(_Part):
    text: str
    start: Seconds | None = None
    end: Seconds | None = None
    speaker: str | None = None
    words: list[_Word] | None = None


class _File(_Part):
    text: str | None = None
    segments: list[_Segment] | None = None
    language: str | None = None
    turns: list[Turn] = Field(default_factory=list)
    speaker_names: dict[str, str] = Field(default_factory=dict)
    flags: list[str] = Field(default_factory=list)
    job: dict[str, Any] = Field(default_factory=dict)


def read(text: str, name: str) -> Mapping[str, Document]:
    """Parse a transcript.

    Raises:
        Unreadable: it is not JSON, or not a transcript.
    """
    try:
        content = parse_json(text)
    except ValueError as error:
        raise Unreadable(f"{name} is not JSON ({error}).", "Check that the file is complete.") from error
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unreadable(f"{name} is not a transcript ({f'{where}: ' if where else ''}{first['msg']}).") from error
    if file.segments is None and file.text is None:
        raise Unreadable(f"{name} is not a transcript (it has neither segments nor text).")
    segments = file.segments if file.segments or file.text is None else [_Segment(text=file.text)]
    utterances = [_with_name(utterance, file) for segment in segments or () for utterance in _utterances(segment)]
    return {"": document_of(utterances, _turns(file), _language(file.language))}


def _with_name(utterance: Utterance, file: _File) -> Utterance:
    """The utterance with the name for its label; two labels with the same name are one speaker."""
    return replace(utterance, speaker=file.speaker_names.get(utterance.speaker or "", utterance.speaker))


def _turns(file: _File) -> tuple[Turn, ...] | None:
    """The turns that our transcripts list. If a transcript was diarized and lists none, nobody spoke."""
    if file.turns:
        names = file.speaker_names
        turns = [turn.model_copy(update={"speaker": names.get(turn.speaker, turn.speaker)}) for turn in file.turns]
        return tuple(sorted(turns, key=lambda turn: turn.start))
    spec = file.job.get("spec")
    is_diarized = isinstance(spec, dict) and spec.get("diarize") is True and "no_diarization" not in file.flags
    return () if is_diarized and not any(segment.speaker for segment in file.segments or ()) else None


def _utterances(segment: _Segment) -> Iterator[Utterance]:
    """The segment, split where the speaker of its words changes; whisperX does not split it there."""
    names = {word.speaker for word in segment.words or () if word.speaker}
    if len(names) < 2:
        yield Utterance(segment.text, segment.speaker or next(iter(names), None), segment.start, segment.end)
        return
    for speaker, run in groupby(_words_with_speakers(segment), key=lambda pair: pair[0]):
        words = [word for _, word in run]
        starts = [word.start for word in words if word.start is not None]
        ends = [word.end for word in words if word.end is not None]
        text = " ".join(word.word.strip() for word in words)
        yield Utterance(text, speaker, min(starts, default=segment.start), max(ends, default=segment.end))


def _words_with_speakers(segment: _Segment) -> Iterator[tuple[str | None, _Word]]:
    """Each word with its speaker; a word without one gets the speaker of the previous word."""
    speaker = segment.speaker
    for word in segment.words or ():
        speaker = word.speaker or speaker
        yield speaker, word


def _language(text: str | None) -> str | None:
    try:
        return language_code(text or "")
    except ValueError:  # not a language of Whisper
        return None
