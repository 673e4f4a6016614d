"""Limits for the numbers with which files describe networks and pipelines. Each decides how much is allocated, or how often a loop runs.

Real ones are far below: 7 sets of speakers, chunks of 10 s, 80 mel bands, 4 layers, batches of 32.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from transcribe_cli.text.printable import printable

# The classes of an embedding are the speakers of its training: some thousands.
_MAX_CLASSES = 100_000
_MAX_SETS = 5_000
_MAX_SECONDS = 120.0
_MAX_TEXT = 4_096  # a path
# Options are nested two levels deep, and there are some ten.
_MAX_DEPTH = 6
_MAX_VALUES = 1_000
# Resampling between rates without a common divisor takes memory that grows with their product.
_SAMPLE_RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_RANGES: Mapping[str, tuple[float, float]] = {
    "num_channels": (1, 16),
    "num_mel_bins": (1, 512),
    "mels": (1, 512),
    "num_layers": (0, 64),
    "frame_length": (1, 200),
    "frame_shift": (1, 200),
    "fbank_centering_span": (0, _MAX_SECONDS),
    "stride": (1, 1_000),
    "dropout": (0, 1),
    "dither": (0, 1_000),
    "segmentation_step": (0.01, 1),
    "segmentation_batch_size": (1, 4_096),
    "embedding_batch_size": (1, 4_096),
}
_DEFAULT_RANGE = (0, 100_000)


def checked_options(given: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the file holds
    """A copy of the options of a network or a pipeline, which are text, numbers, lists and dicts.

    Raises:
        ValueError: they are something else, or not in range, or too many.
    """
    if isinstance(given, Mapping):
        copied: dict[str, Any] = _copy("", given, 0, [_MAX_VALUES])
        return copied
    raise ValueError("the options are no table")


def _copy(key: str, value: Any, depth: int, left: list[int]) -> Any:  # noqa: ANN401
    left[0] -= 1
    if depth > _MAX_DEPTH or left[0] < 0:
        raise ValueError("there are too many options")
    if isinstance(value, Mapping):
        return {_text(name): _copy(_text(name), item, depth + 1, left) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copy(key, item, depth + 1, left) for item in value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        low, high = _RANGES.get(key, _DEFAULT_RANGE)
        if not low <= value <= high or (key == "sample_rate" and value not in _SAMPLE_RATES):
            raise ValueError(f"the option {printable(key)[:100]} is out of range")
        return value
    return _text(value)


def checked_specifications(given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - pyannote.audio's Specifications
    """Pyannote.audio's description of what a network computes.

    Args:
        given: its fields by name; `problem` and `resolution` are of its enumerations. Others are ignored.

    Raises:
        ValueError: a field is not in range.
    """
    from pyannote.audio.core.task import Problem, Resolution, Specifications

    problem, resolution = given["problem"], given["resolution"]
    if type(problem) is not Problem or type(resolution) is not Resolution:
        raise ValueError("the specifications have no problem")
    duration = _seconds(given["duration"], _MAX_SECONDS)
    if duration < 0.1:
        raise ValueError("the chunks of the network are too short")
    shortest = given.get("min_duration")
    return Specifications(
        problem=problem,
        resolution=resolution,
        duration=given["duration"],
        min_duration=None if shortest is None else _seconds(shortest, duration),
        warm_up=_warm_up(given.get("warm_up", (0.0, 0.0)), duration),
        classes=(classes := _classes(given.get("classes"))),
        powerset_max_classes=_set_size(given.get("powerset_max_classes"), classes, problem),
        permutation_invariant=bool(given.get("permutation_invariant", False)),
    )


def _seconds(value: Any, longest: float) -> float:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= longest:
        raise ValueError("the specifications have a duration that is out of range")
    return value


def _warm_up(given: Any, duration: float) -> tuple[float, float] | None:  # noqa: ANN401
    if given is None:
        return None
    if not isinstance(given, tuple | list) or len(given) != 2 or not sum(_seconds(part, duration) for part in given) < duration:
        raise ValueError("the specifications have a warm-up that is out of range")
    return given[0], given[1]


def _classes(given: Any) -> list[str] | None:  # noqa: ANN401
    if given is None:
        return None
    if not isinstance(given, list | tuple) or not 0 < len(given) <= _MAX_CLASSES:
        raise ValueError("the specifications have no list of classes, or a longer one than networks have")
    return [_text(name) for name in given]


def _set_size(given: Any, classes: list[str] | None, problem: Any) -> int | None:  # noqa: ANN401
    if given is None:
        return None
    if classes is None or isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= len(classes):
        raise ValueError("the specifications have a size of sets that is out of range")
    sets = 0
    for size in range(given + 1):
        sets += math.comb(len(classes), size)
        if sets > _MAX_SETS:
            break
    if sets > _MAX_SETS or problem.name != "MONO_LABEL_CLASSIFICATION":
        raise ValueError("the specifications have more sets of classes than networks have")
    return given


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise ValueError("there is something else than short text")
    return value
