"""A waveform can be read in any slices until it is closed."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audio.media import tone
from transcribe_cli.audio import Waveform, scratch

FIXTURE_IS_A_FOLDER = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@FIXTURE_IS_A_FOLDER
@given(length=st.integers(0, 500), start=st.integers(-600, 600), stop=st.integers(-600, 1200), block=st.integers(1, 600))
def test_any_slice_has_the_written_samples(length: int, start: int, stop: int, block: int, tmp_path: Path) -> None:
    """Bounds outside are clamped; the joined blocks are the whole waveform."""
    samples = (np.arange(length) * 131 - 32_768).astype(np.int16)
    with Waveform.from_samples(samples, tmp_path) as waveform:
        low, high = np.clip([start, stop], 0, length)
        part = waveform.read(start, stop)
        assert part.dtype == np.float32
        assert np.array_equal(part * 32_768, samples[low : max(low, high)])
        blocks = list(waveform.blocks(block))
        assert all(len(each) == block for each in blocks[:-1])
        assert sum(map(len, blocks)) == waveform.samples == length
        assert np.array_equal(np.concatenate([np.zeros(0), *blocks]) * 32_768, samples)


def test_floating_point_samples_are_rounded_and_clipped(tmp_path: Path) -> None:
    """[-1, 1) maps to the range of int16, and values outside are clipped."""
    with Waveform.from_samples(np.array([-2.0, -1.0, 0.0, 0.5, 0.99999, 2.0]), tmp_path) as waveform:
        assert (waveform.read(0, 6) * 32_768).tolist() == [-32_768, -32_768, 0, 16_384, 32_767, 32_767]


def test_a_slice_is_a_copy_that_outlives_the_waveform(tmp_path: Path) -> None:
    """Slices do not reference the scratch file."""
    waveform = Waveform.from_samples(tone(1.0), tmp_path)
    part = waveform.read(0, 100)
    waveform.close()
    part[0] = 1
    assert part[1] != 1


def test_closing_removes_the_scratch_file_once(tmp_path: Path) -> None:
    """Closing twice is allowed; reading afterwards is an error."""
    waveform = Waveform.from_samples(tone(1.0), tmp_path)
    assert waveform.path.stat().st_mode & 0o777 == 0o600
    waveform.close()
    waveform.close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="closed"):
        waveform.read(0, 1)


def test_a_garbage_collected_waveform_leaves_nothing_behind(tmp_path: Path) -> None:
    """The finalizer does what `close` does."""
    Waveform.from_samples(tone(0.1), tmp_path)
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_removing_a_scratch_file_twice_closes_no_other_file(tmp_path: Path) -> None:
    """Its descriptor may belong to another file by then."""
    file = scratch.create(tmp_path)
    file.remove()
    with (tmp_path / "other").open("wb") as other:
        file.remove()
        other.write(b"whole")  # at the end of the block it goes to the descriptor
    assert (tmp_path / "other").read_bytes() == b"whole"
