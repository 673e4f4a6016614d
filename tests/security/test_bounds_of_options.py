"""Attacker: the client of a worker, or the author of a found `transcribe.toml`: absurd numbers in options that anybody may set.

A length penalty of 1e308, a pause of 10^400 ms or a prompt of a gigabyte reach libraries that fail in ways of their own, or never end.
Every number, list and text of the options has bounds where it is declared, so that `run`, files, variables and workers refuse alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from annotated_types import BaseMetadata, Ge, Gt, Le, Lt, MaxLen
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from transcribe_cli.cli.options import flag_name
from transcribe_cli.cli.worker import worker
from transcribe_cli.config import load_config
from transcribe_cli.config.fields import FIELDS, allowed_values
from transcribe_cli.errors import ConfigError, UsageError
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec, Weight, weight
from transcribe_cli.subtitles.standards import Standard

MODELS: tuple[type[BaseModel], ...] = (JobSpec, Settings, Standard)
# A number or a language: its validator checks both, and test_an_audio_track_is_a_small_number_or_a_language the validator.
VALIDATED = ("audio_track",)
ALL = [(model, name) for model in MODELS for name in model.model_fields if name not in VALIDATED]
# No duration, price or count that anybody needs is larger.
LARGEST = 1e9


def numbers_in(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[tuple[type, tuple[Any, ...]]]:
    """Each numeric type in an annotation, with what is said about it."""
    if get_origin(annotation) is Annotated:
        inner, *own = get_args(annotation)
        yield from numbers_in(inner, (*metadata, *own))
    elif get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from numbers_in(part, metadata)
    elif get_origin(annotation) is not None:
        for part in get_args(annotation):
            yield from numbers_in(part)
    elif annotation in (int, float):
        yield annotation, metadata


def unfolded(metadata: tuple[Any, ...]) -> list[Any]:
    """The bounds in it; a `Field` inside `Annotated` holds them in its own metadata."""
    return [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else [item])]


def load(flags: dict[str, object], start: Path = Path("/nonexistent")) -> None:
    load_config(flags, environ={}, start=start)


@pytest.mark.parametrize(("model", "name"), ALL)
def test_every_number_has_bounds(model: type[BaseModel], name: str) -> None:
    """This fails for a new field without `ge` or `gt`, and `le` or `lt`, also for the items of a list or table."""
    field = model.model_fields[name]
    for _, metadata in numbers_in(field.annotation, tuple(field.metadata)):
        bounds = [item for item in unfolded(metadata) if isinstance(item, BaseMetadata)]
        lower = [item.ge if isinstance(item, Ge) else item.gt for item in bounds if isinstance(item, Ge | Gt)]
        upper = [item.le if isinstance(item, Le) else item.lt for item in bounds if isinstance(item, Le | Lt)]
        assert lower
        assert upper
        assert all(math.isfinite(float(bound)) and abs(float(bound)) <= LARGEST for bound in (*lower, *upper))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in FIELDS if "tuple" in str(FIELDS[name].annotation)])
def test_every_list_has_a_length(name: str) -> None:
    assert any(isinstance(item, MaxLen) for item in unfolded(tuple(FIELDS[name].metadata)))


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, field in JobSpec.model_fields.items()
        if field.annotation in (str, str | None) and weight(field) is not Weight.AUTHORITY
    ],
)
def test_every_text_of_a_job_has_a_length(name: str) -> None:
    """What a client may set. `language` is a code."""
    assert name == "language" or any(isinstance(item, MaxLen) for item in FIELDS[name].metadata)


NUMERIC = [name for name, field in FIELDS.items() if name not in VALIDATED and list(numbers_in(field.annotation))]
WORST = ("nan", "inf", "-inf", "1e308", "-1e308", "1e999", "9" * 400, "-" + "9" * 400)


@pytest.mark.parametrize("value", WORST)
@pytest.mark.parametrize("name", NUMERIC)
def test_an_absurd_number_is_one_line_with_the_option_and_its_range(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({name: [value] if name in ("temperature", "suppress_tokens", "device_index") else value})
    message = str(caught.value)
    assert message.startswith(flag_name(name))
    assert allowed_values(name) in message
    assert len(message) < 400
    assert "\n" not in message


@pytest.mark.parametrize("value", ["-inf", "1e308", "1e999", "10001", "-1", "9" * 400, "por" * 100, "x\ny", "p"])
def test_an_audio_track_is_a_small_number_or_a_language(value: str) -> None:
    with pytest.raises(ConfigError, match="a number from 0 to 10000, a language such as por, or auto") as caught:
        load({"audio_track": value})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e308", "9" * 300, "-1"])
@pytest.mark.parametrize(
    "name", ["max_chars", "max_lines", "chars_per_second", "words_per_minute", "max_duration", "pause", "extend"]
)
def test_the_same_in_a_subtitle_standard(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        load({"subtitles": f"bbc,{name}={value}"})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "key",
    ["length_penalty = 1e308", "vad_speech_pad_ms = 100000000", "suppress_tokens = [1, 999999999]", "temperature = [0, nan]"],
)
def test_a_found_file_is_refused_with_its_name(key: str, tmp_path: Path) -> None:
    (tmp_path / "transcribe.toml").write_text(key)
    with pytest.raises(ConfigError) as caught:
        load({}, tmp_path)
    assert str(tmp_path / "transcribe.toml") in str(caught.value)
    assert key.partition(" ")[0] in str(caught.value)


def test_the_numbers_that_people_use_are_accepted() -> None:
    """Real extremes: a beam of 100, pauses of a minute, a batch of a month, a budget of a million."""
    JobSpec(beam_size=100, patience=3, length_penalty=-1, repetition_penalty=1.5, no_repeat_ngram_size=10)
    JobSpec(vad_min_speech_duration_ms=60_000, vad_min_silence_duration_ms=60_000, log_prob_threshold=None)
    JobSpec(temperature=(0, 1), suppress_tokens=(), compression_ratio_threshold=100, log_prob_threshold=0)
    Settings(max_hours=24 * 31, max_cost=1e6, max_duration=1000, scratch_limit=100_000, max_start=600, rtfx=5000)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValidationError):
        JobSpec(initial_prompt="a" * 10_001)


@pytest.mark.parametrize("rule", ["chars_per_second=1e-320", "words_per_minute=1e-320"])
def test_a_speed_near_zero_is_refused(rule: str) -> None:
    """A cue would stay for ever."""
    with pytest.raises(ConfigError, match=rule.partition("=")[0]):
        load({"subtitles": f"bbc,{rule}"})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, 0, -1])
@pytest.mark.parametrize("name", ["max_download", "max_transfer"])
def test_the_limits_of_a_worker_are_numbers_in_range(name: str, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNPOD_WEBHOOK_GET_JOB", "http://127.0.0.1:1/")
    with pytest.raises(UsageError, match=f"{flag_name(name)} must be a number from ") as caught:
        worker(**{name: value})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
