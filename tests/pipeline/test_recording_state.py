"""The state of one recording: which clips it sends to the recognizer, and when it is complete."""

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
    """Makes a job for a file that is never decoded."""
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    return lambda spec: plan(find_recordings([str(tmp_path / "a.wav")]), spec, Settings())[0]


@pytest.fixture
def recording(job: Callable[[JobSpec], Job], recorded: Callable[[], Waveform]) -> Recording:
    """Makes a recording that has started."""

    def begin(spec: JobSpec, checkpoint: Checkpoint | None = None) -> RecordingState:
        return RecordingState(Started(0, job(spec), job(spec).recording, recorded()), checkpoint)

    return begin


def clips(recording: RecordingState, count: int, first: int = 0) -> list[Clip]:
    """`count` clips of ten seconds, as preparation finds them."""
    started = recording.started
    starts = [(index, 10.0 * index) for index in range(first, first + count)]
    return [
        clip(started.waveform, 0, index, (start, start + 10.0), language="", spec=started.job.spec) for index, start in starts
    ]


def indices_and_languages(clips: Sequence[Clip]) -> list[tuple[int, str]]:
    """Index and language of each clip."""
    return [(each.index, each.language) for each in clips]


def test_clips_are_recognized_at_once_if_the_language_is_given(recording: Recording) -> None:
    """Or if only one is allowed."""
    for spec in (GIVEN, JobSpec(model="demo", languages=("pt",)), GIVEN.model_copy(update={"multilingual": True})):
        state = recording(spec)
        assert indices_and_languages(state.add_clips(clips(state, 2))) == [(0, "pt"), (1, "pt")]
        assert indices_and_languages(state.add_clips(clips(state, 1, 2))) == [(2, "pt")]
        assert state.set_prepared(PREPARED) == []


