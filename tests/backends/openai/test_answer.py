"""Parsing of answers that no server of the tests sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from transcribe_cli.audio import Waveform
from transcribe_cli.backends.openai.answer import language_of, parse_answer
from transcribe_cli.errors import BackendFailed
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import Region

# As OpenAI answers with whisper-1 (API reference): words beside the segments, without punctuation.
OPENAI: dict[str, Any] = {
    "task": "transcribe",
    "language": "portuguese",
    "duration": 4.0,
    "text": "Bom dia. Custa R$ 5, não é?",
    "segments": [
        {"id": 0, "seek": 0, "start": 0.0, "end": 1.0, "text": " Bom dia.", "tokens": [1, 2], "avg_logprob": -0.2},
        {"id": 1, "seek": 0, "start": 2.0, "end": 4.0, "text": " Custa R$ 5, não é?", "tokens": [3], "avg_logprob": -0.4},
    ],
    "words": [
        {"word": "Bom", "start": 0.0, "end": 0.4},
        {"word": "dia", "start": 0.4, "end": 1.0},
        {"word": "Custa", "start": 2.0, "end": 2.4},
        {"word": "5", "start": 2.6, "end": 3.0},
        {"word": "não", "start": 3.0, "end": 3.5},
        {"word": "é", "start": 3.5, "end": 4.0},
    ],
}


@pytest.fixture
def clip(recorded: Callable[[], Waveform]) -> Clip:
    """Two speech regions, ten seconds apart, which the server gets joined."""
    return Clip(0, 0, recorded(), (Region(16_000, 32_000), Region(192_000, 240_000)), JobSpec(), "pt")


def test_words_have_their_punctuation_and_their_times_in_the_recording(clip: Clip) -> None:
    result = parse_answer(OPENAI, clip)
    assert [word.text for word in result.words] == [" Bom", " dia.", " Custa", " R$", " 5,", " não", " é?"]
    assert "".join(word.text for word in result.words) == " Bom dia. Custa R$ 5, não é?"
    assert (result.words[1].start, result.words[1].end) == pytest.approx((1.4, 2.0))
    assert result.words[2].start == pytest.approx(13.0)
    assert result.words[3].start == result.words[3].end  # without a time in the answer; it gets one with its neighbours
    assert [(phrase.start, phrase.end) for phrase in result.phrases] == [(1.0, 2.0), (13.0, 15.0)]
    assert result.attempt.avg_logprob == pytest.approx(-1 / 3)


def test_words_that_are_not_in_the_text_are_skipped(clip: Clip) -> None:
    strange = {**OPENAI, "words": [{"word": "nothing", "start": 0, "end": 1}, *OPENAI["words"][1:], {"start": 1}]}
    result = parse_answer(strange, clip)
    assert "".join(word.text for word in result.words) == " Bom dia. Custa R$ 5, não é?"
    assert parse_answer({**OPENAI, "words": [{"word": "x", "start": 0, "end": 1}]}, clip).words == ()


def test_scripts_without_spaces_keep_their_words(clip: Clip) -> None:
    answer = {
        "text": "今日は、良い天気。",
        "segments": [{"start": 0, "end": 2, "text": "今日は、良い天気。"}],
        "words": [
            {"word": word, "start": number, "end": number + 1} for number, word in enumerate(("今日", "は", "良い", "天気"))
        ],
    }
    assert [word.text for word in parse_answer(answer, clip).words] == ["今日", "は、", "良い", "天気。"]


def test_text_without_segments_is_as_long_as_the_clip(clip: Clip) -> None:
    [phrase] = parse_answer({"text": "Bom dia."}, clip).phrases
    assert (phrase.text, phrase.start, phrase.end) == (" Bom dia.", 1.0, 15.0)


@pytest.mark.parametrize("broken", [{}, {"text": None}, {"segments": "no"}, {"segments": [{"text": "x"}]}])
def test_an_answer_without_text_is_a_backend_failure(clip: Clip, broken: dict[str, Any]) -> None:
    with pytest.raises(BackendFailed):
        parse_answer(broken, clip)


@pytest.mark.parametrize(
    "segment",
    [
        {"start": None, "end": 1, "text": " x"},
        {"start": "0", "end": 1, "text": " x"},
        {"start": float("nan"), "end": 1, "text": " x"},
        "x",
    ],
)
def test_segments_without_times_are_ignored_and_the_text_is_kept(clip: Clip, segment: Any) -> None:
    assert [phrase.text for phrase in parse_answer({"text": "x", "segments": [segment]}, clip).phrases] == [" x"]


def test_times_outside_the_clip_are_moved_to_its_ends(clip: Clip) -> None:
    [phrase] = parse_answer({"text": "x", "segments": [{"start": -3, "end": 99, "text": " x"}]}, clip).phrases
    assert (phrase.start, phrase.end) == (1.0, 15.0)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"language": "portuguese"}, "pt"),
        ({"language": "pt"}, "pt"),
        ({"language": "English"}, "en"),
        ({"languages": ["es"]}, "es"),
        ({"languages": []}, None),
        ({"language": "klingon"}, None),
        ({"language": None}, None),
        ({}, None),
    ],
)
def test_languages_are_codes_names_or_missing(answer: dict[str, Any], code: str | None) -> None:
    assert language_of(answer) == code
