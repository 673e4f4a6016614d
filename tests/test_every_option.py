"""Every option has an effect. The tables have the effects, and the first test checks that no option is missing.

Decoding options are observed in the calls of CTranslate2, with the real model; all others by their effect on the result.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import EXAMPLES, lecture, spoken
from tests.conversations import write_wav
from transcribe_cli import JobSpec, Settings, transcribe
from transcribe_cli.config import OPTION_GROUPS, REMOTE_GROUP
from transcribe_cli.config.fields import FIELDS
from transcribe_cli.errors import DeviceUnavailable, ModelUnavailable, UsageError
from transcribe_cli.events import ignore_event
from transcribe_cli.pipeline.loading import engine_loaders, load_diarizer
from transcribe_cli.plan import plan
from transcribe_cli.recognition.engines import faster_whisper, whisper_model
from transcribe_cli.sources import find_recordings
from transcribe_cli.transcript import Transcript

# What reaches `generate` when the option is set: argument, value.
GENERATE: Mapping[str, tuple[dict[str, Any], str, Any]] = {
    "preset": ({"preset": "fast"}, "beam_size", 1),
    "beam_size": ({"beam_size": 3}, "beam_size", 3),
    "best_of": ({"best_of": 2, "temperature": 0.5}, "num_hypotheses", 2),
    "patience": ({"patience": 2.0}, "patience", 2.0),
    "length_penalty": ({"length_penalty": 0.5}, "length_penalty", 0.5),
    "repetition_penalty": ({"repetition_penalty": 1.3}, "repetition_penalty", 1.3),
    "no_repeat_ngram_size": ({"no_repeat_ngram_size": 3}, "no_repeat_ngram_size", 3),
    "temperature": ({"temperature": 0.4}, "sampling_temperature", 0.4),
    "max_new_tokens": ({"max_new_tokens": 5}, "max_length", 4 + 5),
}


class Watched:
    """CTranslate2's model, which records the calls of generate."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.calls: list[tuple[list[list[int]], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
        """Remember, and pass on."""
        self.calls.append((prompts, options))
        return self._model.generate(encoded, prompts, **options)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sentences with a pause of a second."""
    path = tmp_path_factory.mktemp("options") / "aula.wav"
    path.write_bytes(spoken('<speak>Bom dia a todos. <break time="1200ms"/> Vamos começar a aula.</speak>', "pt-br+m3"))
    return path


def settings(**more: object) -> Settings:
    """Settings for the CPU with two threads."""
    return Settings.model_validate({"device": "cpu", "threads": 2, **more})


def run(recording: Path, **spec: object) -> Transcript:
    """Transcribe with these options of the spec."""
    [outcome] = transcribe(recording, JobSpec.model_validate({"model": "demo", **spec}), settings())
    if outcome.error is not None:
        raise outcome.error
    assert outcome.transcript is not None
    return outcome.transcript


def watched(recording: Path, monkeypatch: pytest.MonkeyPatch, **spec: object) -> Watched:
    """The model with its recorded calls after a transcription with these options."""
    found: list[Watched] = []
    original = whisper_model.RoomyWhisper

    def load(*arguments: Any, **options: Any) -> Any:
        whisper = original(*arguments, **options)
        whisper.model = Watched(whisper.model)
        found.append(whisper.model)
        return whisper

    monkeypatch.setattr(whisper_model, "RoomyWhisper", load)
    run(recording, language="pt", **spec)
    return found[0]


def words(transcript: Transcript) -> int:
    """Number of words."""
    return len(transcript.text.split())


def test_the_tables_have_every_option() -> None:
    """The panels of `--help` and this file have each field of spec and settings once."""
    shown = [name for names in OPTION_GROUPS.values() for name in names]
    assert sorted(shown) == sorted(FIELDS)
    assert set(GENERATE) | set(PROMPTED) | set(SPEC) | set(SETTINGS) == set(FIELDS)


@pytest.mark.parametrize("option", GENERATE)
def test_an_option_of_decoding_reaches_the_decoder(option: str, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its value, and with another one if it is not set."""
    spec, argument, value = GENERATE[option]
    assert watched(recording, monkeypatch, **spec).calls[0][1][argument] == value
    assert watched(recording, monkeypatch).calls[0][1].get(argument) != value


