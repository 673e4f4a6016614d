"""Channels that would spoil the mix are left out of it, in the part where they do; any other mix is what FFmpeg makes of it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.audio.media import wav
from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.audio.channel_blocks import ChannelBlocks

EXAMPLES = Path(__file__).parents[2] / "examples" / "audio"
Samples = NDArray[np.int16]
SECONDS = 16


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Samples, Samples]:
    """Two people, 16 s each."""
    with Decoder(tmp_path_factory.mktemp("voices"), fallback=False) as decoder:
        return _read(decoder, "talk.ogg"), _read(decoder, "aula.mp3")


def _read(decoder: Decoder, name: str) -> Samples:
    with decoder.decode(EXAMPLES / name) as waveform:
        return (waveform.read(0, SECONDS * SAMPLE_RATE) * 32_767).astype(np.int16)


def noise(level: float, seed: int = 1) -> Samples:
    """White noise of this standard deviation, of full scale."""
    return np.clip(np.random.default_rng(seed).normal(0, 32_768 * level, SECONDS * SAMPLE_RATE), -32_768, 32_767).astype(np.int16)


def hum() -> Samples:
    """Mains hum with two harmonics, louder than speech."""
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    waves = (share * np.sin(2 * np.pi * hertz * time) for hertz, share in ((50, 0.3), (150, 0.15), (250, 0.08)))
    return (8_000 * sum(waves)).astype(np.int16)


def likeness(waveform: Waveform, voice: Samples, begin: float = 0.0, end: float = SECONDS) -> float:
    """The correlation of a stretch with the voice, from -1 to 1."""
    first, last = round(begin * SAMPLE_RATE), round(end * SAMPLE_RATE)
    return float(abs(np.corrcoef(waveform.read(first, last), voice[first:last])[0, 1]))


def ffmpeg_mix(path: Path) -> Samples:
    """What FFmpeg alone makes of it."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        frames = [frame for source in container.decode(audio=0) for frame in resampler.resample(source)]
        return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])


def silent(voice: Samples) -> Samples:
    """A channel without anything."""
    return voice * 0


