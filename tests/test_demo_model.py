"""The bundled demo model reads sentences and voices that it never heard, as well as docs/demo-model.md says."""

import ctypes.util
import random
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.transcribe import Segment

from tests.fresh_process import in_fresh_process

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "src" / "transcribe_cli" / "demo" / "recognizer"
sys.path.insert(0, str(ROOT / "tools"))

from demo_model import evaluate  # noqa: E402  (lives in tools/, which is no package of ours)
from demo_model.corpus import GRAMMARS, sentence  # noqa: E402
from demo_model.speech import HELD_OUT_VARIANTS, SAMPLE_RATE, TRAINING_VARIANTS  # noqa: E402

MEBIBYTE = 2**20
# The aims for a lecture by one voice, with room for single clips, of which there are few here; among many voices, what the shipped
# model reaches: a guard against a worse one. docs/demo-model.md has the figures of longer samples.
CLIP_ERRORS = 0.04
LECTURE_ERRORS = 0.05
MANY_VOICES_ERRORS = 0.12
LANGUAGES_RIGHT = 0.95
START_ERROR = 0.2  # seconds

needs_speech = pytest.mark.skipif(ctypes.util.find_library("espeak-ng") is None, reason="needs libespeak-ng1 to make recordings")


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    """The shipped model, loaded as any other. Tests that count errors draw no samples, so that they count the same always."""
    ctranslate2.set_random_seed(0)
    return WhisperModel(str(FOLDER), device="cpu", compute_type="int8", cpu_threads=2)


@pytest.fixture(scope="module")
def lecture() -> evaluate.Lecture:
    """A minute and a half of held-out sentences by a held-out voice."""
    return in_fresh_process(evaluate.lecture, 90, gaps=(0.2, 1.0), seed=3, variant="adam")


@pytest.fixture(scope="module")
def read(model: WhisperModel, lecture: evaluate.Lecture) -> list[Segment]:
    """The lecture read window after window."""
    segments, _ = model.transcribe(lecture.samples, beam_size=1, temperature=0, condition_on_previous_text=False)
    return list(segments)


@needs_speech
def test_single_sentences_are_mostly_read_and_in_their_language(model: WhisperModel) -> None:
    """Sixty clips in three languages."""
    clips = in_fresh_process(evaluate.single_clips, 60, seed=12)
    heard, right = [], 0
    for clip in clips:
        segments, info = model.transcribe(clip.samples, beam_size=1, temperature=0)
        heard.append(evaluate.spoken(segments))
        right += info.language == clip.language
    assert evaluate.word_errors([clip.text for clip in clips], heard) <= CLIP_ERRORS
    assert right / len(clips) >= LANGUAGES_RIGHT


@needs_speech
def test_a_lecture_is_read_window_after_window(lecture: evaluate.Lecture, read: list[Segment]) -> None:
    """Each window starts where the last one ended."""
    assert evaluate.word_errors([lecture.text], [evaluate.spoken(read)]) <= LECTURE_ERRORS


@needs_speech
@pytest.mark.parametrize("vad", [False, True])
def test_a_lecture_is_read_with_the_text_before_each_window(model: WhisperModel, lecture: evaluate.Lecture, vad: bool) -> None:
    """As faster-whisper does unless told otherwise; among many voices the model still loses its place then."""
    segments, _ = model.transcribe(lecture.samples, temperature=0, vad_filter=vad)
    assert evaluate.word_errors([lecture.text], [evaluate.spoken(segments)]) <= LECTURE_ERRORS


@needs_speech
@pytest.mark.parametrize("without_timestamps", [True, False])
def test_a_lecture_is_read_in_batches(model: WhisperModel, lecture: evaluate.Lecture, without_timestamps: bool) -> None:
    """Clips full of sentences are read at once."""
    segments, _ = BatchedInferencePipeline(model).transcribe(
        lecture.samples, beam_size=1, temperature=0, batch_size=4, without_timestamps=without_timestamps
    )
    assert evaluate.word_errors([lecture.text], [evaluate.spoken(segments)]) <= LECTURE_ERRORS


@needs_speech
@pytest.mark.parametrize("gaps", [(0.0, 0.3), (0.2, 1.2)])
def test_many_voices_are_read(model: WhisperModel, gaps: tuple[float, float]) -> None:
    """Another voice for every sentence, also without pauses, where small models leave sentences out."""
    talk = in_fresh_process(evaluate.lecture, 60, gaps=gaps, seed=7)
    segments, _ = BatchedInferencePipeline(model).transcribe(talk.samples, temperature=0, batch_size=4)
    assert evaluate.word_errors([talk.text], [evaluate.spoken(segments)]) <= MANY_VOICES_ERRORS


@needs_speech
def test_segments_start_where_sentences_start(lecture: evaluate.Lecture, read: list[Segment]) -> None:
    """Half of the sentences have a segment that starts near them."""
    assert statistics.median(evaluate.start_errors(read, lecture.starts)) <= START_ERROR


@needs_speech
def test_words_come_in_order_and_inside_their_segment(model: WhisperModel, lecture: evaluate.Lecture) -> None:
    """In batches word times never go back and never leave their segment; docs/demo-model.md says where they do."""
    batched = BatchedInferencePipeline(model)
    found, _ = batched.transcribe(lecture.samples, batch_size=4, beam_size=1, without_timestamps=False, word_timestamps=True)
    segments = list(found)
    assert all(segment.words for segment in segments)
    assert evaluate.words_in_order(segments)


def _speechless() -> Iterator[tuple[str, np.ndarray]]:
    yield from evaluate.speechless(seconds=10).items()


@pytest.mark.parametrize(("name", "samples"), [pytest.param(*pair, id=pair[0]) for pair in _speechless()])
def test_nothing_is_said_over_silence_and_noise(model: WhisperModel, name: str, samples: np.ndarray) -> None:
    """No words come out of silence and noise, neither by default nor with a voice detector nor in batches without one."""
    whole = [{"start": 0.0, "end": len(samples) / SAMPLE_RATE}]
    batched = BatchedInferencePipeline(model)
    assert evaluate.spoken(model.transcribe(samples)[0]) == ""
    assert evaluate.spoken(model.transcribe(samples, vad_filter=True)[0]) == ""
    for beams in (1, 5):
        assert (
            evaluate.spoken(batched.transcribe(samples, vad_filter=False, clip_timestamps=whole, beam_size=beams)[0]).strip()
            == ""
        )


def test_the_model_stays_small_enough_to_ship() -> None:
    """At most 12 MiB on disk and 4 MiB in a wheel."""
    raw, zipped = evaluate.sizes(FOLDER)
    assert raw <= 12 * MEBIBYTE
    assert zipped <= 4 * MEBIBYTE


def test_evaluation_keeps_away_from_what_was_trained() -> None:
    """No held-out voice was trained with, and held-out sentences are never drawn for training."""
    assert not set(HELD_OUT_VARIANTS) & set(TRAINING_VARIANTS)
    rng = random.Random(0)
    drawn = {sentence("pt", rng) for _ in range(2000)}
    kept = {sentence("pt", rng, held_out=True) for _ in range(2000)}
    fixed = {phrase for phrase in GRAMMARS["pt"].phrases if "{n}" not in phrase}
    assert drawn & kept <= fixed
