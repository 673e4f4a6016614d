"""One recording between its first clip and its transcript: what is asked of the recognizer, and when it is complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fake_engine import attempt, clip, clip_result
from transcribe_cli.audio import Waveform
from transcribe_cli.pipeline.checkpoint import Checkpoint, Checkpoints
from transcribe_cli.pipeline.messages import Prepared, Started
from transcribe_cli.pipeline.recording_state import RecordingState
from transcribe_cli.plan import Job, plan
from transcribe_cli.recognition.engines import Clip, ClipResult
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

GIVEN = JobSpec(model="demo", language="pt")
VOTED = JobSpec(model="demo")
MIXED = JobSpec(model="demo", multilingual=True)
PREPARED = Prepared(0, {}, 0.0, 0.0)
Recording = Callable[..., RecordingState]


@pytest.fixture
def job(tmp_path: Path) -> Callable[[JobSpec], Job]:
    """A file that nobody will decode, to be transcribed so."""
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    return lambda spec: plan(find_recordings([str(tmp_path / "a.wav")]), spec, Settings())[0]


@pytest.fixture
def recording(job: Callable[[JobSpec], Job], recorded: Callable[[], Waveform]) -> Recording:
    """A recording whose decoding began."""

    def begin(spec: JobSpec, checkpoint: Checkpoint | None = None) -> RecordingState:
        return RecordingState(Started(0, job(spec), job(spec).recording, recorded()), checkpoint)

    return begin


def clips(recording: RecordingState, count: int, first: int = 0) -> list[Clip]:
    """So many clips of ten seconds, as preparation finds them."""
    begun = recording.started
    starts = [(index, 10.0 * index) for index in range(first, first + count)]
    return [clip(begun.waveform, 0, index, (start, start + 10.0), language="", spec=begun.job.spec) for index, start in starts]


def asked(clips: Sequence[Clip]) -> list[tuple[int, str]]:
    """Which clips, and in which language."""
    return [(made.index, made.language) for made in clips]


def test_clips_go_on_at_once_when_the_language_is_given(recording: Recording) -> None:
    """Or when only one is allowed."""
    for spec in (GIVEN, JobSpec(model="demo", languages=("pt",)), GIVEN.model_copy(update={"multilingual": True})):
        state = recording(spec)
        assert asked(state.add_clips(clips(state, 2))) == [(0, "pt"), (1, "pt")]
        assert asked(state.add_clips(clips(state, 1, 2))) == [(2, "pt")]
        assert state.set_prepared(PREPARED) == []


def test_a_vote_waits_for_the_end_and_for_every_voter(recording: Recording) -> None:
    """Five clips from all over the recording; then all of them are read in its language."""
    state = recording(VOTED)
    assert state.add_clips(clips(state, 6)) == []
    assert state.add_clips(clips(state, 6, 6)) == []
    voters = state.set_prepared(PREPARED)
    assert len(voters) == 5
    assert {made.language for made in voters} == {""}
    assert voters[-1].index - voters[0].index >= 8
    for made in voters[:-1]:
        assert state.add_language_vote(made, {"pt": 0.6, "en": 0.4}) == []
    assert asked(state.add_language_vote(voters[-1], {"pt": 0.1, "en": 0.9})) == [(index, "pt") for index in range(12)]
    assert state.language.probability == pytest.approx(0.5)


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute of speech is a long recording."""
    monkeypatch.setattr("transcribe_cli.pipeline.recording_state.EARLY_SECONDS", 30.0)


@pytest.mark.usefixtures("early")
def test_the_language_of_a_long_recording_is_guessed_early_and_voted_on_at_its_end(recording: Recording) -> None:
    """When both agree, nothing is read twice, and no voter is asked twice."""
    state = recording(VOTED)
    assert state.add_clips(clips(state, 2)) == []
    voters = state.add_clips(clips(state, 2, 2))
    assert {made.language for made in voters} == {""}
    assert state.add_clips(clips(state, 1, 4)) == []
    ready = [spoken for made in voters for spoken in state.add_language_vote(made, {"pt": 1.0})]
    assert asked(ready) == [(index, "pt") for index in range(5)]
    ready += state.add_clips(clips(state, 15, 5))
    assert asked(ready) == [(index, "pt") for index in range(20)]
    for made in ready:
        state.add_result(clip_result(made))
    late = state.set_prepared(PREPARED)
    assert not {made.index for made in late} & {made.index for made in voters}
    assert not state.is_complete
    assert [state.add_language_vote(made, {"pt": 0.8, "en": 0.2}) for made in late] == [[]] * len(late)
    assert state.is_complete
    assert state.language.code == "pt"


