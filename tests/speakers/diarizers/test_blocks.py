"""Long recordings are diarized in blocks, whose speakers are linked by voice."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from tests.speakers.diarizers.conftest import Score, held_out
from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.speakers.diarizers.blocks import BlockSpeaker, link_speakers, mean_embeddings, split_blocks, unit_vector
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer


def voice(block: int, degrees: float | None, seconds: float = 10) -> BlockSpeaker:
    """A speaker whose embedding has this angle in a plane."""
    angle = np.radians(degrees) if degrees is not None else 0
    vector = None if degrees is None else np.array([np.cos(angle), np.sin(angle)], np.float32)
    return BlockSpeaker(block, seconds, vector)


def test_a_short_recording_is_one_block(waveform_of: Callable[..., Waveform]) -> None:
    assert split_blocks(waveform_of(np.zeros(0)), 10) == []
    assert split_blocks(waveform_of(np.zeros(15 * SAMPLE_RATE)), 10) == [(0, 15 * SAMPLE_RATE)]


@pytest.mark.parametrize("seconds", [16, 20, 61, 200])
def test_blocks_cover_a_long_recording_with_about_the_requested_length(
    waveform_of: Callable[..., Waveform], seconds: int
) -> None:
    samples = np.random.default_rng(0).standard_normal(seconds * SAMPLE_RATE) / 10
    blocks = split_blocks(waveform_of(samples), 10)
    assert blocks[0][0] == 0
    assert blocks[-1][1] == len(samples)
    assert all(stop == start for (_, stop), (start, _) in pairwise(blocks))
    assert all(2 < (stop - start) / SAMPLE_RATE < 16 for start, stop in blocks)


def test_blocks_start_at_quiet_moments(waveform_of: Callable[..., Waveform]) -> None:
    samples = np.random.default_rng(0).standard_normal(40 * SAMPLE_RATE) / 10
    pause = slice(18 * SAMPLE_RATE, 19 * SAMPLE_RATE)
    samples[pause] = 0
    edges = [stop for _, stop in split_blocks(waveform_of(samples), 20)][:-1]
    assert len(edges) == 1
    assert pause.start < edges[0] < pause.stop


def test_similar_voices_are_one_speaker() -> None:
    voices = [voice(0, 0), voice(0, 90), voice(1, 85), voice(1, 5), voice(2, 180)]
    one, other, second_other, second_one, third = link_speakers(voices)
    assert (one, other) == (second_one, second_other)
    assert len({one, other, third}) == 3


def test_a_voice_split_within_a_block_is_one_speaker() -> None:
    assert len(set(link_speakers([voice(0, 0), voice(0, 10), voice(1, 5)]))) == 1


def test_speaker_counts_override_distances() -> None:
    voices = [voice(0, 0), voice(0, 60), voice(1, 120), voice(1, 240)]
    assert len(set(link_speakers(voices))) == 4
    assert len(set(link_speakers(voices, max_speakers=2))) == 2
    near = [voice(0, 0), voice(0, 5), voice(1, 10)]
    assert len(set(link_speakers(near))) == 1
    assert len(set(link_speakers(near, min_speakers=2))) == 2
    assert len(set(link_speakers(near, min_speakers=9))) == 3


def test_voices_without_an_embedding_add_no_speaker() -> None:
    assert link_speakers([voice(0, 0, 5), voice(0, None), voice(1, 90, 50)]) == [0, 1, 1]
    assert link_speakers([voice(0, None), voice(1, None)]) == [0, 0]
    assert link_speakers([]) == []


def test_mean_embeddings_are_weighted_by_duration() -> None:
    found = mean_embeddings([voice(0, 0, 30), voice(1, 90, 10), voice(1, None)], [0, 0, 1])
    assert list(found) == ["0"]
    assert found["0"] == pytest.approx(np.array([3, 1]) / np.sqrt(10), abs=1e-6)


def test_vectors_without_a_direction_have_no_unit_vector() -> None:
    assert unit_vector(np.zeros(3)) is None
    assert unit_vector(np.full(3, np.nan)) is None
    assert unit_vector(np.array([0.0, 2.0])) == pytest.approx([0, 1])


@pytest.mark.parametrize("counts", [{}, {"num_speakers": 3}])
def test_a_conversation_in_blocks_keeps_its_speakers(
    demo: PyannoteDiarizer, score: Callable[..., Score], counts: dict[str, int]
) -> None:
    in_blocks = PyannoteDiarizer(demo._pipeline, "demo", "cpu", block_seconds=60)
    found = score(in_blocks, held_out(3, 120, 0), **counts)
    assert found.speakers == 3
    assert found.error_rate < 0.15


def test_progress_goes_through_all_blocks(demo: PyannoteDiarizer, waveform_of: Callable[..., Waveform]) -> None:
    from transcribe_cli.spec import JobSpec

    progress: list[float] = []
    in_blocks = PyannoteDiarizer(demo._pipeline, "demo", "cpu", block_seconds=20)
    in_blocks.diarize(waveform_of(held_out(2, 60, 0).samples), JobSpec(diarize=True), progress.append)
    assert progress == sorted(progress)
    assert any(0.35 < share < 0.6 for share in progress)
    assert progress[-1] == 1