@pytest.mark.parametrize("kind", ["inverted", "quieter", "with_noise", "with_hum", "other_way_round", "three", "surround"])
def test_channels_of_opposite_polarity_are_not_mixed(
    kind: str, voices: tuple[Samples, Samples], decoder: Decoder, tmp_path: Path
) -> None:
    """One of them is taken, with all that is said in it."""
    voice = voices[0]
    none = silent(voice)
    channels = {
        "inverted": (voice, -voice),
        "quieter": (voice, -(voice // 10) * 7),
        "with_noise": (voice + noise(0.001), noise(0.001, 2) - voice),
        "with_hum": (voice // 2 + hum(), hum() - voice // 2),
        "other_way_round": (-voice, voice),
        "three": (voice, -voice, none),
        "surround": (voice, -voice, none, none, none, none),
    }[kind]
    with decoder.decode(wav(tmp_path / "a.wav", np.stack(channels, axis=1))) as waveform:
        assert waveform.samples == len(voice)
        assert waveform.damage.left_out == ((0.0, pytest.approx(SECONDS)),)
        assert "channels_cancelled" in waveform.damage.flags
        assert likeness(waveform, voice // 2 + hum() if kind == "with_hum" else voice) > 0.95


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_part_that_cancels_is_kept_and_its_place_is_known(
    rate: int, voices: tuple[Samples, Samples], decoder: Decoder, tmp_path: Path
) -> None:
    """The polarity changes in the middle of a block, and back."""
    voice = np.repeat(voices[0], 3)[: len(voices[0]) * rate // SAMPLE_RATE] if rate != SAMPLE_RATE else voices[0]
    other = voice.copy()
    other[5 * rate : 11 * rate] *= -1
    with decoder.decode(wav(tmp_path / "a.wav", np.stack([voice, other], axis=1), rate)) as waveform:
        [(start, end)] = waveform.damage.left_out
        assert 3 < start <= 5.1
        assert 10 < end < 13
        found = waveform.read(0, waveform.samples)
    with decoder.decode(wav(tmp_path / "b.wav", voice, rate)) as waveform:
        expected = waveform.read(0, waveform.samples)
    missing = np.abs(found[: len(expected) - 100] - expected[: len(found) - 100]) > 0.01
    assert missing.mean() < 0.005  # at most a syllable, and there is no click


@pytest.mark.parametrize("other", ["noise", "loud_noise", "hum"])
@pytest.mark.parametrize("first", [True, False])
def test_a_channel_of_noise_is_left_out(
    other: str, first: bool, voices: tuple[Samples, Samples], decoder: Decoder, tmp_path: Path
) -> None:
    """A microphone that is not connected: the voice is as clear as in its own channel."""
    voice = voices[0]
    spoilt = {"noise": noise(0.05), "loud_noise": noise(0.3), "hum": hum() * 2}[other]
    channels = [voice, spoilt] if first else [spoilt, voice]
    with decoder.decode(wav(tmp_path / "a.wav", np.stack(channels, axis=1))) as waveform:
        assert waveform.damage.left_out
        assert likeness(waveform, voice, 2) > 0.99


@pytest.mark.parametrize(("begin", "end"), [(5.3, 16), (5.9, 16), (0, 9.3), (5.3, 9.3), (5.3, 11.9)])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_noise_that_begins_or_ends_within_a_block_drowns_nothing(
    begin: float, end: float, rate: int, voices: tuple[Samples, Samples], decoder: Decoder, tmp_path: Path
) -> None:
    """A cable that comes loose; what the other channel held before is still in the mix."""
    one, two = (np.interp(np.arange(SECONDS * rate) / rate * SAMPLE_RATE, np.arange(len(x)), x).astype(np.int16) for x in voices)
    spoilt = (np.arange(len(one)) >= begin * rate) & (np.arange(len(one)) < end * rate)
    hiss = np.random.default_rng(4).normal(0, 6_000, len(one)).astype(np.int16)
    with decoder.decode(wav(tmp_path / "a.wav", np.stack([one, np.where(spoilt, hiss, two // 2)], axis=1), rate)) as waveform:
        [(first, last)] = waveform.damage.left_out
        assert first == pytest.approx(begin, abs=0.2)
        assert last == pytest.approx(end, abs=0.2)
        assert likeness(waveform, voices[0], first + 0.2, last - 0.2) > 0.99
        mix = ((voices[0].astype(np.int32) + voices[1] // 2) // 2).astype(np.int16)
        assert first == 0 or likeness(waveform, mix, 0, first - 0.1) > 0.98
        assert last > 15 or likeness(waveform, mix, last + 0.1) > 0.98


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.2, 0.4])
@pytest.mark.parametrize("kind", ["later", "earlier", "quieter", "inverted", "noisy"])
def test_a_channel_that_repeats_another_late_is_left_out(
    kind: str, delay: float, voices: tuple[Samples, Samples], decoder: Decoder, tmp_path: Path
) -> None:
    """Every word would be heard twice; the channel that is earlier is kept."""
    voice = voices[0]
    late = np.concatenate([np.zeros(round(delay * SAMPLE_RATE), np.int16), voice])[: len(voice)]
    pair = {
        "later": (voice, late),
        "earlier": (late, voice),
        "quieter": (voice, late // 2),
        "inverted": (voice, -late),
        "noisy": (voice, late + noise(0.002)),
    }[kind]
    with decoder.decode(wav(tmp_path / "a.wav", np.stack(pair, axis=1))) as waveform:
        assert sum(end - start for start, end in waveform.damage.left_out) > SECONDS - 4.1
        assert likeness(waveform, voice) > 0.95


def test_room_noise_in_wide_stereo_does_not_cancel_speech(
    voices: tuple[Samples, Samples], decoder: Decoder, tmp_path: Path
) -> None:
    """It is mostly of opposite polarity; the voice in it is not."""
    wide, left, right = noise(0.004), noise(0.0016, 2), noise(0.0016, 3)
    voice = np.where(np.arange(len(wide)) > 5 * SAMPLE_RATE, voices[0], 0).astype(np.int16)
    with decoder.decode(wav(tmp_path / "a.wav", np.stack([voice + wide + left, voice - wide + right], axis=1))) as waveform:
        assert waveform.damage.left_out == ()


def test_the_number_of_channels_may_change(voices: tuple[Samples, Samples]) -> None:
    """What was left out of six channels says nothing about two."""
    blocks = ChannelBlocks()
    voice = voices[0][: 4 * SAMPLE_RATE]
    none = silent(voice)
    for layout, channels in (("5.1", (none, none, none, none, voice, -voice)), ("stereo", (voice, voice))):
        frame = av.AudioFrame.from_ndarray(np.stack(channels, axis=1).reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = SAMPLE_RATE
        weights = np.full(len(channels), 1 / len(channels), np.float32)
        found = [*blocks.add(frame, weights), *blocks.flush(weights)]
        assert sum(each.samples for each in found) == len(voice)
    assert blocks.left_out == [(0.0, pytest.approx(4.0))]


def test_two_voices_beside_noise_are_both_kept(voices: tuple[Samples, Samples], decoder: Decoder, tmp_path: Path) -> None:
    """Only the third microphone is left out."""
    one, two = voices
    with decoder.decode(wav(tmp_path / "a.wav", np.stack([one, noise(0.3), two], axis=1))) as waveform:
        assert likeness(waveform, ((one.astype(np.int32) + two) // 2).astype(np.int16), 2) > 0.95


@pytest.mark.parametrize(
    "kind", ["alike", "silent", "two_voices", "turns", "delayed", "half_inverted", "surround", "quiet_noise"]
)
def test_a_mix_that_loses_nothing_is_the_same_to_the_last_bit(
    kind: str, voices: tuple[Samples, Samples], decoder: Decoder, tmp_path: Path
) -> None:
    """What was right before is unchanged."""
    one, two = voices
    turn = np.arange(len(one)) % (5 * SAMPLE_RATE) < 2.5 * SAMPLE_RATE
    channels = {
        "alike": (one, one),
        "silent": (one, silent(one)),
        "two_voices": (one, two),
        "turns": (np.where(turn, one, 0) + noise(0.0005), np.where(turn, 0, two) + noise(0.0005, 2)),
        "delayed": (one, np.roll(one, 400)),
        "half_inverted": (one, -(one // 3)),
        "surround": (one, one, two, silent(one), two // 2, one // 2),
        "quiet_noise": (one, noise(0.001)),
    }[kind]
    path = wav(tmp_path / "a.wav", np.stack(channels, axis=1).astype(np.int16))
    with decoder.decode(path) as waveform:
        assert waveform.damage.left_out == ()
        found = (waveform.read(0, waveform.samples) * 32_768).astype(np.int16)
    if len(channels) == 2:  # more are averaged by a filter of ours
        assert np.array_equal(found, ffmpeg_mix(path))


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp3", "libmp3lame", 44_100),
        ("a.flac", "flac", 48_000),
        ("a.m4a", "aac", 44_100),
        ("a.wav", "pcm_f32le", 16_000),
        ("b.wav", "pcm_u8", 16_000),
        ("c.wav", "pcm_s24le", 16_000),
        ("d.wav", "pcm_f64le", 16_000),
    ],
)
def test_any_codec_and_sample_format(
    name: str, codec: str, rate: int, voices: tuple[Samples, Samples], decoder: Decoder, tmp_path: Path
) -> None:
    """Integers and floats, interleaved and in planes."""
    voice = voices[0]
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack([voice, -voice], axis=1).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(stream.format, "stereo", rate, stream.codec_context.frame_size or None)
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    with decoder.decode(tmp_path / name) as waveform:
        [(start, end)] = waveform.damage.left_out
        assert (start, end) == (0.0, pytest.approx(SECONDS, abs=0.2))
        assert waveform.read(0, waveform.samples).std() == pytest.approx(voice.std() / 32_768, rel=0.1)
