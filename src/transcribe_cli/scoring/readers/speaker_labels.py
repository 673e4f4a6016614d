"""Speakers by name before their words, for formats that have no place for them: `Ana: …` or `[SPEAKER_00]: …`.

A colon is as often just a colon, so a name is only believed when the file as a whole looks as if it had names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

Named = tuple[str | None, str]

_LABEL = re.compile(r"\s*([^\s:!?;,\[][^:!?;,\n]{0,39}):\s+")
_BRACKETS = re.compile(r"\s*\[([^\[\]\n]{1,80})\]:\s+")  # whisperX
_NUMBERED = re.compile(r"SPEAKER_\d+")
_UNKNOWN = re.compile(r"\s*[-–]\s+")


def named_paragraphs(paragraphs: Sequence[str]) -> list[Named] | None:
    """Each with its speaker, when every one begins with a name; one alone may be any text with a colon in it."""
    found = [(label[1].strip(), text[label.end() :]) for text in paragraphs if (label := _LABEL.match(text))]
    sure = len(found) > 1 or any(_NUMBERED.fullmatch(name) for name, _ in found)
    return list(found) if sure and len(found) == len(paragraphs) else None


def named_cues(cues: Sequence[str]) -> Iterator[Named]:
    """Each with its speaker. Brackets name that of their cue; a name without them also that of the cues up to the next change.

    A name is believed when it is numbered, as diarizers do, or comes twice; a dash then begins the words of somebody unknown.
    """
    labels = [label for text in cues if (label := _LABEL.match(text))]
    count = Counter(label[1].strip() for label in labels if _like_a_name(label[1]))
    believed = {name for name, number in count.items() if number > 1 or _NUMBERED.fullmatch(name)}
    speaker: str | None = None
    for text in cues:
        if brackets := _BRACKETS.match(text):
            yield brackets[1].strip(), text[brackets.end() :]
        elif (label := _LABEL.match(text)) and label[1].strip() in believed:
            speaker = label[1].strip()
            yield speaker, text[label.end() :]
        else:
            speaker = None if _UNKNOWN.match(text) else speaker
            yield speaker, text


def _like_a_name(label: str) -> bool:
    """Capitals, but for short words such as `de`."""
    words = label.split()
    return not words[0][0].islower() and not any(word[0].islower() and len(word) > 3 for word in words)
