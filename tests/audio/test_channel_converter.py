"""Separate channels: each equals the channel of the file, without leakage between channels."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.audio.media import Track, encode, tone
from transcribe_cli.audio import SAMPLE_RATE, Decoder, Limits
from transcribe_cli.audio.channel_converter import MAX_CHANNELS
from transcribe_cli.errors import TooLong, TooManyChannels


def recorded(path: Path, *channels: NDArray[np.int16], rate: int = SAMPLE_RATE) -> Path:
    """A WAV with these channels, (samples,) each."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.stack(channels, axis=1).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("count", [2, 3, 6, 8, MAX_CHANNELS])
def test_every_channel_is_unchanged(decoder: Decoder, tmp_path: Path, count: int) -> None:
    """Sample-exact at 16 kHz; no channel of three microphones is treated as a subwoofer."""
    channels = [tone(2.0, hz=200.0 * (number + 1)) for number in range(count)]
    with decoder.decode(recorded(tmp_path / "a.wav", *channels), split=True) as waveform:
        assert (waveform.channels, waveform.samples, waveform.seconds) == (count, 2 * SAMPLE_RATE, 2.0)
        for number, channel in enumerate(channels):
            found = waveform.read(100, 30_000, number)
            assert np.array_equal(np.rint(found * 32_768), channel[100:30_000])
        assert waveform.read_channels(0, 10).shape == (10, count)
        assert np.allclose(waveform.read(0, 999), np.mean(channels, axis=0)[:999] / 32_768, atol=1e-6)


def test_resampling_mixes_nothing(decoder: Decoder, tmp_path: Path) -> None:
    """A silent channel stays silent next to a loud one."""
    loud = tone(3.0, 44_100)
    with decoder.decode(recorded(tmp_path / "a.wav", loud, loud * 0, rate=44_100), split=True) as waveform:
        assert abs(waveform.read(0, waveform.samples, 0)).max() > 0.2
        assert not waveform.read(0, waveform.samples, 1).any()


def test_mono_has_one_channel(decoder: Decoder, tmp_path: Path) -> None:
    """`split` makes no difference for a mono file; a stereo file is mixed by default."""
    path = recorded(tmp_path / "a.wav", tone(1.0))
    with decoder.decode(path, split=True) as split, decoder.decode(path) as mixed:
        assert split.channels == mixed.channels == 1
        assert np.array_equal(split.read(0, 16_000, 0), mixed.read(0, 16_000))
    with decoder.decode(recorded(tmp_path / "b.wav", tone(1.0), tone(1.0))) as waveform:
        assert (waveform.channels, waveform.samples) == (1, SAMPLE_RATE)


@pytest.mark.parametrize(("ending", "codec"), [("m4a", "aac"), ("mp3", "libmp3lame"), ("opus", "libopus"), ("flac", "flac")])
def test_codecs_keep_their_channels(decoder: Decoder, tmp_path: Path, ending: str, codec: str) -> None:
    """With any sample format and rate."""
    path = encode(tmp_path / f"a.{ending}", Track(codec, 48_000, "stereo"))
    with decoder.decode(path, split=True) as waveform:
        assert waveform.channels == 2
        assert waveform.seconds == pytest.approx(3.0, abs=0.1)
        assert abs(waveform.read(0, waveform.samples, 1)).max() > 0.15


def test_gaps_are_filled_in_every_channel(decoder: Decoder, tmp_path: Path) -> None:
    """Silence replaces lost packets, so that times match those in a player."""
    path = encode(tmp_path / "a.mkv", Track("libopus", 48_000, "stereo", seconds=4.0, lost=((1.0, 3.0),)))
    with decoder.decode(path, split=True) as waveform:
        assert waveform.seconds == pytest.approx(4.0, abs=0.1)
        assert waveform.damage.filled_seconds == pytest.approx(2.0, abs=0.1)
        for channel in range(2):
            assert not waveform.read(int(1.3 * SAMPLE_RATE), int(2.7 * SAMPLE_RATE), channel).any()
            assert waveform.read(int(3.3 * SAMPLE_RATE), int(3.9 * SAMPLE_RATE), channel).any()


def test_too_many_channels_are_refused(decoder: Decoder, tmp_path: Path) -> None:
    """With a one-line error; without `split` the file is decoded."""
    path = recorded(tmp_path / "a.wav", *[tone(0.5)] * (MAX_CHANNELS + 1))
    with pytest.raises(
        TooManyChannels, match=r"a\.wav has 17 channels; at most 16 can be transcribed separately\. Use `--channels mix`\."
    ):
        decoder.decode(path, split=True)
    decoder.decode(path).close()


def test_duration_limits_do_not_depend_on_channels(tmp_path: Path) -> None:
    """Sixteen channels of the maximum duration fit; a longer recording is refused with any number of channels."""
    with Decoder(scratch=tmp_path, limits=Limits(max_seconds=100.0)) as decoder:
        decoder.decode(recorded(tmp_path / "a.wav", *[tone(99.0)] * MAX_CHANNELS), split=True).close()
        with pytest.raises(TooLong):
            decoder.decode(recorded(tmp_path / "b.wav", tone(101.0), tone(101.0)), split=True)
