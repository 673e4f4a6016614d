"""Sound that 16 bits cannot hold is brought into their range; any other is the same to the last bit."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE, Decoder

EXAMPLES = Path(__file__).parents[2] / "examples" / "audio"
SECONDS = 16
Samples = NDArray[np.float64]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Speech at a usual level."""
    folder = tmp_path_factory.mktemp("voice")
    with Decoder(folder, fallback=False) as decoder, decoder.decode(EXAMPLES / "talk.ogg") as waveform:
        return waveform.read(0, SECONDS * SAMPLE_RATE).astype(np.float64)


def write(path: Path, samples: Samples, codec: str = "pcm_f32le", rate: int = SAMPLE_RATE) -> Path:
    """Write (samples,) or (samples, channels) in a format of more than 16 bits."""
    layout = "mono" if samples.ndim == 1 else {2: "stereo", 8: "7.1"}[samples.shape[1]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"})
        if codec == "flac":
            stream.codec_context.format = av.AudioFormat("s32")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="dbl", layout=layout)
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(stream.format, layout, rate, 4096 if codec == "flac" else None)
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


def decoded(decoder: Decoder, path: Path) -> tuple[NDArray[np.float32], tuple[tuple[float, float], ...]]:
    """The samples, and where they were made louder."""
    with decoder.decode(path) as waveform:
        return waveform.read(0, waveform.samples), waveform.damage.louder


def ffmpeg_mix(path: Path) -> NDArray[np.int16]:
    """What FFmpeg alone makes of it."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        frames = [frame for source in container.decode(audio=0) for frame in resampler.resample(source)]
        return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])


@pytest.mark.parametrize(
    ("name", "codec", "rate", "decibels", "offset"),
    [
        ("a.wav", "pcm_f32le", 16_000, 70, 0.0),
        ("a.wav", "pcm_f32le", 48_000, 85, 0.0),
        ("a.wav", "pcm_f64le", 16_000, 70, 0.0),
        ("a.wav", "pcm_s24le", 16_000, 70, 0.0),
        ("a.wav", "pcm_s32le", 16_000, 70, 0.0),
        ("a.flac", "flac", 44_100, 70, 0.0),
        ("a.wav", "pcm_f32le", 16_000, 70, 0.1),
    ],
)
def test_quiet_speech_keeps_its_bits(
    name: str, codec: str, rate: int, decibels: int, offset: float, voice: Samples, decoder: Decoder, tmp_path: Path
) -> None:
    """At a level at which 16 bits have two steps for it; also on top of an offset."""
    found, louder = decoded(decoder, write(tmp_path / name, voice * 10 ** (-decibels / 20) + offset, codec, rate))
    assert louder == ((0.0, pytest.approx(SECONDS, abs=0.1)),)
    assert np.corrcoef(found[2000:-2000], voice[2000 : len(found) - 2000])[0, 1] > 0.99
    assert 0.001 < found.std() < 0.05


@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le"])
@pytest.mark.parametrize("decibels", [8, 20, 90])
def test_values_over_full_scale_are_not_clipped(
    decibels: int, codec: str, voice: Samples, decoder: Decoder, tmp_path: Path
) -> None:
    """Of a program that wrote too loud a mix, or integers as floats."""
    found, louder = decoded(decoder, write(tmp_path / "a.wav", voice * 10 ** (decibels / 20), codec))
    assert louder == ()
    assert np.corrcoef(found, voice)[0, 1] > 0.999
    assert 0.25 < np.abs(found).max() <= 1


@pytest.mark.parametrize("kind", ["usual", "soft", "pauses", "late", "noise", "silence", "loud"])
def test_anything_else_is_the_same_to_the_last_bit(kind: str, voice: Samples, decoder: Decoder, tmp_path: Path) -> None:
    """Also long pauses in which the room is far below 16 bits, and noise that nobody speaks in."""
    room = np.random.default_rng(3).normal(0, 1e-5, len(voice))
    time = np.arange(len(voice)) / SAMPLE_RATE
    samples = {
        "usual": voice,
        "soft": voice * 0.02,
        "pauses": np.where(time % 10 < 2, voice, 0) + room,
        "late": np.where(time > 7.5, voice, 0) + room,
        "noise": room,
        "silence": voice * 0,
        "loud": voice / np.abs(voice).max(),
    }[kind]
    path = write(tmp_path / "a.wav", samples)
    found, louder = decoded(decoder, path)
    assert louder == ()
    assert np.array_equal((found * 32_768).astype(np.int16), ffmpeg_mix(path))


def test_a_cough_in_quiet_speech_is_not_clipped(voice: Samples, decoder: Decoder, tmp_path: Path) -> None:
    """The block with the cough stays as it is."""
    samples = voice * 10 ** (-70 / 20)
    samples[8 * SAMPLE_RATE : 8 * SAMPLE_RATE + 2000] = 0.5 * np.sin(np.arange(2000) / 5)
    found, louder = decoded(decoder, write(tmp_path / "a.wav", samples))
    assert louder
    cough = found[8 * SAMPLE_RATE + 400 : 8 * SAMPLE_RATE + 2000]
    assert np.abs(cough).max() == pytest.approx(0.5, rel=0.02)
    rest = np.r_[0 : 6 * SAMPLE_RATE]
    assert np.corrcoef(found[rest], voice[rest])[0, 1] > 0.99


def test_values_that_are_no_numbers_change_nothing(voice: Samples, decoder: Decoder, tmp_path: Path) -> None:
    """And garbage in one block does not silence the others."""
    spoilt = voice.copy()
    spoilt[100] = 1e12
    found, _ = decoded(decoder, write(tmp_path / "a.wav", spoilt))
    assert np.allclose(found[200:], voice[200:], atol=1e-4)
    for value in (np.nan, np.inf):
        spoilt[100] = value
        found, louder = decoded(decoder, write(tmp_path / "a.wav", spoilt))
        assert louder == ()
        assert np.allclose(found[200:], voice[200:], atol=1e-4)


def test_channels_keep_their_relation(voice: Samples, decoder: Decoder, tmp_path: Path) -> None:
    """Separate channels are made louder together."""
    quiet = np.stack([voice, voice[::-1] / 2], axis=1) * 10 ** (-70 / 20)
    with decoder.decode(write(tmp_path / "a.wav", quiet), split=True) as waveform:
        found = waveform.read_channels(0, waveform.samples)
        assert waveform.damage.louder
    assert np.corrcoef(found[:, 0], voice)[0, 1] > 0.99
    assert found[:, 0].std() / found[:, 1].std() == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_f32le"), ("a.flac", "flac"), ("a.m4a", "aac")])
def test_eight_channels_of_which_two_cancel(name: str, codec: str, voice: Samples, decoder: Decoder, tmp_path: Path) -> None:
    """More than PyAV can read where each has a plane of its own."""
    path = write(tmp_path / name, np.stack([voice, -voice, *[voice * 0] * 6], axis=1), codec)
    with decoder.decode(path) as waveform:
        assert waveform.damage.left_out == ((0.0, pytest.approx(SECONDS, abs=0.2)),)
        assert waveform.read(0, waveform.samples).std() == pytest.approx(voice.std(), rel=0.2)
