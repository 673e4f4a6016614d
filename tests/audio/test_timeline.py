"""Times in the waveform match those in a player."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.audio.media import Track, encode
from tests.audio.test_decoding import pitch, rms
from transcribe_cli.audio import Decoder


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.ts", "a.mov", "a.flv"])
def test_audio_that_starts_late_in_a_video_starts_late_in_the_waveform(name: str, decoder: Decoder, tmp_path: Path) -> None:
    """Two seconds of video before the first word."""
    codec = Track("libopus", 48_000, start=2.0) if name == "a.webm" else Track("libmp3lame", start=2.0)
    path = encode(tmp_path / name, codec, video_seconds=6.0)
    with decoder.decode(path) as waveform:
        assert waveform.damage.filled_seconds == pytest.approx(2.0, abs=0.12)
        assert rms(waveform, 0, 1.8) < 1e-3
        assert pitch(waveform, 2.5, 4.5) == pytest.approx(440, abs=2)
        assert waveform.seconds == pytest.approx(5.0, abs=0.2)
        assert not waveform.damage.damaged


@pytest.mark.parametrize("name", ["a.webm", "a.mkv", "a.mp4"])
def test_a_pause_is_silence_and_not_a_cut(name: str, decoder: Decoder, tmp_path: Path) -> None:
    """Packets from 2 s to 4 s never arrived, as in a call with a bad connection."""
    track = Track("libopus", 48_000, seconds=6.0, lost=((2.0, 4.0),))
    with decoder.decode(encode(tmp_path / name, track, video_seconds=6.0)) as waveform:
        assert waveform.seconds == pytest.approx(6.0, abs=0.1)
        assert waveform.damage.filled_seconds == pytest.approx(2.0, abs=0.1)
        assert rms(waveform, 2.2, 3.8) < 1e-3
        assert pitch(waveform, 4.2, 5.8) == pytest.approx(440, abs=2)
        assert not waveform.damage.damaged


def test_several_pauses_do_not_add_up_to_a_drift(decoder: Decoder, tmp_path: Path) -> None:
    """Ten gaps of 0.3 s; the last word is still at the right time."""
    lost = tuple((begin + 0.5, begin + 0.8) for begin in range(1, 11))
    track = Track("libopus", 48_000, seconds=12.0, lost=lost)
    with decoder.decode(encode(tmp_path / "a.webm", track)) as waveform:
        assert waveform.seconds == pytest.approx(12.0, abs=0.05)
        assert waveform.damage.filled_seconds == pytest.approx(3.0, abs=0.3)


def test_a_short_gap_is_not_filled(decoder: Decoder, tmp_path: Path) -> None:
    """Gaps under a tenth of a second are ignored: codecs conceal them, and clocks jitter as much."""
    track = Track("libopus", 48_000, seconds=4.0, lost=((2.0, 2.05),))
    with decoder.decode(encode(tmp_path / "a.webm", track)) as waveform:
        assert waveform.damage.filled_seconds == 0


def test_a_file_with_one_track_starts_at_once(decoder: Decoder, tmp_path: Path) -> None:
    """If the only track of a container starts at 3 s, no silence is inserted before it."""
    with decoder.decode(encode(tmp_path / "a.mka", Track("libopus", 48_000, start=3.0))) as waveform:
        assert waveform.seconds == pytest.approx(3.0, abs=0.1)
        assert waveform.damage.filled_seconds == 0


def test_a_forged_timestamp_cannot_produce_hours_of_silence(decoder: Decoder, tmp_path: Path) -> None:
    """A small WebM whose duration and last cluster claim nine hours: its audio is decoded, nothing is filled."""
    path = encode(tmp_path / "a.webm", Track("libopus", 48_000, seconds=12.0))
    data = bytearray(path.read_bytes())
    last = data.rfind(b"\x1f\x43\xb6\x75")  # the last cluster: id, size in three bytes, then its time in milliseconds
    assert (data[last + 4] & 0xE0, data[last + 7 : last + 9]) == (0x20, b"\xe7\x82")
    size = int.from_bytes(data[last + 4 : last + 7], "big") + 2
    data[last + 4 : last + 11] = size.to_bytes(3, "big") + b"\xe7\x84" + (9 * 3_600_000).to_bytes(4, "big")
    duration = data.index(b"\x44\x89\x88")  # of the whole, in milliseconds
    data[duration + 3 : duration + 11] = struct.pack(">d", 9 * 3_600_000.0)
    path.write_bytes(bytes(data))
    assert decoder.probe(path).duration == 9 * 3600
    with decoder.decode(path) as waveform:
        assert waveform.seconds == pytest.approx(12.0, abs=0.1)
        assert waveform.damage.filled_seconds == 0
        assert waveform.damage.reached_seconds < 13
