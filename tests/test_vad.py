"""Where there is speech, and how it is packed into clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import spoken
from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import CLIP_SAMPLES, WINDOW_SAMPLES, Region, SpeechDetector, pack, speech_regions


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Waveform:
    """Two seconds of silence, speech of about seven seconds, three seconds of silence."""
    folder = tmp_path_factory.mktemp("vad")
    (folder / "a.wav").write_bytes(spoken())
    with Decoder(scratch=folder) as decoder, decoder.decode(folder / "a.wav") as spoken_part:
        samples = spoken_part.read(0, spoken_part.samples)
    return Waveform.from_samples(np.concatenate([np.zeros(2 * SAMPLE_RATE), samples, np.zeros(3 * SAMPLE_RATE)]), folder)


@pytest.mark.parametrize("windows", [7, 100, 1024])
def test_probabilities_do_not_depend_on_the_block_size(speech: Waveform, windows: int) -> None:
    """State is carried from block to block."""
    detector = SpeechDetector()
    whole = detector.probabilities(speech.blocks(speech.samples // WINDOW_SAMPLES * WINDOW_SAMPLES))
    assert np.array_equal(detector.probabilities(speech.blocks(windows * WINDOW_SAMPLES)), whole)


def test_speech_between_silences_is_found(speech: Waveform) -> None:
    """The region begins and ends within the padding of where the voice does."""
    spec = JobSpec()
    probabilities = SpeechDetector().probabilities(speech.blocks(WINDOW_SAMPLES * 64))
    regions = speech_regions(probabilities, speech.samples, spec)
    assert regions[0].start / SAMPLE_RATE == pytest.approx(2.0 - spec.vad_speech_pad_ms / 1000, abs=0.2)
    assert regions[-1].end / SAMPLE_RATE == pytest.approx(speech.seconds - 3.0 + spec.vad_speech_pad_ms / 1000, abs=0.5)


def test_without_vad_everything_is_one_region(speech: Waveform) -> None:
    """`--no-vad-filter` recognizes silence too."""
    probabilities = SpeechDetector().probabilities(speech.blocks(WINDOW_SAMPLES * 64))
    assert speech_regions(probabilities, speech.samples, JobSpec(vad_filter=False)) == [Region(0, speech.samples)]


def test_nothing_is_found_in_silence_and_in_nothing(tmp_path: Path) -> None:
    """No speech, no clips; also for a waveform without samples."""
    for seconds in (0, 5):
        waveform = Waveform.from_samples(np.zeros(seconds * SAMPLE_RATE), tmp_path)
        probabilities = SpeechDetector().probabilities(waveform.blocks(WINDOW_SAMPLES * 64))
        assert pack(speech_regions(probabilities, waveform.samples, JobSpec()), probabilities) == []


@given(st.lists(st.floats(0, 1), max_size=3000), st.integers(0, 2000), st.integers(0, 1500), st.floats(0.05, 0.95))
def test_regions_are_in_order_and_never_overlap(values: list[float], silence: int, pad: int, threshold: float) -> None:
    """Whatever the probabilities and thresholds: regions lie inside the waveform, one after the other, and clips are short enough."""
    spec = JobSpec(vad_threshold=threshold, vad_min_silence_duration_ms=silence, vad_speech_pad_ms=pad)
    probabilities = np.array(values, np.float32)
    samples = len(values) * WINDOW_SAMPLES - (WINDOW_SAMPLES // 2 if values else 0)
    regions = speech_regions(probabilities, samples, spec)
    edges = [edge for region in regions for edge in (region.start, region.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= samples for edge in edges)
    groups = pack(regions, probabilities)
    assert all(group[-1].end - group[0].start <= CLIP_SAMPLES for group in groups)
    assert sum(piece.end - piece.start for group in groups for piece in group) == sum(r.end - r.start for r in regions)


def test_a_long_region_is_cut_where_speech_is_least_probable() -> None:
    """A cut in the middle of a word would lose it."""
    probabilities = np.ones(2000, np.float32)
    probabilities[700] = 0.6
    first, second = (group[0] for group in pack([Region(0, 1400 * WINDOW_SAMPLES)], probabilities))
    assert first.end == second.start == 700 * WINDOW_SAMPLES + WINDOW_SAMPLES // 2