@pytest.mark.usefixtures("early")
@pytest.mark.parametrize("sequential", [False, True], ids=["in batches", "in sequence"])
def test_a_guess_that_was_wrong_is_made_good(recording: Recording, sequential: bool) -> None:
    """Everything is read again in the right language; what is still on its way in the other one does not count."""
    state = recording(VOTED.model_copy(update={"sequential": sequential}))
    wrong = [spoken for made in state.add_clips(clips(state, 4)) for spoken in state.add_language_vote(made, {"pt": 1.0})]
    assert {made.language for made in wrong} == {"pt"}
    state.add_clips(clips(state, 16, 4))
    state.add_result(clip_result(wrong[0]))
    late = state.set_prepared(PREPARED)
    ready = [spoken for made in late for spoken in state.add_language_vote(made, {"en": 1.0})]
    assert ready
    for made in wrong[1:]:
        assert state.add_result(clip_result(made)) == []
    while ready:
        assert not state.is_complete
        assert {made.language for made in ready} == {"en"}
        ready = [following for made in ready for following in state.add_result(clip_result(made))]
    assert state.is_complete
    assert state.language.code == "en"
    assert sorted(result.clip.index for result in state.results) == list(range(20))


def test_a_recording_that_is_read_in_sequence_goes_clip_by_clip(recording: Recording) -> None:
    """Each is told the text before it."""
    state = recording(GIVEN.model_copy(update={"sequential": True}))
    [first] = state.add_clips(clips(state, 2))
    assert state.add_clips(clips(state, 1, 2)) == []
    state.set_prepared(PREPARED)
    read = [first]
    for number in range(3):
        result = replace(clip_result(read[-1]), attempt=replace(attempt(), tokens=(number,)))
        read += state.add_result(result)
    assert [(made.index, made.previous_tokens) for made in read] == [(0, ()), (1, (0,)), (2, (1,))]
    assert state.is_complete


def test_every_clip_of_a_multilingual_recording_has_its_own_language(recording: Recording) -> None:
    """Asked as it comes; the recording's is that with most speech in it, clips without words left aside."""
    state = recording(MIXED)
    found = state.add_clips(clips(state, 4))
    assert asked(found) == [(index, "") for index in range(4)]
    for made, code in zip(found, ("pt", "en", "pt", "fr"), strict=True):
        [spoken] = state.add_language_vote(made, {code: 0.9})
        assert spoken.language == code
        state.add_result(clip_result(spoken) if code != "fr" else replace(clip_result(spoken), words=()))
    assert state.set_prepared(PREPARED) == []
    assert (state.language.code, state.language.probability) == ("pt", pytest.approx(2 / 3))


def test_a_recording_without_speech_has_no_language(recording: Recording) -> None:
    """Also when one was given."""
    for spec in (GIVEN, VOTED, MIXED):
        state = recording(spec)
        assert not state.is_complete
        assert state.set_prepared(PREPARED) == []
        assert state.is_complete
        assert state.language.code == "und"


def test_a_recording_is_complete_when_all_is_decoded_and_heard(recording: Recording) -> None:
    """In whichever order."""
    state = recording(GIVEN)
    first, second = state.add_clips(clips(state, 2))
    state.add_result(clip_result(second))
    state.set_prepared(PREPARED)
    assert not state.is_complete
    assert (state.releasable_seconds, state.speech_seconds) == (10.0, 20.0)
    state.add_result(clip_result(first))
    assert state.is_complete
    assert state.releasable_seconds == state.speech_seconds


def test_speech_without_words_is_waited_for_once_more(recording: Recording) -> None:
    """In the language of its clip; then it is complete, whatever that gave."""
    state = recording(GIVEN)
    [made] = state.add_clips(clips(state, 1))
    state.set_prepared(PREPARED)
    again = state.add_result(clip_result(made, (0.0, 2.0), (8.0, 10.0)))
    assert [(part.index, part.part, part.language) for part in again] == [(0, 1, "pt")]
    assert not state.is_complete
    assert state.releasable_seconds == 10.0
    assert state.add_result(ClipResult(again[0], attempt())) == []
    assert state.is_complete


@pytest.fixture
def checkpoint(job: Callable[[JobSpec], Job], tmp_path: Path) -> Callable[[JobSpec], Checkpoint]:
    """That of the recording, opened anew each time as the next run does."""
    return lambda spec: Checkpoints(tmp_path / "state").open(job(spec), job(spec).recording)


@pytest.mark.parametrize("spec", [GIVEN, VOTED, MIXED], ids=["given", "voted", "mixed"])
def test_what_an_earlier_run_heard_is_not_asked_again(
    recording: Recording, checkpoint: Callable[[JobSpec], Checkpoint], spec: JobSpec
) -> None:
    """Nor what it clip_result once more; only the rest goes to the recognizer."""

    def begun() -> tuple[RecordingState, list[Clip]]:
        state = recording(spec, checkpoint(spec))
        ready = state.add_clips(clips(state, 8))
        ready += state.set_prepared(PREPARED)
        if spec is not GIVEN:
            ready = [spoken for made in ready for spoken in state.add_language_vote(made, {"pt": 1.0})]
        return state, ready

    earlier, ready = begun()
    for made in ready[:6]:
        for again in earlier.add_result(clip_result(made, (made.start, made.start + 2.0), (made.end - 2.0, made.end))):
            earlier.add_result(ClipResult(again, attempt()))
    earlier.close()
    later, ready = begun()
    assert asked(ready) == [(6, "pt"), (7, "pt")]
    assert later.releasable_seconds == 60.0
    assert later.resumed_seconds == 60.0
    for made in ready:
        later.add_result(clip_result(made))
    assert later.is_complete
    assert len(later.results) == 8 + 6
    later.close()
