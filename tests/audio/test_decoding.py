"""Every format becomes the same 16 kHz mono waveform."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests.audio.conftest import child_of
from tests.audio.media import Track, encode, tone, wav
from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform

FORMATS = {
    "pcm.wav": Track("pcm_s16le"),
    "pcm24.wav": Track("pcm_s24le", 48_000, "stereo"),
    "float.wav": Track("pcm_f32le"),
    "telephone.wav": Track("pcm_alaw", 8_000),
    "telephone-us.wav": Track("pcm_mulaw", 8_000),
    "ima.wav": Track("adpcm_ima_wav"),
    "ms.wav": Track("adpcm_ms", 22_050),
    "96k.wav": Track("pcm_s16le", 96_000, "stereo"),
    "a.w64": Track("pcm_s16le"),
    "a.aiff": Track("pcm_s16be"),
    "a.au": Track("pcm_s16be"),
    "a.caf": Track("pcm_s16be"),
    "cbr.mp3": Track("libmp3lame", 44_100, "stereo"),
    "low.mp3": Track("libmp3lame", 22_050),
    "a.mp2": Track("mp2"),
    "a.aac": Track("aac"),
    "a.m4a": Track("aac", 48_000, "stereo"),
    "alac.m4a": Track("alac"),
    "a.mov": Track("aac"),
    "a.mp4": Track("libmp3lame"),
    "a.mka": Track("aac"),
    "a.webm": Track("libopus", 48_000),
    "a.mkv": Track("flac"),
    "a.ogg": Track("vorbis", options={"strict": "experimental"}, layout="stereo"),
    "a.opus": Track("libopus", 48_000, "stereo"),
    "a.flac": Track("flac"),
    "a.ac3": Track("ac3", 48_000, "5.1"),
    "a.eac3": Track("eac3", 48_000),
    "a.wma": Track("wmav2", options={"b": "128k"}),
    "a.avi": Track("libmp3lame"),
    "a.flv": Track("aac"),
    "a.ts": Track("aac"),
    "a.mpg": Track("mp2", 48_000),
    "a.nut": Track("libmp3lame"),
    "a.wv": Track("wavpack"),
    "a.tta": Track("tta"),
    "a.amr": Track("libopencore_amrnb", 8_000),
    "a.3gp": Track("libopencore_amrnb", 8_000),
    "a.g722": Track("g722", 16_000),
}


def rms(waveform: Waveform, begin: float, end: float) -> float:
    """Loudness between two seconds."""
    return float(np.sqrt(np.mean(waveform.read(round(begin * SAMPLE_RATE), round(end * SAMPLE_RATE)) ** 2)))


def pitch(waveform: Waveform, begin: float, end: float) -> float:
    """The strongest frequency between two seconds, in Hz."""
    samples = waveform.read(round(begin * SAMPLE_RATE), round(end * SAMPLE_RATE))
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * SAMPLE_RATE / len(samples))


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_recording_is_as_long_as_ffmpeg_makes_it(name: str, decoder: Decoder, tmp_path: Path) -> None:
    """Nothing is filled, skipped or called truncated in an ordinary file, and the length agrees within 5 ms."""
    path = encode(tmp_path / name, FORMATS[name], format="mpeg" if name.endswith("mpg") else None)
    with decoder.decode(path) as waveform:
        assert waveform.seconds == pytest.approx(3.0, abs=0.12)
        assert pitch(waveform, 0.5, 2.5) == pytest.approx(440, abs=2)
        assert waveform.decoder == "pyav"
        assert waveform.damage.packets > 0
        assert waveform.damage.skipped_packets == 0
        assert waveform.damage.filled_seconds == 0
        assert not waveform.damage.damaged
        if shutil.which("ffmpeg"):
            command = ["ffmpeg", "-v", "error", "-i", f"file:{path}", "-ac", "1", "-ar", "16000", "-f", "s16le", "-"]
            reference = len(subprocess.run(command, check=True, capture_output=True).stdout) // 2
            priming = 0.024 if path.suffix == ".mka" else 0.0  # of AAC in Matroska, which Debian's FFmpeg 5.1 does not trim
            assert waveform.samples == pytest.approx(reference, abs=(0.005 + priming) * SAMPLE_RATE)


def test_16_khz_mono_pcm_comes_through_unchanged(decoder: Decoder, tmp_path: Path) -> None:
    """Audio in the target format is not changed by mixing or resampling."""
    samples = tone(1.0)
    with decoder.decode(wav(tmp_path / "a.wav", samples)) as waveform:
        assert np.array_equal(waveform.read(0, waveform.samples) * 32_768, samples)


def test_eight_bits_at_8_khz_become_the_same_tone(decoder: Decoder, tmp_path: Path) -> None:
    """Telephone quality: unsigned bytes around 128."""
    samples = (tone(1.0, 8_000) // 256 + 128).astype(np.uint8)
    with decoder.decode(wav(tmp_path / "a.wav", samples, 8_000)) as waveform:
        assert waveform.samples == SAMPLE_RATE
        assert pitch(waveform, 0, 1) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("rate", [4_000, 11_025, 32_000, 192_000])
def test_any_sample_rate_keeps_length_and_pitch(rate: int, decoder: Decoder, tmp_path: Path) -> None:
    """From old recorders to studio masters."""
    with decoder.decode(wav(tmp_path / "a.wav", tone(1.0, rate), rate)) as waveform:
        assert waveform.samples == pytest.approx(SAMPLE_RATE, abs=2)
        assert pitch(waveform, 0, 1) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("channels", [2, 3, 4, 6, 12, 24, 64])
def test_every_channel_of_a_recorder_is_mixed_in(channels: int, decoder: Decoder, tmp_path: Path) -> None:
    """FFmpeg treats three plain channels as 2.1 and drops the third, which may be a microphone."""
    for speaking in {0, channels // 2, channels - 1}:
        samples = np.zeros((16_000, channels), np.int16)
        samples[:, speaking] = tone(1.0)
        with decoder.decode(wav(tmp_path / "a.wav", samples)) as waveform:
            alone = np.sqrt(np.mean((tone(1.0) / 32_768) ** 2))
            assert rms(waveform, 0, 1) == pytest.approx(alone / channels, rel=0.05)


def test_eight_channels_in_planes_are_averaged(decoder: Decoder, tmp_path: Path) -> None:
    """PyAV 18 counts nine planes in such a frame; reading the ninth crashes."""
    with decoder.decode(encode(tmp_path / "a.m4a", Track("alac", 48_000, "7.1(wide)"))) as waveform:
        assert waveform.seconds == pytest.approx(3.0, abs=0.1)
        assert pitch(waveform, 0.5, 2.5) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("seconds", [1 / 16_000, 1 / 44_100, 0.01, 0.1])
def test_a_very_short_recording_is_a_short_waveform_and_not_an_error(seconds: float, decoder: Decoder, tmp_path: Path) -> None:
    """Down to one sample, also one that is less than a sample at 16 kHz."""
    rate = 44_100 if seconds < 1 / 20_000 else 16_000
    with decoder.decode(wav(tmp_path / "a.wav", np.full(max(1, round(seconds * rate)), 99, np.int16), rate)) as waveform:
        assert waveform.samples == max(1, round(seconds * SAMPLE_RATE))
        assert len(list(waveform.blocks(512))) == -(-waveform.samples // 512)
        assert not waveform.damage.damaged


def test_a_track_is_chosen_by_its_number(decoder: Decoder, tmp_path: Path) -> None:
    """Two tracks of different pitch; without a number it is the first."""
    path = encode(tmp_path / "a.mka", Track(hz=440), Track(hz=880))
    for track, hz in ((None, 440), (0, 440), (1, 880)):
        with decoder.decode(path, track=track) as waveform:
            assert pitch(waveform, 0.5, 2.5) == pytest.approx(hz, abs=2)
    assert decoder.probe(path).audio_tracks == 2


def test_a_track_that_appears_midway_does_no_harm(decoder: Decoder, tmp_path: Path) -> None:
    """A broadcast that gets a second language; PyAV may end the demuxing of such a file with an IndexError."""
    one = encode(tmp_path / "1.ts", Track(seconds=8.0))
    two = encode(tmp_path / "2.ts", Track(seconds=8.0), Track(seconds=8.0))
    (tmp_path / "a.ts").write_bytes(one.read_bytes() + two.read_bytes())
    with decoder.decode(tmp_path / "a.ts") as waveform:
        assert waveform.seconds == pytest.approx(16.0, abs=0.5)
        assert pitch(waveform, 9, 15) == pytest.approx(440, abs=2)


def test_a_sample_rate_that_changes_midway_is_followed(decoder: Decoder, tmp_path: Path) -> None:
    """A transport stream of two programmes, one at 48 kHz stereo and one at 24 kHz mono, keeps time and pitch."""
    first = encode(tmp_path / "1.aac", Track("aac", 48_000, "stereo"))
    second = encode(tmp_path / "2.aac", Track("aac", 24_000, "mono", hz=880))
    (tmp_path / "a.aac").write_bytes(first.read_bytes() + second.read_bytes())
    with decoder.decode(tmp_path / "a.aac") as waveform:
        assert waveform.seconds == pytest.approx(6.1, abs=0.15)
        assert pitch(waveform, 1, 2) == pytest.approx(440, abs=2)
        assert pitch(waveform, 4, 5) == pytest.approx(880, abs=2)


def test_a_file_is_recognized_by_its_content_not_its_suffix(decoder: Decoder, tmp_path: Path) -> None:
    """Suffixes can be wrong or missing."""
    path = encode(tmp_path / "a.m4a", Track())
    for name in ("a.gsm", "a.wav", "a", "a.mp3"):
        shutil.copy(path, tmp_path / name)
        with decoder.decode(tmp_path / name) as waveform:
            assert waveform.seconds == pytest.approx(3.0, abs=0.1)


def test_progress_is_reported_at_once_and_during_decoding(decoder: Decoder, tmp_path: Path) -> None:
    """With the growing waveform, which is also the returned one."""
    reported: list[tuple[Waveform, float]] = []
    path = wav(tmp_path / "a.wav", tone(60.0, 48_000), 48_000)
    with decoder.decode(path, on_progress=lambda waveform: reported.append((waveform, waveform.seconds))) as waveform:
        lengths = [seconds for _, seconds in reported]
        assert lengths[0] == 0
        assert lengths == sorted(lengths)
        assert all(growing is waveform for growing, _ in reported)
        assert waveform.seconds == pytest.approx(60.0)


def test_samples_can_be_read_during_decoding(decoder: Decoder, tmp_path: Path) -> None:
    """Recognition starts while the rest is decoded; the samples so far equal those of the final waveform."""
    early: list[np.ndarray] = []

    def read(growing: Waveform) -> None:
        if not any(map(len, early)):  # paused, so that there is progress to report before the end also on a fast machine
            os.kill(child_of(decoder), signal.SIGSTOP)
            time.sleep(0.25)
            os.kill(child_of(decoder), signal.SIGCONT)
        early.append(growing.read(0, growing.samples))

    path = wav(tmp_path / "a.wav", np.tile(tone(1.0, 48_000), 240), 48_000)
    with decoder.decode(path, on_progress=read) as waveform:
        assert 0 < max(map(len, early)) < waveform.samples
        assert all(np.array_equal(part, waveform.read(0, len(part))) for part in early)


def test_a_waveform_that_fails_is_closed(decoder: Decoder, tmp_path: Path) -> None:
    """A later read raises an error."""
    held: list[Waveform] = []

    def fail(growing: Waveform) -> None:
        held.append(growing)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        decoder.decode(wav(tmp_path / "a.wav", tone(1.0)), on_progress=fail)
    with pytest.raises(ValueError, match="closed"):
        held[0].read(0, 1)


def test_a_probe_contains_the_header_values(decoder: Decoder, tmp_path: Path) -> None:
    """Duration, container, codec, rate, channels, tracks, video."""
    path = encode(tmp_path / "a.mp4", Track("aac", 48_000, "stereo"), Track("aac", 22_050), video_seconds=3.0)
    probe = decoder.probe(path)
    assert probe.duration == pytest.approx(3.0, abs=0.1)
    assert (probe.container.split(",")[0], probe.codec, probe.sample_rate, probe.channels) == ("mov", "aac", 48_000, 2)
    assert (probe.audio_tracks, probe.video) == (2, True)
    assert decoder.probe(path, track=1).sample_rate == 22_050
    assert not decoder.probe(wav(tmp_path / "a.wav", tone(1.0))).video


def test_a_stream_without_a_duration_has_none(decoder: Decoder, tmp_path: Path) -> None:
    """Browsers write recordings without knowing the duration."""
    path = encode(tmp_path / "a.webm", Track("libopus", 48_000), options={"live": "1"})
    assert decoder.probe(path).duration is None
    with decoder.decode(path) as waveform:
        assert waveform.seconds == pytest.approx(3.0, abs=0.1)
        assert waveform.damage.header_seconds is None
        assert not waveform.damage.damaged
