"""A Word document to read, correct and print: a line with speaker and time, then the text of the paragraph.

Words with low confidence have a dotted underline. Written with python-docx: https://python-docx.readthedocs.io
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

from transcribe_cli.formats.doubts import notice
from transcribe_cli.formats.paragraphs import group_paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.summary import summarize
from transcribe_cli.formats.timestamps import short_clock
from transcribe_cli.formats.word_spans import displayed_words
from transcribe_cli.text.languages import LANGUAGES
from transcribe_cli.transcript import Segment, Transcript

# Custom paragraph styles, so that each can be changed for the whole document.
SPEAKER = "Speaker"
SPEECH = "Speech"
_GREY = RGBColor(0x5C, 0x64, 0x70)
# Code points that XML cannot contain, although they are not control characters: https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile("[\ufffe\uffff]")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def render(transcript: Transcript) -> bytes:
    """The whole file. It contains no time of writing, only times from the transcript."""
    document = docx.Document()
    _set_styles(document, transcript.language)
    _set_properties(document, transcript)
    document.add_heading(_line(transcript.source.name), level=0)
    document.add_paragraph(summarize(transcript), style=SPEAKER)
    if doubt := notice(transcript):
        document.add_paragraph(style=SPEAKER).add_run(_line(doubt)).bold = True
    for group in group_paragraphs(transcript):
        heading = document.add_paragraph(style=SPEAKER)
        if name := _line(group[0].speaker or ""):
            heading.add_run(name).bold = True
            heading.add_run("  ")
        heading.add_run(short_clock(group[0].start))
        speech = document.add_paragraph(style=SPEECH)
        for is_uncertain, pieces in groupby(_pieces(group), key=lambda piece: piece[1]):
            run = speech.add_run("".join(text for text, _ in pieces))
            if is_uncertain:
                run.font.underline = WD_UNDERLINE.DOTTED
    file = io.BytesIO()
    document.save(file)
    return _without_times(file.getvalue())


def _pieces(group: list[Segment]) -> Iterator[tuple[str, bool]]:
    """Words and the spaces between them, and whether each is uncertain."""
    for word in displayed_words(group):
        yield _NOT_XML.sub("", word.text), word.is_uncertain
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
    if language in LANGUAGES:  # for the spell checker
        for element in document.styles.element.iter(qn("w:lang")):
            element.set(qn("w:val"), language)


def _set_properties(document: Document, transcript: Transcript) -> None:
    properties = document.core_properties
    finished = _finished_at(transcript)
    properties.title = _line(transcript.source.name)[:255]  # the maximum length of a property
    properties.author = transcript.job.tool
    properties.comments = ""
    properties.created = properties.modified = finished


def _finished_at(transcript: Transcript) -> datetime:
    try:
        return datetime.fromisoformat(transcript.job.finished_at).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):  # the JSON was edited
        return datetime(*_ZIP_EPOCH)


def _line(text: str) -> str:
    return _NOT_XML.sub("", one_line(text))


def _without_times(data: bytes) -> bytes:
    """The same archive, without the time of writing in its entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            target.writestr(entry, source.read(name))
    return file.getvalue()