PROMPTED: Mapping[str, dict[str, Any]] = {
    "initial_prompt": {"initial_prompt": "Aula de física."},
    "hotwords": {"hotwords": "física"},
    "task": {"task": "translate"},
    "suppress_tokens": {"suppress_tokens": (100,)},
}


@pytest.mark.parametrize("option", PROMPTED)
def test_an_option_of_the_prompt_reaches_the_decoder(option: str, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompt and suppressed tokens differ from those without it."""
    (prompts, options), *_ = watched(recording, monkeypatch, **PROMPTED[option]).calls
    (plain, plain_options), *_ = watched(recording, monkeypatch).calls
    assert (prompts[0], options["suppress_tokens"]) != (plain[0], plain_options["suppress_tokens"])


# Thresholds that reject every text.
SILENCED: Mapping[str, Any] = {"language": "pt", "log_prob_threshold": 0.0, "no_speech_threshold": 0.0}


def _calls(method: str, path: Path, **spec: object) -> list[tuple[Any, ...]]:
    """The arguments of the calls of this method of faster-whisper's model."""
    calls: list[tuple[Any, ...]] = []
    original = getattr(whisper_model.RoomyWhisper, method)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whisper_model.RoomyWhisper, method, lambda *a, **k: calls.append(a) or original(*a, **k))
        run(path, **spec)
    return calls


def _languages(path: Path, **spec: object) -> set[str]:
    """The languages used for a recording that switches to English."""
    parts = [("Bom dia a todos. Vamos começar a aula.", "pt-br+m3"), ("Good morning, everyone.", "en-us+f2")]
    mixed = lecture(path.parent / "other" / "mixed.wav", parts)
    return {call[1].language_code for call in _calls("get_prompt", mixed, **spec)}


def _frames(path: Path, **spec: object) -> int:
    """Number of feature frames passed to the encoder."""
    return int(_calls("encode", path, **spec)[0][1].shape[-1])


