"""Parses SubRip and WebVTT: cues of text between two times.

SubRip is parsed as players do (https://www.matroska.org/technical/subtitles.html#srt-subtitles). It has no field for speakers; see
`speaker_labels`. WebVTT has voice tags: https://www.w3.org/TR/webvtt1/#webvtt-cue-voice-span
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from transcribe_cli.errors import Unreadable
from transcribe_cli.scoring.document import Document, Utterance, document_of
from transcribe_cli.scoring.readers.speaker_labels import named_cues
from transcribe_cli.subtitles.parser import ParsedCue, is_vtt, read_cues, strip_srt_markup, strip_vtt_tags

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]{1,200})>")


def read_srt(text: str, name: str) -> Mapping[str, Document]:
    """Parse the cues of a SubRip file. An empty file is a recording without speech.

    Raises:
        Unreadable: the text has no cues, or a cue has invalid times.
    """
    cues = list(read_cues(text, name))
    if not cues and text.strip():
        raise Unreadable(f"{name} has no subtitles (no line with -->).", "If it is plain text, rename it to .txt.")
    named = named_cues([strip_srt_markup(cue.text) for cue in cues])
    return {"": document_of(Utterance(said, speaker, *_times(cue)) for (speaker, said), cue in zip(named, cues, strict=True))}


def read_vtt(text: str, name: str) -> Mapping[str, Document]:
    """Parse the cues of a WebVTT file; each voice in a cue becomes an utterance.

    Raises:
        Unreadable: the text does not start with WEBVTT, or a cue has invalid times.
    """
    if not is_vtt(text):
        raise Unreadable(f"{name} is not WebVTT (it does not start with WEBVTT).", "If it is SubRip, rename it to .srt.")
    return {"": document_of(utterance for cue in read_cues(text, name) for utterance in _voices(cue))}


def _times(cue: ParsedCue) -> tuple[float, float]:
    return cue.start_ms / 1000, max(cue.start_ms, cue.end_ms) / 1000


def _voices(cue: ParsedCue) -> Iterator[Utterance]:
    """The text of each voice tag; text before the first tag has no speaker, unless a label names one."""
    before, *rest = _VOICE.split(cue.text)
    if text := strip_vtt_tags(before):
        ((speaker, own),) = named_cues([text])
        yield Utterance(own, speaker, *_times(cue))
    for speaker, said in zip(rest[::2], rest[1::2], strict=True):
        # A voice tag may be closed before the cue ends; the text after it has no speaker.
        own, _, after = said.partition("</v>")
        yield Utterance(strip_vtt_tags(own), strip_vtt_tags(speaker) or None, *_times(cue))
        if text := strip_vtt_tags(after):
            yield Utterance(text, None, *_times(cue))
