"""Which speech is recognized a second time, and with which borders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake_engine import PORTUGUESE, attempt, clip, clip_result
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines import Clip, ClipResult, Phrase
from transcribe_cli.recognition.rescue import MAX_SECONDS, MIN_SECONDS, TIME_TOLERANCE, rescue_clips, uncovered_spans

Recorded = Callable[[], Waveform]
Spans = list[tuple[float, float]]


def empty(original: Clip) -> ClipResult:
    """A clip in which nothing was recognized."""
    return ClipResult(original, attempt())


def spans(clips: list[Clip]) -> Spans:
    """Start and end of each, in seconds."""
    return [(round(original.start, 2), round(original.end, 2)) for original in clips]


def test_speech_with_words_is_not_rescued(recorded: Recorded) -> None:
    """Word times are uncertain, so small gaps do not count."""
    original = clip(recorded(), 0, 0, (0.0, 10.0), (10.5, 20.0))
    assert rescue_clips(clip_result(original, (0.0 + TIME_TOLERANCE, 10.0), (10.5, 20.0 - TIME_TOLERANCE))) == []


def test_speech_without_words_inside_a_clip_is_rescued(recorded: Recorded) -> None:
    """With its own borders, as a part of its clip, with the same spec and language."""
    original = clip(recorded(), 3, 5, (100.0, 125.0))
    [rescued] = rescue_clips(clip_result(original, (100.0, 106.0), (112.0, 125.0)))
    assert spans([rescued]) == [(106.0 + TIME_TOLERANCE, 112.0 - TIME_TOLERANCE)]
    assert (rescued.recording, rescued.index, rescued.part, rescued.language, rescued.spec) == (3, 5, 1, "pt", original.spec)
    assert rescued.waveform is original.waveform


@pytest.mark.parametrize("seconds", [MIN_SECONDS - 0.1, MIN_SECONDS + 0.1])
def test_breath_and_hesitation_are_not_rescued(recorded: Recorded, seconds: float) -> None:
    """Speech of 1.5 s or more is."""
    end = 5.0 + 2 * TIME_TOLERANCE + seconds
    found = rescue_clips(clip_result(clip(recorded(), 0, 0, (0.0, 20.0)), (0.0, 5.0), (end, 20.0)))
    assert bool(found) == (seconds >= MIN_SECONDS)


def test_distant_excerpts_are_separate_clips(recorded: Recorded) -> None:
    """Numbered from 1; excerpts that are close share a clip."""
    original = clip(recorded(), 0, 0, (0.0, 28.0))
    distant = rescue_clips(clip_result(original, (3.0, 20.0), (25.0, 28.0)))
    assert [rescued.part for rescued in distant] == [1, 2]
    assert spans(distant) == [(0.0, 3.0 - TIME_TOLERANCE), (20.0 + TIME_TOLERANCE, 25.0 - TIME_TOLERANCE)]
    close = rescue_clips(clip_result(original, (3.0, 4.0), (9.0, 28.0)))
    assert spans(close) == [(0.0, 9.0 - TIME_TOLERANCE)]
    assert len(close[0].speech) == 2


@pytest.mark.parametrize("seconds", [3.0, 10.0, 14.0, 16.0, 29.9, 30.0])
def test_a_clip_without_any_words_is_rescued_in_halves(recorded: Recorded, seconds: float) -> None:
    """The same borders would give the same result."""
    original = clip(recorded(), 0, 0, (50.0, 50.0 + seconds))
    assert spans(rescue_clips(empty(original))) == [(50.0, 50.0 + seconds / 2), (50.0 + seconds / 2, 50.0 + seconds)]


def test_a_clip_of_several_regions_without_any_words_gets_other_borders(recorded: Recorded) -> None:
    """Although no single region fills it."""
    original = clip(recorded(), 0, 0, (0.0, 6.0), (7.0, 13.0))
    rescued = rescue_clips(empty(original))
    assert len(rescued) >= 2
    assert sum(region.seconds for part in rescued for region in part.speech) == pytest.approx(12.0)


def test_a_second_attempt_is_not_rescued_again(recorded: Recorded) -> None:
    """There are two attempts at most."""
    original = clip(recorded(), 0, 0, (0.0, 20.0))
    assert [rescue_clips(empty(rescued)) for rescued in rescue_clips(empty(original))] == [[], []]


def test_rescue_can_be_disabled(recorded: Recorded) -> None:
    """`--no-rescue`."""
    spec = PORTUGUESE.model_copy(update={"rescue": False})
    assert rescue_clips(empty(clip(recorded(), 0, 0, (0.0, 20.0), spec=spec))) == []


def test_phrases_count_like_words(recorded: Recorded) -> None:
    """Without word times there are only phrases."""
    original = clip(recorded(), 0, 0, (0.0, 20.0))
    recognized = ClipResult(original, attempt(), phrases=(Phrase(" olá", 0.0, 8.0, (1,)), Phrase(" olá", 8.0, 20.0, (1,))))
    assert rescue_clips(recognized) == []
    assert spans(rescue_clips(replace(recognized, phrases=recognized.phrases[:1]))) == [(8.0 + TIME_TOLERANCE, 20.0)]


SPANS = st.lists(st.floats(0, 30, allow_nan=False), max_size=12, unique=True).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@given(SPANS, SPANS)
def test_uncovered_spans_are_exactly_what_no_cover_covers(parts: Spans, covers: Spans) -> None:
    """In order, point by point."""
    left = list(uncovered_spans(parts, covers))
    assert left == sorted(left)
    for point in (number / 7 for number in range(212)):
        inside = any(start <= point < end for start, end in parts)
        covered = any(start <= point < end for start, end in covers)
        assert any(start <= point < end for start, end in left) == (inside and not covered)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(SPANS.filter(bool), SPANS)
def test_rescue_clips_are_short_and_contain_speech_of_the_clip(recorded: Recorded, speech: Spans, words: Spans) -> None:
    """Whatever was recognized: inside the clip's speech, in order, without overlaps, none longer than half a window."""
    original = clip(recorded(), 0, 0, *speech)
    rescued = rescue_clips(clip_result(original, *words) if words else empty(original))
    assert [part.part for part in rescued] == list(range(1, len(rescued) + 1))
    pieces = [region for part in rescued for region in part.speech]
    assert pieces == sorted(pieces, key=lambda region: region.start)
    assert all(before.end <= after.start for before, after in pairwise(pieces))
    assert all(any(region.start <= piece.start <= piece.end <= region.end for region in original.speech) for piece in pieces)
    assert all(part.seconds <= MAX_SECONDS + 0.001 for part in rescued)
    assert all(
        (part.speech[0].start, part.speech[-1].end) != (original.speech[0].start, original.speech[-1].end) for part in rescued
    )
