"""Speech that is far quieter than usual is found; where speech has a normal level, nothing changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE, Decoder
from transcribe_cli.vad import WINDOW_SAMPLES, QuietSpeechDetector, SpeechDetector, audible

EXAMPLES = Path(__file__).parents[2] / "examples" / "audio"
Samples = NDArray[np.float32]
BLOCK = 1000 * WINDOW_SAMPLES


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """20 s of a lecture, about 15 of them speech."""
    with Decoder(tmp_path_factory.mktemp("talk"), fallback=False) as decoder, decoder.decode(EXAMPLES / "talk.ogg") as waveform:
        return waveform.read(0, 20 * SAMPLE_RATE)


def quantized(samples: Samples, decibels: float = 0.0) -> Samples:
    """The samples at another level, as 16 bits hold them."""
    return (np.rint(samples * 10 ** (decibels / 20) * 32_768) / 32_768).astype(np.float32)


def spoken(samples: Samples, detector: QuietSpeechDetector | SpeechDetector | None = None) -> NDArray[np.bool_]:
    """Which windows are speech."""
    detector = detector or QuietSpeechDetector()
    blocks = [detector.probabilities(samples[start : start + BLOCK]) for start in range(0, len(samples), BLOCK)]
    return np.concatenate(blocks) >= 0.5


@pytest.mark.parametrize(("decibels", "share"), [(-20, 0.95), (-40, 0.95), (-50, 0.9), (-60, 0.8), (-70, 0.3)])
def test_quiet_speech_is_found(talk: Samples, decibels: float, share: float) -> None:
    """Nearly as much as at a normal level, down to the noise of 16 bits."""
    assert spoken(quantized(talk, decibels)).sum() >= share * spoken(talk).sum()


def test_a_quiet_voice_after_a_normal_one_is_found(talk: Samples) -> None:
    """The second of two people is far from the microphone."""
    found = spoken(np.concatenate([talk, quantized(talk, -60)]))
    assert found[len(found) // 2 :].sum() > 0.7 * found[: len(found) // 2].sum()


def test_speech_of_a_normal_level_is_heard_as_before(talk: Samples) -> None:
    """Bit by bit, with pauses and noise in it."""
    noise = np.random.default_rng(1).normal(0, 0.0005, len(talk)).astype(np.float32)
    recording = np.concatenate([talk, noise, talk + noise, np.zeros_like(talk), talk])
    before, after = SpeechDetector(), QuietSpeechDetector()
    for start in range(0, len(recording), BLOCK):
        block = recording[start : start + BLOCK]
        assert np.array_equal(before.probabilities(block), after.probabilities(block))


def test_a_clip_that_nobody_could_hear_is_made_louder(talk: Samples) -> None:
    """Others are what they were."""
    assert audible(talk) is talk
    assert audible(quantized(talk, -40)).std() == quantized(talk, -40).std()
    assert audible(quantized(talk, -66)).std() > 300 * quantized(talk, -66).std()
    assert not audible(np.zeros(5000, np.float32)).any()
    assert not len(audible(np.zeros(0, np.float32)))


@pytest.mark.parametrize("decibels", [-80, -60, -40, -20])
@pytest.mark.parametrize("kind", ["white", "brown", "hum", "silence", "bursts"])
def test_quiet_noise_is_no_speech(kind: str, decibels: float) -> None:
    """At any level."""
    chance = np.random.default_rng(2)
    white = chance.normal(0, 0.3, 20 * SAMPLE_RATE)
    brown = np.cumsum(white - white.mean())
    time = np.arange(len(white)) / SAMPLE_RATE
    sounds = {
        "white": white,
        "brown": brown / np.abs(brown).max(),
        "hum": np.sin(2 * np.pi * 50 * time) + 0.3 * np.sin(2 * np.pi * 150 * time),
        "silence": np.zeros_like(white),
        "bursts": white * (np.sin(2 * np.pi * 0.7 * time) > 0.9),
    }
    assert spoken(quantized(sounds[kind].astype(np.float32), decibels)).mean() < 0.02


@pytest.mark.parametrize("decibels", [-5, -15, -30, -45])
def test_an_offset_is_no_sound(decibels: float, talk: Samples) -> None:
    """Speech on top of an offset, as some sound cards add it, is found at any level."""
    expected = spoken(quantized(talk, decibels))
    found = spoken(quantized(talk, decibels) + np.float32(0.1))
    assert expected.mean() > 0.3
    assert (found == expected).mean() > 0.9
