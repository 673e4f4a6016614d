"""Transcripts for tests: a readable way to write one, and hypothesis strategies for any."""

from __future__ import annotations

import io
import random
import re
from typing import Any

import docx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from transcribe_cli.formats import render
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import JobRecord, Quality, Segment, Source, Transcript, Word

SPEC = JobSpec(model="small", language="pt")
# What people say and what files contain: letters with accents, other scripts, markup, arrows, controls, spaces of all kinds.
ALPHABET = "abcçãé ,.?!-><&\t\n\r\x1b\x00\u2028\xa0日本語हिन्दी😀{}[]\"'\\"


def words(text: str, start: float = 0.0, each: float = 0.5, probability: float = 0.9) -> tuple[Word, ...]:
    """The words of a text, each lasting `each` seconds, with their leading spaces."""
    return tuple(
        Word(word=f" {word}", start=start + number * each, end=start + (number + 1) * each, probability=probability)
        for number, word in enumerate(text.split())
    )


def segment(text: str, start: float, end: float, **more: Any) -> Segment:
    """A segment; its number is set by `transcript`."""
    return Segment(id=0, seek=int(start * 100), start=start, end=end, text=text, **more)


def spoken(text: str, start: float = 0.0, each: float = 0.5, **more: Any) -> Segment:
    """A segment with word times."""
    timed = words(text, start, each)
    return segment(f" {text}", start, timed[-1].end, words=timed, **more)


def transcript(*segments: Segment, **more: Any) -> Transcript:
    """A document with these segments."""
    numbered = tuple(one.model_copy(update={"id": number}) for number, one in enumerate(segments))
    fields: dict[str, Any] = {
        "source": Source(
            name="aula.mp3", uri="/aulas/aula.mp3", size=2048, modified="2025-03-01T10:00:00.123456Z", duration=12.0
        ),
        "job": JobRecord(
            fingerprint=SPEC.fingerprint,
            spec=SPEC.canonical(),
            tool="transcribe-cli 0.1.0",
            backend="local",
            device="cpu/int8",
            finished_at="2025-03-01T11:00:00Z",
        ),
        "language": "pt",
        "language_probability": 0.98,
        "duration": 12.0,
        "speakers": tuple(sorted({one.speaker for one in segments if one.speaker})),
        "text": "".join(one.text for one in segments),
        "segments": numbered,
        "quality": Quality(speech=10.0, covered=1.0),
    }
    return Transcript(**fields | more)


def shown(name: str, document: Transcript) -> str:
    """The visible text of a format: without the escapes of Markdown and the archive of DOCX."""
    content = render(name, document)
    if isinstance(content, bytes):
        return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs)
    return re.sub(r"\\(.)", r"\1", content) if name == "md" else content


LESSON = transcript(
    spoken("Bom dia a todos.", start=0.0),
    spoken("Hoje falamos de <DNA> & RNA.", start=3.5),
)
DIALOGUE = transcript(
    segment(" Bom dia.", 0.0, 1.5, speaker="SPEAKER_00"),
    segment(" Tudo bem?", 1.75, 2.48, speaker="SPEAKER_00"),
    segment(" Tudo.", 3663.25, 3664.0, speaker="Ana <a&b>"),
)
SILENCE = transcript()
# For laws that are tried under many standards, on machines that are busy.
PATIENT = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_seconds = st.floats(0, 360_000, allow_nan=False)
_text = st.text(ALPHABET, max_size=120)
_share = st.floats(0, 1)
ANY_WORD = st.text(ALPHABET, min_size=1, max_size=50)


@st.composite
def timed_words(draw: st.DrawFn, texts: st.SearchStrategy[str] = ANY_WORD) -> tuple[Word, ...]:
    """Words ordered by time, which may be adjacent, empty, or very long."""
    position = draw(_seconds)
    found = []
    for text in draw(st.lists(texts, min_size=1, max_size=40)):
        start = position + draw(st.floats(0, 20))
        position = start + draw(st.floats(0, 20))
        found.append(Word(word=f" {text}", start=start, end=position, probability=draw(_share)))
    return tuple(found)


@st.composite
def any_segment(draw: st.DrawFn) -> Segment:
    """A segment with or without word times, with words that match its text, or not."""
    speaker = draw(st.none() | st.sampled_from(["SPEAKER_00", "Ana", "a --> b", "<v X>&", "{} {0}", "\n"]))
    timed = draw(st.none() | timed_words())
    if timed is None:
        start = draw(_seconds)
        return segment(draw(_text), start, start + draw(st.floats(0, 100)), speaker=speaker)
    text = draw(st.just("".join(word.word for word in timed)) | _text)
    return segment(text, timed[0].start, timed[-1].end, words=timed, speaker=speaker)


any_transcript = st.lists(any_segment(), max_size=6).map(lambda segments: transcript(*segments))


@st.composite
def talk(draw: st.DrawFn) -> Transcript:
    """Speakers who take turns, fast and slow, with short and long words and pauses.

    Hypothesis draws the lengths; the words come from a seed, because drawing every word would take too long.
    """
    rng = random.Random(draw(st.integers(0, 2**32)))
    position = rng.uniform(0, 100)
    said = []
    for count in draw(st.lists(st.integers(1, 30), max_size=6)):
        timed = []
        for _ in range(count):
            length = rng.choice([rng.uniform(0.02, 0.9), rng.uniform(0.1, 0.4), 0.0, 3.0 if rng.random() < 0.1 else 0.2])
            letters = rng.randint(40, 60) if rng.random() < 0.03 else rng.randint(1, 12)
            text = "".join(rng.choices("abcdeéã", k=letters)) + rng.choice(["", "", "", "", ",", ".", "?"])
            timed.append(Word(word=f" {text}", start=position, end=position + length, probability=0.9))
            position += length + rng.choice([0.0, 0.0, 0.0, 0.0, 0.05, 0.3, 0.7, 1.5])
        speaker = rng.choice([None, "Ana", "Rui", "Maria Aparecida da Conceição"])
        text = "".join(word.word for word in timed)
        words_or_not = tuple(timed) if rng.random() < 0.7 else None
        said.append(segment(text, timed[0].start, timed[-1].end, speaker=speaker, words=words_or_not))
        position += rng.choice([0.0, 0.02, 0.4, 2.0, 30.0])
    return transcript(*said)
