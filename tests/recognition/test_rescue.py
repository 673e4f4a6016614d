"""Which speech is clip_result once more, and with which borders."""

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


def empty(made: Clip) -> ClipResult:
    """A clip in which nothing was recognized."""
    return ClipResult(made, attempt())


def spans(clips: list[Clip]) -> Spans:
    """Where they lie, in seconds."""
    return [(round(made.start, 2), round(made.end, 2)) for made in clips]


def test_speech_that_has_words_is_not_heard_again(recorded: Recorded) -> None:
    """Word times are uncertain: a little that sticks out is nothing."""
    made = clip(recorded(), 0, 0, (0.0, 10.0), (10.5, 20.0))
    assert rescue_clips(clip_result(made, (0.0 + TIME_TOLERANCE, 10.0), (10.5, 20.0 - TIME_TOLERANCE))) == []


def test_speech_in_the_middle_of_a_clip_is_heard_once_more(recorded: Recorded) -> None:
    """With borders of its own, as a part of its clip; spec and language stay."""
    made = clip(recorded(), 3, 5, (100.0, 125.0))
    [again] = rescue_clips(clip_result(made, (100.0, 106.0), (112.0, 125.0)))
    assert spans([again]) == [(106.0 + TIME_TOLERANCE, 112.0 - TIME_TOLERANCE)]
    assert (again.recording, again.index, again.part, again.language, again.spec) == (3, 5, 1, "pt", made.spec)
    assert again.waveform is made.waveform


@pytest.mark.parametrize("seconds", [MIN_SECONDS - 0.1, MIN_SECONDS + 0.1])
def test_breath_and_hesitation_are_not_heard_again(recorded: Recorded, seconds: float) -> None:
    """Speech is, from a second and a half on."""
    end = 5.0 + 2 * TIME_TOLERANCE + seconds
    found = rescue_clips(clip_result(clip(recorded(), 0, 0, (0.0, 20.0)), (0.0, 5.0), (end, 20.0)))
    assert bool(found) == (seconds >= MIN_SECONDS)


def test_each_stretch_is_a_clip_of_its_own_when_they_lie_apart(recorded: Recorded) -> None:
    """Numbered from 1; those that are close share one."""
    made = clip(recorded(), 0, 0, (0.0, 28.0))
    apart = rescue_clips(clip_result(made, (3.0, 20.0), (25.0, 28.0)))
    assert [again.part for again in apart] == [1, 2]
    assert spans(apart) == [(0.0, 3.0 - TIME_TOLERANCE), (20.0 + TIME_TOLERANCE, 25.0 - TIME_TOLERANCE)]
    close = rescue_clips(clip_result(made, (3.0, 4.0), (9.0, 28.0)))
    assert spans(close) == [(0.0, 9.0 - TIME_TOLERANCE)]
    assert len(close[0].speech) == 2


@pytest.mark.parametrize("seconds", [3.0, 10.0, 14.0, 16.0, 29.9, 30.0])
def test_a_clip_that_gave_nothing_is_heard_in_halves(recorded: Recorded, seconds: float) -> None:
    """The same borders would give the same nothing."""
    made = clip(recorded(), 0, 0, (50.0, 50.0 + seconds))
    assert spans(rescue_clips(empty(made))) == [(50.0, 50.0 + seconds / 2), (50.0 + seconds / 2, 50.0 + seconds)]


def test_a_clip_of_several_regions_that_gave_nothing_gets_other_borders(recorded: Recorded) -> None:
    """Though none of its regions fills it."""
    made = clip(recorded(), 0, 0, (0.0, 6.0), (7.0, 13.0))
    again = rescue_clips(empty(made))
    assert len(again) >= 2
    assert sum(region.seconds for part in again for region in part.speech) == pytest.approx(12.0)


def test_what_was_heard_once_more_is_not_heard_a_third_time(recorded: Recorded) -> None:
    """There is an end to it."""
    made = clip(recorded(), 0, 0, (0.0, 20.0))
    assert [rescue_clips(empty(again)) for again in rescue_clips(empty(made))] == [[], []]


def test_nothing_is_heard_again_without_the_rescue(recorded: Recorded) -> None:
    """`--no-rescue`."""
    spec = PORTUGUESE.model_copy(update={"rescue": False})
    assert rescue_clips(empty(clip(recorded(), 0, 0, (0.0, 20.0), spec=spec))) == []


def test_phrases_tell_as_well_as_words(recorded: Recorded) -> None:
    """Without word times there are only they."""
    made = clip(recorded(), 0, 0, (0.0, 20.0))
    told = ClipResult(made, attempt(), phrases=(Phrase(" olá", 0.0, 8.0, (1,)), Phrase(" olá", 8.0, 20.0, (1,))))
    assert rescue_clips(told) == []
    assert spans(rescue_clips(replace(told, phrases=told.phrases[:1]))) == [(8.0 + TIME_TOLERANCE, 20.0)]


SPANS = st.lists(st.floats(0, 30, allow_nan=False), max_size=12, unique=True).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@given(SPANS, SPANS)
def test_without_leaves_exactly_what_no_cover_covers(parts: Spans, covers: Spans) -> None:
    """In order, point by point."""
    left = list(uncovered_spans(parts, covers))
    assert left == sorted(left)
    for point in (number / 7 for number in range(212)):
        inside = any(start <= point < end for start, end in parts)
        covered = any(start <= point < end for start, end in covers)
        assert any(start <= point < end for start, end in left) == (inside and not covered)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(SPANS.filter(bool), SPANS)
def test_what_is_heard_again_is_speech_of_the_clip_in_short_clips(recorded: Recorded, speech: Spans, words: Spans) -> None:
    """Whatever was recognized: inside the clip's speech, in order, each stretch once, none longer than half a window."""
    made = clip(recorded(), 0, 0, *speech)
    again = rescue_clips(clip_result(made, *words) if words else empty(made))
    assert [part.part for part in again] == list(range(1, len(again) + 1))
    pieces = [region for part in again for region in part.speech]
    assert pieces == sorted(pieces, key=lambda region: region.start)
    assert all(before.end <= after.start for before, after in pairwise(pieces))
    assert all(any(region.start <= piece.start <= piece.end <= region.end for region in made.speech) for piece in pieces)
    assert all(part.seconds <= MAX_SECONDS + 0.001 for part in again)
    assert all((part.speech[0].start, part.speech[-1].end) != (made.speech[0].start, made.speech[-1].end) for part in again)
