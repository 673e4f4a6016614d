"""Only an excerpt with enough speech of one person is accepted; otherwise the message suggests another one."""

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
EXCERPT = Excerpt(Path("aula.wav"), 60, 120)


def diarization(*turns: tuple[float, float, str]) -> Diarization:
    """These turns, and an embedding for each speaker."""
    return Diarization(
        tuple(Turn(start=start, end=end, speaker=label) for start, end, label in turns),
        {label: at(1) for _, _, label in turns},
        NETWORK,
    )


def refused(*turns: tuple[float, float, str]) -> str:
    """The message for these turns."""
    with pytest.raises(UsageError) as caught:
        find_single_speaker(diarization(*turns), EXCERPT)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_short_interruption_is_accepted() -> None:
    """The result has the seconds of speech."""
    assert find_single_speaker(diarization((0, 5, A), (6, 11, A)), EXCERPT) == (A, 10)
    assert find_single_speaker(diarization((0, 1, B), (1, 11, A)), EXCERPT) == (A, 10)


def test_no_speech_and_too_little_speech_are_refused() -> None:
    """With the required duration; a speaker without an embedding also has too little speech."""
    assert refused() == "Nobody speaks in aula.wav@1:00-2:00."
    assert refused((0, 3, A)) == "There are only 3.0 s of speech in aula.wav@1:00-2:00. At least 5 s are needed; 20 s are better."
    silent = Diarization((Turn(start=0, end=9, speaker=A),))
    with pytest.raises(UsageError, match=r"only 9\.0 s"):
        find_single_speaker(silent, EXCERPT)


def test_two_voices_are_refused_with_an_excerpt_of_each() -> None:
    """Times are from the start of the recording. The longest spans without other speakers, with pauses, without overlaps."""
    assert refused((0, 6, A), (7, 12.04, A), (11, 20, B), (21, 28, A), (28, 29, B)) == (
        "More than one voice speaks in aula.wav@1:00-2:00: SPEAKER_00 for 18 s, SPEAKER_01 for 10 s. "
        "Choose an excerpt with one voice, such as aula.wav@1:00-1:11 (SPEAKER_00) or aula.wav@1:12.1-1:20 (SPEAKER_01), "
        "or use --one-voice if they are one person."
    )


def test_an_excerpt_without_a_long_enough_span_is_reported() -> None:
    """With a speaker change every second."""
    talk = [(float(n), n + 1.0, (A, B)[n % 2]) for n in range(20)]
    assert "Nobody speaks alone for 5 s there" in refused(*talk)


def test_at_most_three_voices_are_listed() -> None:
    """The others are counted."""
    talk = [(6.0 * n, 6.0 * n + 6 - n / 10, f"SPEAKER_{n:02}") for n in range(5)]
    line = refused(*talk)
    assert "SPEAKER_02 for 6 s and 2 more" in line
    assert line.count("aula.wav@") == 4
