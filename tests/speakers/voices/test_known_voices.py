"""What a run knows of voices goes into its transcripts: names, doubts, and nothing at all when there is nothing to know."""

from __future__ import annotations

from pathlib import Path

from tests.formats.documents import spoken, transcript
from tests.speakers.voices.vectors import NETWORK, OTHER_NETWORK, SAMPLE, at
from transcribe_cli.events import Event, Notice, VoicesFound
from transcribe_cli.reporting.messages import message_for
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.known_voices import DOUBTFUL, KnownVoices, with_likenesses
from transcribe_cli.speakers.voices.library import Library
from transcribe_cli.transcript import Transcript, Turn

A, B = "SPEAKER_00", "SPEAKER_01"
TURNS = (Turn(start=0, end=1, speaker=A), Turn(start=1, end=2, speaker=B))
DIALOGUE = transcript(spoken("Alguma pergunta?", 0.0, speaker=A), spoken("Sim.", 1.5, speaker=B), turns=TURNS)
FOUND = Diarization(TURNS, {A: at(0.9), B: at(0, 0.6)}, NETWORK)


def voices(folder: Path, told: list[Event], network: str = NETWORK) -> KnownVoices:
    """Ana and Rui."""
    library = Library(folder)
    library.add("Ana", "demo", network, at(1), SAMPLE)
    library.add("Rui", "demo", network, at(0, 1), SAMPLE)
    return KnownVoices(library, 0.7, told.append)


def test_who_is_sure_is_named_and_who_may_be_is_told(tmp_path: Path) -> None:
    """In the document, which can be written and read."""
    told: list[Event] = []
    found = voices(tmp_path, told).heard_in(FOUND, "demo", {})
    named = with_likenesses(DIALOGUE, found)
    assert named.speaker_names == {A: "Ana"}
    assert named.flags == (DOUBTFUL,)
    assert [(likeness.speaker, likeness.name, likeness.sure) for likeness in named.quality.voices] == [
        (A, "Ana", True),
        (B, "Rui", False),
    ]
    read = Transcript.loads(named.dumps())
    assert read.quality.voices[0].similarity == 0.9
    assert told == []


def test_speakers_whom_people_named_are_left_alone_and_their_names_are_taken(tmp_path: Path) -> None:
    """Also when the name was taken away, by an empty one; a label that nobody has takes nothing."""
    known = voices(tmp_path, [])
    assert [likeness.speaker for likeness in known.heard_in(FOUND, "demo", {A: "Eva"})] == [B]
    assert [likeness.speaker for likeness in known.heard_in(FOUND, "demo", {A: ""})] == [B]
    assert not known.heard_in(FOUND, "demo", {B: "Ana"})[0].sure
    assert known.heard_in(FOUND, "demo", {"SPEAKER_07": "Ana"})[0].sure


def test_voices_of_another_network_are_not_used_and_that_is_said_once(tmp_path: Path) -> None:
    """In however many recordings."""
    told: list[Event] = []
    known = voices(tmp_path, told, OTHER_NETWORK)
    assert known.heard_in(FOUND, "demo", {}) == known.heard_in(FOUND, "demo", {}) == ()
    [notice] = told
    assert isinstance(notice, Notice)
    assert "another version of it" in notice.message
    assert "--diarize-model demo" in notice.message


def test_without_voices_or_embeddings_nothing_changes_and_nothing_is_said(tmp_path: Path) -> None:
    """An empty library; turns from an RTTM file."""
    told: list[Event] = []
    assert KnownVoices(Library(tmp_path / "empty"), 0.7, told.append).heard_in(FOUND, "demo", {}) == ()
    assert voices(tmp_path, told).heard_in(Diarization(TURNS), "rttm", {}) == ()
    assert told == []
    assert with_likenesses(DIALOGUE, ()) == DIALOGUE


def test_what_an_earlier_run_found_does_not_stay(tmp_path: Path) -> None:
    """When the speakers of a transcript are found out anew."""
    before = with_likenesses(DIALOGUE, voices(tmp_path, []).heard_in(FOUND, "demo", {}))
    assert with_likenesses(before, ()) == DIALOGUE


def test_what_was_heard_is_one_line_for_people() -> None:
    """In the order of the labels, whatever the names are."""
    event = VoicesFound("a\n.wav", {B: "Ana\x1b"}, {A: "Rui"}, {A: 0.612, B: 0.9})
    assert message_for(event) == r"voices    a\x0a.wav  SPEAKER_00 may be Rui (0.61), SPEAKER_01 is Ana\x1b (0.90)"