def _voices(path: Path, **spec: object) -> int:
    """Number of speakers found in the first half of the example with three voices."""
    half = path.parent / "half" / "hearing.wav"
    half.parent.mkdir(exist_ok=True)
    with wave.open(str(EXAMPLES / "hearing.wav")) as whole, wave.open(str(half), "wb") as file:
        file.setparams(whole.getparams())
        file.writeframes(whole.readframes(whole.getnframes() // 2))
    return len(run(half, **{"language": "pt", "diarize": True, "diarize_model": "demo", **spec}).speakers)


SPEC: Mapping[str, Callable[[Path], bool]] = {
    "diarize": lambda path: _voices(path) == 3 and _voices(path, diarize=False) == 0,
    "diarize_model": lambda path: _raises(UsageError, lambda: _voices(path, diarize_model="dmo")),
    "num_speakers": lambda path: _voices(path, num_speakers=2) == 2,
    "min_speakers": lambda path: _voices(path, min_speakers=4) == 4,
    "max_speakers": lambda path: _voices(path, max_speakers=2) == 2,
    "model": lambda path: _raises(UsageError, lambda: run(path, model="demmo")),
    "language": lambda path: run(path, language="en").language == "en",
    "languages": lambda path: run(path, languages=("en", "es")).language in {"en", "es"},
    "audio_track": lambda path: _raises(Exception, lambda: run(path, audio_track=1)),
    "channels": lambda path: run(_twice(path), channels="split").flags == ("channels_alike",) != run(_twice(path)).flags,
    "multilingual": lambda path: _languages(path, multilingual=True) == {"pt", "en"} and len(_languages(path)) == 1,
    "sequential": lambda path: bool(_calls("transcribe", path, sequential=True)) and not _calls("transcribe", path),
    "full_window": lambda path: _frames(path, full_window=False) < 3000 == _frames(path),
    "rescue": lambda path: len(_calls("encode", path, **SILENCED)) > len(_calls("encode", path, **SILENCED, rescue=False)),
    "word_timestamps": lambda path: run(path, word_timestamps=False).segments[0].words is None,
    "compression_ratio_threshold": lambda path: run(path, compression_ratio_threshold=0.1).quality.repetitions > 0,
    "log_prob_threshold": lambda path: "failed_gates" in run(path, log_prob_threshold=0.0).segments[0].flags,
    "no_speech_threshold": lambda path: words(run(path, log_prob_threshold=0.0, no_speech_threshold=0.0)) == 0,
    "vad_filter": lambda path: run(path, vad_filter=False).quality.speech == pytest.approx(run(path).duration, abs=0.01),
    "vad_threshold": lambda path: run(path, vad_threshold=0.99).quality.speech < run(path).quality.speech,
    "vad_min_speech_duration_ms": lambda path: words(run(path, vad_min_speech_duration_ms=60_000)) == 0,
    "vad_min_silence_duration_ms": lambda path: (
        run(path, vad_min_silence_duration_ms=5000).quality.speech > run(path).quality.speech
    ),
    "vad_speech_pad_ms": lambda path: run(path, vad_speech_pad_ms=0).quality.speech < run(path).quality.speech,
}


def _twice(path: Path) -> Path:
    """The recording in both channels of another file."""
    other = path.parent / "stereo" / "aula.wav"
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768
    return write_wav(other, np.stack([samples, samples], axis=1))


def _raises(kind: type[Exception], do: Callable[[], object]) -> bool:
    with pytest.raises(kind):
        do()
    return True


@pytest.mark.parametrize("option", SPEC)
def test_an_option_of_the_spec_changes_the_transcript(option: str, recording: Path) -> None:
    """Each option has a different effect."""
    assert SPEC[option](recording)


def _engine(**options: object) -> faster_whisper.FasterWhisper:
    [load] = engine_loaders(JobSpec(model="demo"), settings(**options))
    engine = load()
    assert isinstance(engine, faster_whisper.FasterWhisper)
    return engine


def _loaded_with(**options: object) -> tuple[int, int]:
    """The number of threads per worker and of workers that the model is loaded with."""
    seen: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        original = whisper_model.RoomyWhisper
        patch.setattr(whisper_model, "RoomyWhisper", lambda *a, **k: seen.update(k) or original(*a, **k))
        _engine(**options)
    return seen["cpu_threads"], seen["num_workers"]


def _gpu_beyond_the_last() -> bool:
    from transcribe_cli.recognition.engines.devices import check_gpu

    return _raises(DeviceUnavailable, lambda: check_gpu((7,), 1))


# Options of outputs, selection of files and display are tested in other files, by running the program.
def _batches(path: Path, **more: object) -> int:
    """Batch size of the diarizer."""
    [job] = plan(find_recordings([str(path)]), JobSpec(model="demo", diarize=True, diarize_model="demo"), settings())
    diarizer: Any = load_diarizer(settings(**more), job, ignore_event)
    return int(diarizer._pipeline.embedding_batch_size)


SETTINGS: Mapping[str, Callable[[Path], bool] | str] = {
    "device": lambda _: _raises(DeviceUnavailable, lambda: _engine(device="cuda")),
    "device_index": lambda _: _gpu_beyond_the_last(),
    "compute_type": lambda _: _engine(compute_type="float32").device == "cpu/float32",
    "batch_size": lambda _: _engine(batch_size=3).batch_size == 3 != _engine().batch_size,
    "threads": lambda _: _loaded_with(threads=1) == (1, 1) and _loaded_with(threads=8, num_workers=2) == (4, 2),
    "num_workers": lambda _: _loaded_with(num_workers=1) == (2, 1) != _loaded_with(),
    "offline": lambda path: _raises(
        ModelUnavailable, lambda: engine_loaders(JobSpec(model="tiny"), settings(offline=True, model_dir=path.parent))
    ),
    "model_dir": "tests/cli/test_models.py",
    "state_dir": "tests/cli/test_checkpoint.py",
    "voices": "tests/cli/test_speakers.py",
    "voice_threshold": "tests/cli/test_speakers.py",
    "output_format": "tests/cli/test_run.py",
    "output_dir": "tests/cli/test_run.py",
    "overwrite": "tests/cli/test_run.py",
    "keep": "tests/cli/test_again.py",
    "update": "tests/cli/test_again.py",
    "replace_corrected": "tests/cli/test_corrected.py",
    "trust_names": "tests/storage/test_run.py",
    "scratch_limit": "tests/storage/test_run.py",
    "subtitles": "tests/cli/test_subtitles.py",
    "max_line_width": "tests/cli/test_subtitles.py",
    "max_line_count": "tests/cli/test_subtitles.py",
    "max_words_per_line": "tests/cli/test_subtitles.py",
    "highlight_words": "tests/cli/test_subtitles.py",
    "karaoke": "tests/cli/test_subtitles.py",
    "include": "tests/cli/test_run.py",
    "exclude": "tests/cli/test_run.py",
    "speaker_names": "tests/cli/test_diarize.py",
    "hf_token": lambda path: _raises(
        UsageError, lambda: list(transcribe(path, JobSpec(model="demo", diarize=True), settings(hf_token="hf_ with spaces")))
    ),
    "diarize_batch_size": lambda path: _batches(path, diarize_batch_size=3) == 3 != _batches(path),
    "trust_model_code": "tests/security/test_models.py",
    "shard": "tests/cli/test_shards.py",
    "follow_links": "tests/security/test_links.py",
    **dict.fromkeys(OPTION_GROUPS[REMOTE_GROUP], "tests/backends/test_runpod.py"),
    "priority": "tests/backends/test_metered.py",
    "staging": "tests/backends/test_staging.py",
    "max_start": "tests/backends/test_stalled_queue.py",
    "dialect": "tests/backends/test_faster_whisper.py",
    **dict.fromkeys(
        ("base_url", "openai_api_key", "groq_api_key", "api_key", "api_times"), "tests/backends/openai/test_openai.py"
    ),
    "max_duration": "tests/cli/test_run.py",
    "fail_fast": "tests/cli/test_run.py",
    "fail_on": "tests/cli/test_verdicts.py",
    "max_cost": "tests/cli/test_limits.py",
    "max_hours": "tests/cli/test_limits.py",
    "until": "tests/cli/test_limits.py",
    "price_per_hour": "tests/cli/test_costs.py",
    "prices": "tests/cli/test_costs.py",
    "rtfx": "tests/cli/test_costs.py",
    "ledger": "tests/cli/test_report.py",
    "ledger_url": "tests/cli/test_report.py",
    "quiet": "tests/cli/test_run.py",
    "log_format": "tests/cli/test_run.py",
}


@pytest.mark.parametrize("option", [name for name, check in SETTINGS.items() if not isinstance(check, str)])
def test_an_option_of_the_machine_has_an_effect(option: str, recording: Path) -> None:
    """Device, memory, threads, cache."""
    check = SETTINGS[option]
    assert not isinstance(check, str)
    assert check(recording)


@pytest.mark.parametrize("option", [name for name, check in SETTINGS.items() if isinstance(check, str)])
def test_an_option_of_the_run_has_a_test(option: str) -> None:
    """The test file in the table uses the flag or sets the option."""
    where = SETTINGS[option]
    assert isinstance(where, str)
    text = (Path(__file__).parent.parent / where).read_text()
    assert f'"--{option.replace("_", "-")}"' in text or f"{option}=" in text or f'"{option}": ' in text
