"""Only a stretch in which one person says enough is learned from; otherwise another one is proposed that would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.speakers.voices.vectors import NETWORK, at
from transcribe_cli.errors import UsageError
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.excerpt import Excerpt
from transcribe_cli.speakers.voices.single_speaker import find_single_speaker
from transcribe_cli.transcript import Turn

A, B = "SPEAKER_00", "SPEAKER_01"
WHERE = Excerpt(Path("aula.wav"), 60, 120)


def found(*turns: tuple[float, float, str]) -> Diarization:
    """These turns, and an embedding for each speaker."""
    return Diarization(
        tuple(Turn(start=start, end=end, speaker=label) for start, end, label in turns),
        {label: at(1) for _, _, label in turns},
        NETWORK,
    )


def refused(*turns: tuple[float, float, str]) -> str:
    """What is said about them."""
    with pytest.raises(UsageError) as caught:
        find_single_speaker(found(*turns), WHERE)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_one_who_speaks_is_learned_also_when_somebody_says_a_word_in_between() -> None:
    """With the seconds of speech."""
    assert find_single_speaker(found((0, 5, A), (6, 11, A)), WHERE) == (A, 10)
    assert find_single_speaker(found((0, 1, B), (1, 11, A)), WHERE) == (A, 10)


def test_nobody_and_too_little_are_refused() -> None:
    """With how much is needed; a voice without an embedding was too little, too."""
    assert refused() == "Nobody speaks in aula.wav@1:00-2:00."
    assert refused((0, 3, A)) == "There are only 3.0 s of speech in aula.wav@1:00-2:00. 5 s are needed, and 20 s are better."
    silent = Diarization((Turn(start=0, end=9, speaker=A),))
    with pytest.raises(UsageError, match=r"only 9\.0 s"):
        find_single_speaker(silent, WHERE)


def test_two_voices_are_refused_with_the_stretch_of_each() -> None:
    """In times of the recording; the longest in which nobody else speaks, with pauses but without what overlaps."""
    assert refused((0, 6, A), (7, 12.04, A), (11, 20, B), (21, 28, A), (28, 29, B)) == (
        "More than one voice speaks in aula.wav@1:00-2:00: SPEAKER_00 for 18 s, SPEAKER_01 for 10 s. "
        "Take a stretch of one voice, such as aula.wav@1:00-1:11 (SPEAKER_00) or aula.wav@1:12.1-1:20 (SPEAKER_01), "
        "or say --one-voice when they are one person."
    )


def test_where_nobody_speaks_alone_for_long_that_is_said() -> None:
    """A lively talk."""
    talk = [(float(n), n + 1.0, (A, B)[n % 2]) for n in range(20)]
    assert "Nobody speaks alone for 5 s there" in refused(*talk)


def test_three_of_many_voices_are_named() -> None:
    """The rest is a number."""
    talk = [(6.0 * n, 6.0 * n + 6 - n / 10, f"SPEAKER_{n:02}") for n in range(5)]
    line = refused(*talk)
    assert "SPEAKER_02 for 6 s and 2 more" in line
    assert line.count("aula.wav@") == 4
