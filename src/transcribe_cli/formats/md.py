"""Markdown for wikis, notes and repositories: a heading, then a paragraph for each turn, with its time and speaker.

https://spec.commonmark.org/0.31.2/#backslash-escapes
"""

from __future__ import annotations

import re

from transcribe_cli.formats.doubts import notice
from transcribe_cli.formats.paragraphs import group_paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.summary import summarize
from transcribe_cli.formats.timestamps import short_clock
from transcribe_cli.transcript import Transcript

# Characters that begin markup anywhere in a line; `|` in tables, `~` and `$` in the dialects of GitHub and Pandoc.
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~$&!{}^@])")
_BARE_URL = re.compile(r"(?<=[a-zA-Z])://|(?<=\bwww)\.")


def render(transcript: Transcript) -> str:
    """The recording's name, its summary, a notice if the text is doubtful, then paragraphs `**1:02 Ana:** text` of one line each."""
    blocks = [f"# {_escaped(transcript.source.name)}", _escaped(summarize(transcript))]
    if doubt := notice(transcript):
        blocks.append(_escaped(doubt))
    for group in group_paragraphs(transcript):
        name = _escaped(group[0].speaker or "")
        text = " ".join(_escaped(segment.text) for segment in group)
        blocks.append(
            f"**{short_clock(group[0].start)} {name}:** {text}" if name else f"**{short_clock(group[0].start)}** {text}"
        )
    return "\n\n".join(blocks) + "\n"


def _escaped(text: str) -> str:
    """The text on one line with all markup escaped. A bare URL does not become a link."""
    escaped = _MARKUP.sub(r"\\\1", one_line(text))
    return _BARE_URL.sub(lambda match: f"\\{match[0]}", escaped)
