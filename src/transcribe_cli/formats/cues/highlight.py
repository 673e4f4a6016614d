"""Each word of a cue in its turn, underlined, in the text around it: `--highlight-words`, as openai/whisper shows them.

https://github.com/openai/whisper/blob/main/whisper/utils.py (`SubtitlesWriter.iterate_result`)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from transcribe_cli.formats.cues.cue import Cue


def highlighted(cue: Cue, escape: Callable[[str], str] = str) -> Iterator[tuple[int, int, str]]:
    """Start, end (milliseconds) and lines of each stage of a cue; between two words none is underlined.

    Args:
        cue: its stages fill its time, so that they begin and end with it.
        escape: makes the text of a word safe for the format, whose tags `<u>` and `</u>` are.
    """
    label = escape(cue.label)
    position = cue.start_ms
    for number, word in enumerate(cue.words):
        start, end = (min(max(time, position), cue.end_ms) for time in (word.start_ms, word.end_ms))
        if start > position:
            yield position, start, label + _text(cue, None, escape)
        if end > start:
            yield start, end, label + _text(cue, number, escape)
        position = max(position, end)
    if position < cue.end_ms:
        yield position, cue.end_ms, label + _text(cue, None, escape)


def _text(cue: Cue, underlined: int | None, escape: Callable[[str], str]) -> str:
    """The lines of the cue, without its label, this word underlined."""
    lines = []
    number = 0
    for row in cue.rows:
        line = ""
        for word in row:
            bare = escape(word.text.lstrip(" "))
            space = " " if word.text.startswith(" ") and line else ""
            line += space + (f"<u>{bare}</u>" if number == underlined else bare)
            number += 1
        lines.append(line)
    return "\n".join(lines)
