"""Reads the words, speakers and times of an edited SRT, VTT or TXT file, as `formats` writes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from transcribe_cli.corrections.tokens import Token, split
from transcribe_cli.formats.plain_text import strip_controls
from transcribe_cli.formats.speaker_names import MAX_NAME_CHARACTERS
from transcribe_cli.subtitles.parser import read_cues, strip_srt_markup, strip_vtt_tags

_LABEL = re.compile(rf"([^:\n]{{1,{MAX_NAME_CHARACTERS}}}): ")
_VOICE = re.compile(r"\s*<v(?:\.[^\s<>]*)?\s+([^<>]{1,200})>")
_HIGHLIGHT = re.compile(r"</?u>")

IsLabel = Callable[[str], bool]


def label_test(speakers: Collection[str], words: Collection[str]) -> IsLabel:
    """Whether the text before a colon is a speaker and not spoken.

    It is if it is one of `speakers`, or, in a transcript with speakers, if no such words with a colon were recognized.
    """
    return lambda label: (
        label in speakers or (bool(speakers) and f"{label.split()[-1]}:" not in words if label.split() else False)
    )


def read_tokens(format: str, text: str, name: str, is_label: IsLabel) -> list[Token]:
    """The words of a file.

    Raises:
        Unreadable: the times of a cue are invalid; the message has `name` and the line.
    """
    return list(FORMATS[format](text.removeprefix("\ufeff"), name, is_label))


def _srt(text: str, name: str, is_label: IsLabel) -> Iterator[Token]:
    speaker, before = None, None
    for block, cue in enumerate(read_cues(text, name)):
        shown = strip_srt_markup(cue.text)
        if _is_repeated(cue.text, shown, before):
            continue
        before = shown
        speaker, spoken = _without_label(shown, speaker, is_label)
        yield from _tokens(spoken, speaker, block, (cue.start_ms / 1000, cue.end_ms / 1000))


def _vtt(text: str, name: str, is_label: IsLabel) -> Iterator[Token]:
    before = None
    for block, cue in enumerate(read_cues(text, name)):
        voice = _VOICE.match(cue.text)
        shown = strip_vtt_tags(cue.text)
        if _is_repeated(cue.text, shown, before):
            continue
        before = shown
        speaker = strip_vtt_tags(voice.group(1)) if voice else None
        yield from _tokens(shown, speaker, block, (cue.start_ms / 1000, cue.end_ms / 1000))


def _txt(text: str, name: str, is_label: IsLabel) -> Iterator[Token]:
    for block, line in enumerate(text.splitlines()):
        speaker, spoken = _without_label(line, None, is_label)
        yield from _tokens(spoken, speaker, block, None)


FORMATS: dict[str, Callable[[str, str, IsLabel], Iterator[Token]]] = {"srt": _srt, "vtt": _vtt, "txt": _txt}


def _is_repeated(raw: str, shown: str, before: str | None) -> bool:
    """Whether the cue is the next stage of `--highlight-words`: the same text with another word underlined."""
    return shown == before and _HIGHLIGHT.search(raw) is not None


def _without_label(text: str, speaker: str | None, is_label: IsLabel) -> tuple[str | None, str]:
    match = _LABEL.match(text)
    if match is None or not is_label(match.group(1).strip()):
        return speaker, text
    return match.group(1).strip(), text[match.end() :]


def _tokens(text: str, speaker: str | None, block: int, times: tuple[float, float] | None) -> Iterator[Token]:
    start, end = times or (None, None)
    for word, _, _, space in split(strip_controls(text)):
        yield Token(word, space, speaker, start, end, block)
