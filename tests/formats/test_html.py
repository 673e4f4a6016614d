"""The HTML page as text: its links, its security policy, its content. test_page.py tests its behaviour."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from lxml import html

from tests.formats.documents import DIALOGUE, LESSON, SILENCE, any_transcript, segment, spoken, transcript, words
from tests.verdicts import quality, reason
from transcribe_cli.formats import render
from transcribe_cli.formats.paragraphs import group_paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Source, Transcript

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'--><svg onload=alert(3)>{{ 7 * 7 }}"


def page(document: Transcript, folder: str = "") -> Any:
    """The page as lxml reads it."""
    return html.document_fromstring(str(render("html", document, folder=folder)))


def recorded(uri: str, name: str = "aula.mp3") -> Transcript:
    """A transcript of this recording."""
    return LESSON.model_copy(update={"source": Source(name=name, uri=uri, size=1)})


def test_the_text_is_in_the_page() -> None:
    """By paragraphs, with names and times that are links, and words that can be clicked."""
    (first, last) = page(DIALOGUE).cssselect("section")
    assert [one_line(part.text_content()) for part in first] == ["SPEAKER_00 0:00", "Bom dia. Tudo bem?"]
    assert [one_line(part.text_content()) for part in last] == ["Ana <a&b> 1:01:03", "Tudo."]
    assert last.cssselect("a")[0].get("href") == "#t=3663.250"
    assert [span.text for span in page(LESSON).cssselect(".said span")][-3:] == ["<DNA>", "&", "RNA."]


def test_the_times_are_in_a_data_block() -> None:
    """Of each word in milliseconds, or of each segment without word times."""
    (times,) = page(LESSON).cssselect("#times")
    assert json.loads(times.text)["starts"] == [0, 500, 1000, 1500, 3500, 4000, 4500, 5000, 5500, 6000]
    (times,) = page(DIALOGUE).cssselect("#times")
    assert json.loads(times.text) == {"starts": [0, 1750, 3663250], "ends": [1500, 2480, 3664000]}


def test_uncertain_words_are_marked_and_counted() -> None:
    """With the confidence of the recognizer."""
    uncertain = transcript(segment(" Bom Zé", 0.0, 1.0, words=words("Bom") + words("Zé", 0.5, probability=0.314)))
    (word,) = page(uncertain).cssselect(".said .low")
    assert (word.text, word.get("title")) == ("Zé", "Confidence 31 %")
    assert page(uncertain).cssselect("#uncertain")[0].text_content() == "1 uncertain"
    assert page(LESSON).cssselect("#uncertain") == []


def test_a_recording_without_speech_has_a_notice() -> None:
    """It can still be played."""
    assert page(SILENCE).cssselect("main")[0].text_content().strip() == "No speech in this recording."
    assert page(SILENCE).cssselect("audio source")


@pytest.mark.parametrize(
    ("uri", "folder", "links"),
    [
        ("file:///a/b/aula%201.mp3", "file:///a/b", ["aula%201.mp3"]),
        ("file:///a/b/aula%201.mp3", "file:///out", ["../a/b/aula%201.mp3", "aula%201.mp3"]),
        ("file:///a/b/ol%E7.mp3", "", ["ol%E7.mp3"]),
        ("s3://bucket/in/aula.mp3", "s3://bucket/out", ["../in/aula.mp3", "aula.mp3"]),
        ("s3://bucket/in/aula.mp3", "file:///out", ["aula.mp3"]),
        ("https://a.b/in/aula.mp3", "file:///out", ["https://a.b/in/aula.mp3", "aula.mp3"]),
    ],
)
def test_it_links_to_the_recording(uri: str, folder: str, links: list[str]) -> None:
    """With a relative link if possible, otherwise to the same folder, never with an absolute path, which would reveal private folders."""
    assert [source.get("src") for source in page(recorded(uri), folder).cssselect("source")] == links


def test_videos_get_a_video_player() -> None:
    """By the suffix of the name."""
    assert page(recorded("file:///a/a.MP4", "a.MP4")).cssselect("video")
    assert page(recorded("file:///a/a.ogg", "a.ogg")).cssselect("audio")


def test_only_its_own_script_is_allowed() -> None:
    """By its hash; only the recording is loaded."""
    read = page(recorded("https://a.b:8/x.mp3"), "file:///out")
    policy = read.cssselect("meta[http-equiv]")[0].get("content")
    runnable = [script for script in read.cssselect("script") if script.get("type") != "application/json"]
    assert len(runnable) == len(read.cssselect("style")) == 1
    for kind, element in (("script", runnable[0]), ("style", read.cssselect("style")[0])):
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert "default-src 'none';" in policy
    assert "media-src 'self' file: blob: https://a.b:8;" in policy
    assert "unsafe" not in policy


def test_untrusted_text_is_never_markup() -> None:
    """In texts, names of speakers and files, and URLs."""
    source = Source(name=f"{HOSTILE}.mp3", uri=f"https://x; script-src *//{HOSTILE}", size=1)
    named = transcript(spoken(HOSTILE, speaker=HOSTILE), source=source, language=HOSTILE)
    read = page(named)
    assert len(read.cssselect("script")) == 2
    assert not read.cssselect("img, main svg, [onerror], [onload]")
    assert not [name for element in read.iter() for name in element.attrib if name.startswith("on")]
    assert read.cssselect("h1")[0].text_content() == f"{HOSTILE}.mp3"
    assert "*" not in read.cssselect("meta[http-equiv]")[0].get("content")
    assert one_line(read.cssselect(".said")[0].text_content()) == HOSTILE


@settings(max_examples=30, deadline=None)
@given(any_transcript)
def test_the_page_shows_the_whole_text(document: Transcript) -> None:
    """With any text and names: as many words as times, and the text of each paragraph."""
    read = page(document)
    said = [one_line(part.text_content()) for part in read.cssselect(".said")]
    assert said == [" ".join(one_line(part.text) for part in group) for group in group_paragraphs(document)]
    times = json.loads(read.cssselect("#times")[0].text)
    assert len(times["starts"]) == len(times["ends"]) == len(read.cssselect(".said > span"))


def test_a_doubtful_text_has_a_box_with_reasons_and_places() -> None:
    """Escaped; of many places, the first ones. Nothing for good ones and for transcripts of earlier versions."""
    spans = [(float(second), second + 0.5) for second in range(150)]
    doubtful = transcript(spoken("Bom dia."), quality=quality(reason(HOSTILE, *spans), reason("Most clips failed.")))
    (box,) = page(doubtful).cssselect(".doubt")
    assert box.cssselect("h2")[0].text == "To check"
    assert [one.cssselect("bdi")[0].text for one in box.cssselect("li")] == [HOSTILE[:200], "Most clips failed"]
    assert [link.get("href") for link in box.cssselect("a")][:2] == ["#t=0.000", "#t=1.000"]
    assert len(box.cssselect("a")) == 100
    assert "and 50 more" in box.text_content()
    assert len(page(doubtful).cssselect("script")) == len(page(LESSON).cssselect("script"))
    for unsuspicious in (LESSON, LESSON.model_copy(update={"quality": quality()})):
        assert page(unsuspicious).cssselect(".doubt") == []
