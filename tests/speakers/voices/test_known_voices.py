"""Matches with enrolled voices become names and flags of a transcript."""

from __future__ import annotations

from pathlib import Path

from tests.formats.documents import spoken, transcript
from tests.speakers.voices.vectors import NETWORK, OTHER_NETWORK, SAMPLE, at
from transcribe_cli.events import Event, Notice, VoicesFound
from transcribe_cli.reporting.messages import message_for
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.known_voices import DOUBTFUL, KnownVoices, with_voice_matches
from transcribe_cli.speakers.voices.library import Library
from transcribe_cli.transcript import Transcript, Turn

A, B = "SPEAKER_00", "SPEAKER_01"
TURNS = (Turn(start=0, end=1, speaker=A), Turn(start=1, end=2, speaker=B))
DIALOGUE = transcript(spoken("Alguma pergunta?", 0.0, speaker=A), spoken("Sim.", 1.5, speaker=B), turns=TURNS)
FOUND = Diarization(TURNS, {A: at(0.9), B: at(0, 0.6)}, NETWORK)


def voices(folder: Path, events: list[Event], network: str = NETWORK) -> KnownVoices:
    """A library with Ana and Rui."""
    library = Library(folder)
    library.add("Ana", "demo", network, at(1), SAMPLE)
    library.add("Rui", "demo", network, at(0, 1), SAMPLE)
    return KnownVoices(library, 0.7, events.append)


def test_sure_matches_are_named_and_possible_ones_are_flagged(tmp_path: Path) -> None:
    """Also after the document is written and read."""
    events: list[Event] = []
    found = voices(tmp_path, events).match(FOUND, "demo", {})
    named = with_voice_matches(DIALOGUE, found)
    assert named.speaker_names == {A: "Ana"}
    assert named.flags == (DOUBTFUL,)
    assert [(match.speaker, match.name, match.sure) for match in named.quality.voices] == [
        (A, "Ana", True),
        (B, "Rui", False),
    ]
    read = Transcript.loads(named.dumps())
    assert read.quality.voices[0].similarity == 0.9
    assert events == []


def test_speakers_with_a_given_name_are_not_compared_and_their_names_are_taken(tmp_path: Path) -> None:
    """Also with an empty name. A label that no speaker has is ignored."""
    known = voices(tmp_path, [])
    assert [match.speaker for match in known.match(FOUND, "demo", {A: "Eva"})] == [B]
    assert [match.speaker for match in known.match(FOUND, "demo", {A: ""})] == [B]
    assert not known.match(FOUND, "demo", {B: "Ana"})[0].sure
    assert known.match(FOUND, "demo", {"SPEAKER_07": "Ana"})[0].sure


def test_voices_of_another_network_are_skipped_with_one_warning(tmp_path: Path) -> None:
    """However many recordings there are."""
    events: list[Event] = []
    known = voices(tmp_path, events, OTHER_NETWORK)
    assert known.match(FOUND, "demo", {}) == known.match(FOUND, "demo", {}) == ()
    [notice] = events
    assert isinstance(notice, Notice)
    assert "another version of " in notice.message
    assert "--diarize-model demo" in notice.message


def test_without_voices_or_embeddings_nothing_changes(tmp_path: Path) -> None:
    """With an empty library, and with turns from an RTTM file."""
    events: list[Event] = []
    assert KnownVoices(Library(tmp_path / "empty"), 0.7, events.append).match(FOUND, "demo", {}) == ()
    assert voices(tmp_path, events).match(Diarization(TURNS), "rttm", {}) == ()
    assert events == []
    assert with_voice_matches(DIALOGUE, ()) == DIALOGUE


def test_earlier_matches_are_replaced(tmp_path: Path) -> None:
    """When a transcript is diarized again."""
    before = with_voice_matches(DIALOGUE, voices(tmp_path, []).match(FOUND, "demo", {}))
    assert with_voice_matches(before, ()) == DIALOGUE


def test_voices_found_is_one_line_for_users() -> None:
    """In the order of the labels, with unprintable characters escaped."""
    event = VoicesFound("a\n.wav", {B: "Ana\x1b"}, {A: "Rui"}, {A: 0.612, B: 0.9})
    assert message_for(event) == r"voices    a\x0a.wav  SPEAKER_00 may be Rui (0.61), SPEAKER_01 is Ana\x1b (0.90)"
