"""Detects speaker names before the text, for formats without a field for them: `Ana: …` or `[SPEAKER_00]: …`.

Text before a colon is often not a name, so names are accepted only if the file as a whole looks as if it had them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

SpeakerText = tuple[str | None, str]

_LABEL = re.compile(r"\s*([^\s:!?;,\[][^:!?;,\n]{0,39}):\s+")
_BRACKETS = re.compile(r"\s*\[([^\[\]\n]{1,80})\]:\s+")  # whisperX
_NUMBERED = re.compile(r"SPEAKER_\d+")
_UNKNOWN = re.compile(r"\s*[-–]\s+")


def named_paragraphs(paragraphs: Sequence[str]) -> list[SpeakerText] | None:
    """(speaker, text) of each paragraph, if all start with a name. A single paragraph needs a numbered name: it may just have a colon."""
    named = [(label[1].strip(), text[label.end() :]) for text in paragraphs if (label := _LABEL.match(text))]
    has_names = len(named) > 1 or any(_NUMBERED.fullmatch(name) for name, _ in named)
    return list(named) if has_names and len(named) == len(paragraphs) else None


def named_cues(cues: Sequence[str]) -> Iterator[SpeakerText]:
    """(speaker, text) of each cue. A name in brackets applies to its cue; one without also applies to the following cues.

    A name is accepted if it is numbered, as by diarizers, or occurs twice. A dash at the start marks an unknown speaker.
    """
    labels = [label for text in cues if (label := _LABEL.match(text))]
    counts = Counter(label[1].strip() for label in labels if _looks_like_name(label[1]))
    accepted = {name for name, number in counts.items() if number > 1 or _NUMBERED.fullmatch(name)}
    speaker: str | None = None
    for text in cues:
        if brackets := _BRACKETS.match(text):
            yield brackets[1].strip(), text[brackets.end() :]
        elif (label := _LABEL.match(text)) and label[1].strip() in accepted:
            speaker = label[1].strip()
            yield speaker, text[label.end() :]
        else:
            speaker = None if _UNKNOWN.match(text) else speaker
            yield speaker, text


def _looks_like_name(label: str) -> bool:
    """Whether all words are capitalized, except short ones such as `de`."""
    words = label.split()
    return not words[0][0].islower() and not any(word[0].islower() and len(word) > 3 for word in words)
