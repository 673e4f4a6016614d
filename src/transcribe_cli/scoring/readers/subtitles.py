"""SubRip and WebVTT: cues of text between two times.

SubRip is what players read (https://www.matroska.org/technical/subtitles.html#srt-subtitles), without a place for speakers: see `labels`.
WebVTT has voice tags: https://www.w3.org/TR/webvtt1/#webvtt-cue-voice-span
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from transcribe_cli.errors import Unreadable
from transcribe_cli.scoring.document import Document, Utterance, spoken
from transcribe_cli.scoring.readers.speaker_labels import named_cues
from transcribe_cli.subtitles.parser import ParsedCue, is_vtt, read_cues, strip_srt_markup, strip_vtt_tags

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]{1,200})>")


def read_srt(text: str, name: str) -> Mapping[str, Document]:
    """The cues of a SubRip file; an empty file is a recording in which nothing is said.

    Raises:
        Unreadable: text without cues, or a cue whose times are none.
    """
    cues = list(read_cues(text, name))
    if not cues and text.strip():
        raise Unreadable(f"{name} has no subtitles (no line with -->).", "Is it plain text? Then call it .txt.")
    named = named_cues([strip_srt_markup(cue.text) for cue in cues])
    return {"": spoken(Utterance(said, speaker, *_times(cue)) for (speaker, said), cue in zip(named, cues, strict=True))}


def read_vtt(text: str, name: str) -> Mapping[str, Document]:
    """The cues of a WebVTT file, each voice an utterance of its own.

    Raises:
        Unreadable: it does not begin with WEBVTT, or a cue's times are none.
    """
    if not is_vtt(text):
        raise Unreadable(f"{name} is not WebVTT (it does not begin with WEBVTT).", "Is it SubRip? Then call it .srt.")
    return {"": spoken(utterance for cue in read_cues(text, name) for utterance in _voices(cue))}


def _times(cue: ParsedCue) -> tuple[float, float]:
    return cue.start_ms / 1000, max(cue.start_ms, cue.end_ms) / 1000


def _voices(cue: ParsedCue) -> Iterator[Utterance]:
    """The text of each voice tag; what stands before the first has no speaker."""
    before, *rest = _VOICE.split(cue.text)
    if text := strip_vtt_tags(before):
        ((speaker, own),) = named_cues([text])
        yield Utterance(own, speaker, *_times(cue))
    for speaker, said in zip(rest[::2], rest[1::2], strict=True):
        # A voice may be closed before the cue ends; what follows is then nobody's.
        own, _, after = said.partition("</v>")
        yield Utterance(strip_vtt_tags(own), strip_vtt_tags(speaker) or None, *_times(cue))
        if text := strip_vtt_tags(after):
            yield Utterance(text, None, *_times(cue))
