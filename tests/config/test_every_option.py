"""Every field of the spec and the settings can be set in every layer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from transcribe_cli.config import Config
from transcribe_cli.config.fields import FIELDS, allowed_values
from transcribe_cli.subtitles.standards import Standard

# As TOML has it -> as the program has it; no value is a default.
EXAMPLES: dict[str, tuple[Any, Any]] = {
    "model": ("small", "small"),
    "language": ("Portuguese", "pt"),
    "languages": (["pt", "en"], ("en", "pt")),
    "task": ("translate", "translate"),
    "audio_track": (1, 1),
    "channels": ("split", "split"),
    "preset": ("fast", "fast"),
    "sequential": (True, True),
    "beam_size": (3, 3),
    "best_of": (2, 2),
    "patience": (2.0, 2.0),
    "length_penalty": (0.5, 0.5),
    "repetition_penalty": (1.1, 1.1),
    "no_repeat_ngram_size": (3, 3),
    "temperature": ([0.0, 0.4], (0.0, 0.4)),
    "compression_ratio_threshold": (2.0, 2.0),
    "log_prob_threshold": (-0.5, -0.5),
    "no_speech_threshold": (0.5, 0.5),
    "initial_prompt": ("Aula, com vírgulas.", "Aula, com vírgulas."),
    "hotwords": ("mitocôndria, Lamarck", "mitocôndria, Lamarck"),
    "suppress_tokens": ([-1, 5], (-1, 5)),
    "max_new_tokens": (100, 100),
    "word_timestamps": (False, False),
    "multilingual": (True, True),
    "full_window": (False, False),
    "rescue": (False, False),
    "vad_filter": (False, False),
    "vad_threshold": (0.3, 0.3),
    "vad_min_speech_duration_ms": (10, 10),
    "vad_min_silence_duration_ms": (10, 10),
    "vad_speech_pad_ms": (10, 10),
    "diarize": (True, True),
    "diarize_model": ("demo", "demo"),
    "num_speakers": (3, 3),
    "min_speakers": (2, 2),
    "max_speakers": (4, 4),
    "speaker_names": (["SPEAKER_00=Ana", "SPEAKER_01=Rui"], ("SPEAKER_00=Ana", "SPEAKER_01=Rui")),
    "hf_token": ("hf_secret", SecretStr("hf_secret")),
    "diarize_batch_size": (4, 4),
    "trust_model_code": (True, True),
    "output_format": (["json", "txt"], ("json", "txt")),
    "output_dir": ("/out", Path("/out")),
    "subtitles": ("bbc,max_chars=30", Standard.model_validate({"standard": "bbc", "max_chars": 30})),
    "max_line_width": (30, 30),
    "max_line_count": (1, 1),
    "max_words_per_line": (4, 4),
    "highlight_words": (True, True),
    "karaoke": (True, True),
    "overwrite": (True, True),
    "keep": (True, True),
    "update": (True, True),
    "replace_corrected": (True, True),
    "trust_names": (True, True),
    "include": (["*.mp3", "b*"], ("*.mp3", "b*")),
    "exclude": (["*.wav"], ("*.wav",)),
    "follow_links": (True, True),
    "shard": ("2/4", "2/4"),
    "device": ("cpu", "cpu"),
    "device_index": ([1, 0], (1, 0)),
    "compute_type": ("int8", "int8"),
    "batch_size": (8, 8),
    "threads": (2, 2),
    "num_workers": (3, 3),
    "model_dir": ("/models", Path("/models")),
    "offline": (True, True),
    "state_dir": ("/state", Path("/state")),
    "voices": (False, False),
    "voice_threshold": (0.5, 0.5),
    "backend": ("local", "local"),
    "fallback": (["local"], ("local",)),
    "priority": ("cost", "cost"),
    "detach": (True, True),
    "in_flight": (3, 3),
    "attempts": (2, 2),
    "upload": ("opus", "opus"),
    "staging": ("s3://bucket/staging", "s3://bucket/staging"),
    "max_queue": (1.5, 1.5),
    "max_start": (5.0, 5.0),
    "runpod_endpoint": ("abc123", "abc123"),
    "runpod_api_key": ("rpa_secret", SecretStr("rpa_secret")),
    "dialect": ("faster-whisper", "faster-whisper"),
    "runpod_url": ("https://queue.example.org/v2", "https://queue.example.org/v2"),
    "runpod_api_url": ("https://api.example.org/v2", "https://api.example.org/v2"),
    "base_url": ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
    "openai_api_key": ("sk_secret", SecretStr("sk_secret")),
    "groq_api_key": ("gsk_secret", SecretStr("gsk_secret")),
    "api_key": ("secret", SecretStr("secret")),
    "api_times": ("segment", "segment"),
    "max_duration": (2.0, 2.0),
    "scratch_limit": (2.0, 2.0),
    "fail_fast": (True, True),
    "fail_on": ("bad", "bad"),
    "max_cost": (2.5, 2.5),
    "max_hours": (8.0, 8.0),
    "until": ("6:05", "06:05"),
    "price_per_hour": (0.5, 0.5),
    "prices": ("/prices.toml", Path("/prices.toml")),
    "rtfx": (30.0, 30.0),
    "ledger": (False, False),
    "ledger_url": ("sqlite:////team.db", SecretStr("sqlite:////team.db")),
    "quiet": (True, True),
    "log_format": ("json", "json"),
}
# What a value needs beside it.
NEEDS: dict[str, dict[str, Any]] = {
    "task": {"model": "medium"},
    **{name: {"diarize": True} for name in ("num_speakers", "min_speakers", "max_speakers")},
}


def text(value: Any) -> str:
    """The value as text, for a variable or a flag."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)


