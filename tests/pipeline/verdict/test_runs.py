"""The verdict of real runs with the demo model: speech that it knows, speech that it does not, silence, noise, a wrong language."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import EXAMPLES
from tests.fake_engine import FakeEngine
from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.pipeline.loading import engine_loaders
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.pipeline.sound_level import sound_seconds
from transcribe_cli.plan import plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Quality, Transcript

Say = Callable[..., Path]
DEMO = JobSpec(model="demo")
SETTINGS = Settings(device="cpu", threads=2)


def run(path: Path, decoder: Decoder, spec: JobSpec = DEMO) -> Transcript:
    """The transcript of one recording."""
    jobs = plan(find_recordings([str(path)]), spec, SETTINGS)
    [outcome] = Pipeline(lambda: engine_loaders(spec, SETTINGS), [decoder]).run(jobs)
    assert outcome.transcript is not None, outcome.error
    return outcome.transcript


def codes(quality: Quality) -> dict[str, str]:
    """Code and level of each reason."""
    return {reason.code: reason.level for reason in quality.reasons}


def write(path: Path, samples: NDArray[np.floating]) -> Path:
    """A mono WAV at 16 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("name", ["aula.mp3", "hearing.wav", "silencio.m4a"])
def test_the_examples_are_good(name: str, decoder: Decoder) -> None:
    """Speech that the demo model knows, and silence; the languages were heard."""
    found = run(EXAMPLES / name, decoder)
    assert (found.quality.verdict, found.quality.reasons) == ("good", ())
    assert all(next(iter(clip.languages)) == found.language for clip in found.quality.heard)
    assert bool(found.quality.heard) is bool(found.segments)


def test_a_sentence_of_the_tests_is_good(tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """Eight seconds."""
    assert run(say(tmp_path / "a.wav"), decoder).quality.verdict == "good"


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("Il était une fois un roi qui avait trois filles, et chacune voulait épouser le même prince.", "fr"),
        ("A fotossíntese converte energia luminosa em energia química dentro dos cloroplastos.", "pt-br"),
        ("Der abenteuerliche Simplicissimus erzählt von einem Jungen im Wald, der alles verlor.", "de"),
    ],
)
@pytest.mark.parametrize("with_words", [True, False])
def test_the_demo_model_over_other_speech_is_bad(
    text: str, voice: str, with_words: bool, tmp_path: Path, say: Say, decoder: Decoder
) -> None:
    """Its fluent nonsense is named, whatever language it is in, with word times and without."""
    found = run(say(tmp_path / "a.wav", text, voice), decoder, JobSpec(model="demo", word_timestamps=with_words))
    assert found.quality.verdict == "bad"
    assert codes(found.quality)["demonstration_model"] == "bad"


@pytest.mark.parametrize("options", [{}, {"sequential": True}, {"languages": ("en",), "language": None}, {"channels": "split"}])
def test_a_forced_language_that_is_not_spoken_is_bad(options: dict[str, Any], tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """The audio is asked, although the language was given; nothing else changes."""
    found = run(say(tmp_path / "a.wav"), decoder, JobSpec(**{"model": "demo", "language": "en", **options}))
    assert codes(found.quality)["language"] == "bad"
    assert next(iter(found.quality.heard[0].languages)) == "pt"
    assert found.language == "en"


def test_noise_is_not_silence(tmp_path: Path, decoder: Decoder) -> None:
    """A hiss without words is to be checked; digital silence, dither and an offset are silence."""
    noise = np.random.default_rng(0).standard_normal(5 * SAMPLE_RATE)
    (tmp_path / "a").mkdir()
    assert codes(run(write(tmp_path / "a" / "hiss.wav", 0.05 * noise), decoder).quality) == {"no_words": "check"}
    assert run(write(tmp_path / "a" / "quiet.wav", 3e-5 * noise + 0.2), decoder).quality.verdict == "good"


def test_sound_is_measured_in_every_channel(tmp_path: Path) -> None:
    """Channels that cancel each other are not silent; the end of a recording counts, too."""
    tone = 0.1 * np.sin(np.arange(90 * SAMPLE_RATE) * 0.1)
    tone[: 60 * SAMPLE_RATE] = 0
    for samples in (tone, np.stack([tone, -tone], axis=1)):
        with Waveform.from_samples(samples, tmp_path) as waveform:
            assert sound_seconds(waveform) == pytest.approx(30.0)
    with Waveform.from_samples(np.zeros(0), tmp_path) as empty:
        assert sound_seconds(empty) == 0.0


def test_a_truncated_recording_is_not_good(tmp_path: Path, decoder: Decoder) -> None:
    """A download that stopped: the header promises twice as much."""
    path, whole = tmp_path / "a.wav", (EXAMPLES / "hearing.wav").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert codes(run(path, decoder).quality) == {"truncated": "bad"}


def test_engines_that_hear_nothing_are_judged_without_it(tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """A server tells no languages of the audio."""
    spec = JobSpec(model="small", language="pt")
    jobs = plan(find_recordings([str(say(tmp_path / "a.wav"))]), spec, SETTINGS)
    [outcome] = Pipeline(lambda: [lambda: FakeEngine()], [decoder]).run(jobs)
    assert outcome.transcript is not None
    assert outcome.transcript.quality.heard == ()
    assert outcome.transcript.quality.verdict in ("good", "check", "bad")
