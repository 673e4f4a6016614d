"""Shows each word of a cue underlined in the surrounding text while it is spoken: `--highlight-words`, as in openai/whisper.

https://github.com/openai/whisper/blob/main/whisper/utils.py (`SubtitlesWriter.iterate_result`)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from transcribe_cli.formats.cues.cue import Cue


def highlight_words(cue: Cue, escape: Callable[[str], str] = str) -> Iterator[tuple[int, int, str]]:
    """Start, end (milliseconds) and text of each stage of a cue. Between two words, none is underlined.

    Args:
        cue: its stages cover its whole duration.
        escape: escapes the text of a word for the format, whose tags are `<u>` and `</u>`.
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
    """The lines of the cue, without its label, with this word underlined."""
    lines = []
    number = 0
    for line_words in cue.words_by_line:
        line = ""
        for word in line_words:
            escaped = escape(word.text.lstrip(" "))
            space = " " if word.text.startswith(" ") and line else ""
            line += space + (f"<u>{escaped}</u>" if number == underlined else escaped)
            number += 1
        lines.append(line)
    return "\n".join(lines)