def test_a_vote_waits_for_the_end_and_every_voter(recording: Recording) -> None:
    """Five clips spread over the recording vote; then all clips are recognized in the elected language."""
    state = recording(VOTED)
    assert state.add_clips(clips(state, 6)) == []
    assert state.add_clips(clips(state, 6, 6)) == []
    voters = state.set_prepared(PREPARED)
    assert len(voters) == 5
    assert {each.language for each in voters} == {""}
    assert voters[-1].index - voters[0].index >= 8
    for each in voters[:-1]:
        assert state.add_language_vote(each, {"pt": 0.6, "en": 0.4}) == []
    assert indices_and_languages(state.add_language_vote(voters[-1], {"pt": 0.1, "en": 0.9})) == [
        (index, "pt") for index in range(12)
    ]
    assert state.language.probability == pytest.approx(0.5)


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings with half a minute of speech count as long."""
    monkeypatch.setattr("transcribe_cli.pipeline.recording_state.EARLY_SECONDS", 30.0)


@pytest.mark.usefixtures("early")
def test_the_language_of_a_long_recording_is_guessed_early_and_voted_on_at_its_end(recording: Recording) -> None:
    """If both agree, no clip is recognized twice and no voter votes twice."""
    state = recording(VOTED)
    assert state.add_clips(clips(state, 2)) == []
    voters = state.add_clips(clips(state, 2, 2))
    assert {each.language for each in voters} == {""}
    assert state.add_clips(clips(state, 1, 4)) == []
    ready = [spoken for each in voters for spoken in state.add_language_vote(each, {"pt": 1.0})]
    assert indices_and_languages(ready) == [(index, "pt") for index in range(5)]
    ready += state.add_clips(clips(state, 15, 5))
    assert indices_and_languages(ready) == [(index, "pt") for index in range(20)]
    for each in ready:
        state.add_result(clip_result(each))
    late = state.set_prepared(PREPARED)
    assert not {each.index for each in late} & {each.index for each in voters}
    assert not state.is_complete
    assert [state.add_language_vote(each, {"pt": 0.8, "en": 0.2}) for each in late] == [[]] * len(late)
    assert state.is_complete
    assert state.language.code == "pt"


@pytest.mark.usefixtures("early")
@pytest.mark.parametrize("sequential", [False, True], ids=["in batches", "in sequence"])
def test_a_wrong_guess_is_corrected(recording: Recording, sequential: bool) -> None:
    """All clips are recognized again in the right language; pending results in the wrong one are ignored."""
    state = recording(VOTED.model_copy(update={"sequential": sequential}))
    wrong = [spoken for each in state.add_clips(clips(state, 4)) for spoken in state.add_language_vote(each, {"pt": 1.0})]
    assert {each.language for each in wrong} == {"pt"}
    state.add_clips(clips(state, 16, 4))
    state.add_result(clip_result(wrong[0]))
    late = state.set_prepared(PREPARED)
    ready = [spoken for each in late for spoken in state.add_language_vote(each, {"en": 1.0})]
    assert ready
    for each in wrong[1:]:
        assert state.add_result(clip_result(each)) == []
    while ready:
        assert not state.is_complete
        assert {each.language for each in ready} == {"en"}
        ready = [following for each in ready for following in state.add_result(clip_result(each))]
    assert state.is_complete
    assert state.language.code == "en"
    assert sorted(result.clip.index for result in state.results) == list(range(20))


def test_a_sequential_recording_is_recognized_clip_by_clip(recording: Recording) -> None:
    """Each clip has the tokens of the text before it."""
    state = recording(GIVEN.model_copy(update={"sequential": True}))
    [first] = state.add_clips(clips(state, 2))
    assert state.add_clips(clips(state, 1, 2)) == []
    state.set_prepared(PREPARED)
    read = [first]
    for number in range(3):
        result = replace(clip_result(read[-1]), attempt=replace(attempt(), tokens=(number,)))
        read += state.add_result(result)
    assert [(each.index, each.previous_tokens) for each in read] == [(0, ()), (1, (0,)), (2, (1,))]
    assert state.is_complete


def test_every_clip_of_a_multilingual_recording_has_its_own_language(recording: Recording) -> None:
    """It is detected for each clip. The recording has the most spoken language; clips without words do not count."""
    state = recording(MIXED)
    found = state.add_clips(clips(state, 4))
    assert indices_and_languages(found) == [(index, "") for index in range(4)]
    for each, code in zip(found, ("pt", "en", "pt", "fr"), strict=True):
        [spoken] = state.add_language_vote(each, {code: 0.9})
        assert spoken.language == code
        state.add_result(clip_result(spoken) if code != "fr" else replace(clip_result(spoken), words=()))
    assert state.set_prepared(PREPARED) == []
    assert (state.language.code, state.language.probability) == ("pt", pytest.approx(2 / 3))


def test_a_recording_without_speech_has_no_language(recording: Recording) -> None:
    """Even if one was given."""
    for spec in (GIVEN, VOTED, MIXED):
        state = recording(spec)
        assert not state.is_complete
        assert state.set_prepared(PREPARED) == []
        assert state.is_complete
        assert state.language.code == "und"


def test_a_recording_is_complete_when_all_is_decoded_and_recognized(recording: Recording) -> None:
    """In either order."""
    state = recording(GIVEN)
    first, second = state.add_clips(clips(state, 2))
    state.add_result(clip_result(second))
    state.set_prepared(PREPARED)
    assert not state.is_complete
    assert (state.releasable_seconds, state.speech_seconds) == (10.0, 20.0)
    state.add_result(clip_result(first))
    assert state.is_complete
    assert state.releasable_seconds == state.speech_seconds


def test_a_recording_waits_for_second_attempts(recording: Recording) -> None:
    """They are in the language of the clip; whatever their result, the recording is complete afterwards."""
    state = recording(GIVEN)
    [each] = state.add_clips(clips(state, 1))
    state.set_prepared(PREPARED)
    rescued = state.add_result(clip_result(each, (0.0, 2.0), (8.0, 10.0)))
    assert [(part.index, part.part, part.language) for part in rescued] == [(0, 1, "pt")]
    assert not state.is_complete
    assert state.releasable_seconds == 10.0
    assert state.add_result(ClipResult(rescued[0], attempt())) == []
    assert state.is_complete


@pytest.fixture
def checkpoint(job: Callable[[JobSpec], Job], tmp_path: Path) -> Callable[[JobSpec], Checkpoint]:
    """Opens the checkpoint of the recording, as each run does."""
    return lambda spec: Checkpoints(tmp_path / "state").open(job(spec), job(spec).recording)


@pytest.mark.parametrize("spec", [GIVEN, VOTED, MIXED], ids=["given", "voted", "mixed"])
def test_results_of_an_earlier_run_are_used(
    recording: Recording, checkpoint: Callable[[JobSpec], Checkpoint], spec: JobSpec
) -> None:
    """Including second attempts; only the other clips go to the recognizer."""

    def start() -> tuple[RecordingState, list[Clip]]:
        state = recording(spec, checkpoint(spec))
        ready = state.add_clips(clips(state, 8))
        ready += state.set_prepared(PREPARED)
        if spec is not GIVEN:
            ready = [spoken for each in ready for spoken in state.add_language_vote(each, {"pt": 1.0})]
        return state, ready

    earlier, ready = start()
    for each in ready[:6]:
        for rescued in earlier.add_result(clip_result(each, (each.start, each.start + 2.0), (each.end - 2.0, each.end))):
            earlier.add_result(ClipResult(rescued, attempt()))
    earlier.close()
    later, ready = start()
    assert indices_and_languages(ready) == [(6, "pt"), (7, "pt")]
    assert later.releasable_seconds == 60.0
    assert later.resumed_seconds == 60.0
    for each in ready:
        later.add_result(clip_result(each))
    assert later.is_complete
    assert len(later.results) == 8 + 6
    later.close()
