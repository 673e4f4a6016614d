"""From words of clips to segments."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from tests.fake_engine import attempt
from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.recognition.engines import Clip, ClipResult, Phrase, SpokenWord
from transcribe_cli.recognition.segments import build_segments
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import Region

NO_WAVEFORM = cast(Waveform, None)  # segments never reads samples


def result(index: int, words: list[tuple[str, float, float]], speech: list[tuple[float, float]]) -> ClipResult:
    """A clip with these words and this speech, in seconds."""
    regions = tuple(Region(int(start * SAMPLE_RATE), int(end * SAMPLE_RATE)) for start, end in speech)
    clip = Clip(0, index, NO_WAVEFORM, regions, JobSpec())
    return ClipResult(clip, attempt(), tuple(SpokenWord(text, start, end, 0.9, (1,)) for text, start, end in words))


def test_segments_end_with_sentences_not_with_clips() -> None:
    """A sentence that crosses a clip border stays whole."""
    first = result(0, [(" Bom", 0, 0.5), (" dia.", 0.5, 1.0), (" Vamos", 1.1, 1.5)], [(0, 1.6)])
    second = result(1, [(" começar.", 1.6, 2.0)], [(1.6, 2.2)])
    assert [segment.text for segment in build_segments([second, first], 3.0)] == [" Bom dia.", " Vamos começar."]


def test_a_long_pause_begins_a_new_segment() -> None:
    """Even without a full stop."""
    found = build_segments([result(0, [(" um", 0, 0.5), (" dois", 2.0, 2.5)], [(0, 0.5), (2, 2.5)])], 3.0)
    assert [(segment.start, segment.end) for segment in found] == [(0.0, 0.5), (2.0, 2.5)]


def test_phrases_are_segments_when_words_are_not_timed() -> None:
    """Their times never overlap and lie inside the recording."""
    clip = Clip(0, 0, NO_WAVEFORM, (Region(0, 10 * SAMPLE_RATE),), JobSpec(word_timestamps=False))
    phrases = (Phrase(" um", 0.0, 4.0, (1,)), Phrase(" dois", 3.0, 12.0, (2,)))
    found = build_segments([ClipResult(clip, attempt(), phrases=phrases)], 9.0)
    assert [(segment.start, segment.end, segment.words) for segment in found] == [(0, 4, None), (4, 9, None)]


TIME = st.floats(0, 60, allow_nan=False)


def ordered(word: tuple[str, float, float]) -> tuple[str, float, float]:
    """The word with its times in order."""
    text, *times = word
    return text, min(times), max(times)


@given(
    st.lists(st.tuples(st.sampled_from([" um", " dois.", " Dr.", "!"]), TIME, TIME).map(ordered), max_size=40), st.floats(0, 50)
)
def test_times_never_decrease_and_no_word_is_lost(words: list[tuple[str, float, float]], duration: float) -> None:
    """Whatever the alignment returns. Words in silence are dropped, but here there is speech everywhere."""
    found = build_segments([result(0, words, [(0, 20), (20.5, 60)])], duration)
    flat = [word for segment in found for word in segment.words or ()]
    assert [word.word.strip() for word in flat] == [text.strip() for text, _, _ in words]
    times = [time for word in flat for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(0 <= time <= duration for time in times)
    assert [segment.id for segment in found] == list(range(len(found)))


def test_clips_are_joined_with_a_space_only_where_the_language_has_spaces() -> None:
    """Chinese has no spaces between words."""
    for language, expected in (("pt", " um dois"), ("zh", "umdois")):
        parts = [result(0, [("um", 0, 1)], [(0, 1)]), result(1, [("dois", 1, 2)], [(1, 2)])]
        spoken = [replace(part, clip=replace(part.clip, language=language)) for part in parts]
        assert [segment.text for segment in build_segments(spoken, 2.0)] == [expected]
