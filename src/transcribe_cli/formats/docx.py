"""A Word document to read, correct and print: who speaks and when in a line of their own, then what was said.

Words that the recognizer doubted are underlined with dots. python-docx writes it: https://python-docx.readthedocs.io
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_UNDERLINE
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from transcribe_cli.formats.paragraphs import paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.summary import facts
from transcribe_cli.formats.timestamps import brief
from transcribe_cli.formats.word_spans import spoken
from transcribe_cli.text.languages import LANGUAGES
from transcribe_cli.transcript import Segment, Transcript

# Paragraph styles of their own, so that all of them can be changed at once.
SPEAKER = "Speaker"
SPEECH = "Speech"
_GREY = RGBColor(0x5C, 0x64, 0x70)
# Code points that XML cannot hold though they are no control characters: https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile("[\ufffe\uffff]")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def render(transcript: Transcript) -> bytes:
    """The whole file. It holds no time but the transcript's own."""
    document = docx.Document()
    _set_styles(document, transcript.language)
    _set_properties(document, transcript)
    document.add_heading(_line(transcript.source.name), level=0)
    document.add_paragraph(facts(transcript), style=SPEAKER)
    for group in paragraphs(transcript):
        who = document.add_paragraph(style=SPEAKER)
        if name := _line(group[0].speaker or ""):
            who.add_run(name).bold = True
            who.add_run("  ")
        who.add_run(brief(group[0].start))
        speech = document.add_paragraph(style=SPEECH)
        for doubtful, pieces in groupby(_pieces(group), key=lambda piece: piece[1]):
            run = speech.add_run("".join(text for text, _ in pieces))
            if doubtful:
                run.font.underline = WD_UNDERLINE.DOTTED
    file = io.BytesIO()
    document.save(file)
    return _without_times(file.getvalue())


def _pieces(group: list[Segment]) -> Iterator[tuple[str, bool]]:
    """Words and the spaces between them, and whether they are doubtful."""
    for word in spoken(group):
        yield _NOT_XML.sub("", word.text), word.doubtful
        if word.space:
            yield " ", False


def _set_styles(document: Document, language: str) -> None:
    speaker = document.styles.add_style(SPEAKER, WD_STYLE_TYPE.PARAGRAPH)
    speaker.base_style = document.styles["Normal"]
    speaker.font.size = Pt(9)
    speaker.font.color.rgb = _GREY
    speaker.paragraph_format.space_before = Pt(10)
    speaker.paragraph_format.space_after = Pt(0)
    speaker.paragraph_format.keep_with_next = True
    speech = document.styles.add_style(SPEECH, WD_STYLE_TYPE.PARAGRAPH)
    speech.base_style = document.styles["Normal"]
    speech.paragraph_format.space_after = Pt(4)
    if language in LANGUAGES:  # what the spelling is checked in
        for element in document.styles.element.iter(qn("w:lang")):
            element.set(qn("w:val"), language)


def _set_properties(document: Document, transcript: Transcript) -> None:
    properties = document.core_properties
    finished = _finished(transcript)
    properties.title = _line(transcript.source.name)[:255]  # no property may be longer
    properties.author = transcript.job.tool
    properties.comments = ""
    properties.created = properties.modified = finished


def _finished(transcript: Transcript) -> datetime:
    try:
        return datetime.fromisoformat(transcript.job.finished_at).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):  # somebody edited the document
        return datetime(*_ZIP_EPOCH)


def _line(text: str) -> str:
    return _NOT_XML.sub("", one_line(text))


def _without_times(data: bytes) -> bytes:
    """The same archive, whose entries do not say when it was written."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            after.writestr(entry, before.read(name))
    return file.getvalue()