def test_every_field_has_an_example() -> None:
    """A new field needs an example here. Examples differ from the defaults, or the test would prove nothing."""
    assert set(EXAMPLES) == set(FIELDS)
    assert not [name for name, (_, value) in EXAMPLES.items() if value == FIELDS[name].default]


@pytest.mark.parametrize("name", FIELDS)
def test_every_option_can_be_set_in_every_layer(configured: Callable[..., Config], tmp_path: Path, name: str) -> None:
    """In the file with TOML types, in a variable and by a flag as text; the origin is recorded."""
    value, expected = EXAMPLES[name]
    needs = NEEDS.get(name, {})
    file = configured(f"{name} = {json.dumps(value)}\n", **needs)
    variable = configured("", {f"TRANSCRIBE_{name.upper()}": text(value)}, **needs)
    flag = configured("", **needs, **{name: value if isinstance(value, bool) else text(value)})
    flag_name = "--" + name.replace("_", "-")
    for config, origin in [
        (file, str(tmp_path / "transcribe.toml")),
        (variable, f"TRANSCRIBE_{name.upper()}"),
        (flag, flag_name),
    ]:
        found = config.values[name]
        assert (found.value, found.origin) == (expected, origin)
        assert getattr(config.spec, name, None) == expected or getattr(config.settings, name) == expected


@pytest.mark.parametrize("word", ["1", "true", "True", "yes", "on"])
def test_booleans_in_variables_have_the_usual_spellings(configured: Callable[..., Config], word: str) -> None:
    """For true and for false."""
    opposite = {"1": "0", "true": "false", "True": "False", "yes": "no", "on": "off"}[word]
    config = configured(None, {"TRANSCRIBE_OVERWRITE": word, "TRANSCRIBE_VAD_FILTER": opposite})
    assert (config.settings.overwrite, config.spec.vad_filter) == (True, False)


@pytest.mark.parametrize("name", FIELDS)
def test_every_option_has_a_description_and_allowed_values(name: str) -> None:
    """They are used in messages and in the file that `config init` writes."""
    assert allowed_values(name)
    assert FIELDS[name].description
