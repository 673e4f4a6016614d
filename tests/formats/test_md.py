"""Markdown, read by markdown-it, with the extensions of GitHub."""

from __future__ import annotations

from hypothesis import given
from markdown_it import MarkdownIt

from tests.formats.documents import DIALOGUE, PATIENT, SILENCE, any_transcript, segment, transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.paragraphs import group_paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Transcript


def test_a_paragraph_begins_with_its_time_and_speaker() -> None:
    """After the name of the recording and its summary."""
    assert render("md", DIALOGUE) == (
        "# aula.mp3\n\n0:12 · Portuguese · 5 words · 2 speakers\n\n"
        "**0:00 SPEAKER\\_00:** Bom dia. Tudo bem?\n\n**1:01:03 Ana \\<a\\&b\\>:** Tudo.\n"
    )


def test_a_recording_without_speech_has_a_notice() -> None:
    """The document is not empty."""
    assert render("md", SILENCE) == "# aula.mp3\n\n0:12 · no speech\n"


def test_a_url_does_not_become_a_link() -> None:
    """The text is untrusted."""
    page = MarkdownIt("gfm-like", {"linkify": False}).render(
        str(render("md", transcript(segment(" Ver [isto](http://a.b) ou www.a.b ou <script>x</script>", 0.0, 1.0))))
    )
    assert "Ver [isto](http://a.b) ou www.a.b ou &lt;script&gt;x&lt;/script&gt;" in page
    assert "<a" not in page


@PATIENT
@given(any_transcript)
def test_markdown_shows_the_text_unchanged(document: Transcript) -> None:
    """With any text and names: nothing in them is markup."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(str(render("md", document)))
    shown = ["".join(child.content for child in token.children or ()) for token in tokens if token.type == "inline"]
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close"}
    said = []
    for group in group_paragraphs(document):
        name, text = one_line(group[0].speaker or ""), " ".join(one_line(part.text) for part in group)
        said.append(f" {name}: {text}" if name else f" {text}")
    assert shown[0] == "aula.mp3"
    assert [text.partition(" ")[2].strip() for text in shown[2:]] == [text.strip() for text in said]
