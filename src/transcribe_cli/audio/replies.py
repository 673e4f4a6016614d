"""The child's replies, as the parent reads them. A recording may have taken the child over, so a reply is checked like a foreign file."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_type_hints

from transcribe_cli.audio.limits import Limits
from transcribe_cli.audio.media_info import MAX_SPANS, SAMPLE_RATE, Damage, Probe, Spans

_MAX_CHANNELS = 64
_MAX_SAMPLES = 1 << 48  # where the limit of the duration is infinite
_SECONDS_OF_GRACE = 61.0  # a decoder notices the end of what is allowed after a frame, or a second
_DECODERS = ("pyav", "ffmpeg")
_MAX_TEXT = 10_000

T = TypeVar("T", Probe, Damage)


class InvalidReply(Exception):
    """A reply that the child of this program does not write."""


@dataclass(frozen=True)
class Progress:
    """Seconds and samples that are decoded so far."""

    seconds: float
    samples: int


@dataclass(frozen=True)
class Failure:
    """An error of the child's: the name of its class, and what it says."""

    kind: str
    message: str
    hint: str


@dataclass(frozen=True)
class Done:
    """The result of a request, still to be checked: see `to_probe` and `to_decoded`."""

    fields: Any


@dataclass(frozen=True)
class Decoded:
    """The result of decoding: what is wrong with the waveform, which decoder wrote it, and its channels."""

    damage: Damage
    decoder: str
    channels: int


Reply = Progress | Failure | Done


def parse(line: bytes, limits: Limits) -> Reply:
    """One line of the child's. Raises InvalidReply."""
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidReply from error
    if not isinstance(reply, dict):
        raise InvalidReply
    if "done" in reply:
        return Done(reply["done"])
    if "error" in reply:
        return _checked_failure(reply["error"])
    seconds = min(limits.max_seconds + _SECONDS_OF_GRACE, _MAX_SAMPLES / SAMPLE_RATE)
    return Progress(
        float(_number(reply.get("seconds"), seconds)), _integer(reply.get("samples"), 0, math.ceil(seconds * SAMPLE_RATE))
    )


def to_probe(done: Done) -> Probe:
    """The result of `probe`. Raises InvalidReply."""
    return _record(Probe, done.fields)


def to_decoded(done: Done) -> Decoded:
    """The result of `decode`. Raises InvalidReply."""
    if not isinstance(done.fields, dict) or done.fields.get("decoder") not in _DECODERS:
        raise InvalidReply
    damage = _record(Damage, done.fields.get("damage"))
    return Decoded(damage, done.fields["decoder"], _integer(done.fields.get("channels"), 1, _MAX_CHANNELS))


def _checked_failure(error: object) -> Failure:
    if not isinstance(error, dict):
        raise InvalidReply
    return Failure(*(_text(error.get(key)) for key in ("kind", "message", "hint")))


def _record(kind: type[T], values: object) -> T:
    names = {field.name for field in fields(kind)}
    if not isinstance(values, dict) or values.keys() != names:
        raise InvalidReply
    for name, expected in get_type_hints(kind).items():
        value = values[name]
        if expected is str:
            _text(value)
        elif expected is bool:
            if not isinstance(value, bool):
                raise InvalidReply
        elif expected is int:
            _integer(value, 0, _MAX_SAMPLES)
        elif expected == Spans:
            _check_spans(value)
        elif expected == tuple[str, ...]:
            if not isinstance(value, list) or len(value) > _MAX_CHANNELS:
                raise InvalidReply
            for item in value:
                _text(item)
        elif value is not None or expected is float:
            _number(value, math.inf, -math.inf)
    checked: dict[str, Any] = {
        name: tuple(tuple(item) if isinstance(item, list) else item for item in value) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return kind(**checked)


def _check_spans(value: object) -> None:
    """Raise InvalidReply unless it is a list of stretches of time, in order."""
    if not isinstance(value, list) or len(value) > MAX_SPANS:
        raise InvalidReply
    previous = 0.0
    for span in value:
        if not isinstance(span, list) or len(span) != 2:
            raise InvalidReply
        start = _number(span[0], _MAX_SAMPLES / SAMPLE_RATE, previous)
        previous = _number(span[1], _MAX_SAMPLES / SAMPLE_RATE, start)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise InvalidReply
    return value


def _integer(value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidReply
    return value


def _number(value: object, high: float, low: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not low <= value <= high:
        raise InvalidReply
    return value
