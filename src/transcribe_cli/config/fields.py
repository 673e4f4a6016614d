"""The options: every field of `JobSpec` and `Settings`, its allowed values in words, and the texts that mean no value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec, Weight, weight
from transcribe_cli.subtitles.standards import STANDARD_NAMES, Standard

# Tables that exist only in the configuration file: they may hold keys, which must not appear in process arguments.
TABLES = ("storage",)
FIELDS: Mapping[str, FieldInfo] = {
    name: field for name, field in {**JobSpec.model_fields, **Settings.model_fields}.items() if name not in TABLES
}
_WEIGHTS = {name: weight(field) for name, field in {**JobSpec.model_fields, **Settings.model_fields}.items()}
_SINGULAR = {bool: "true or false", int: "a whole number", float: "a number", str: "text", SecretStr: "text", Path: "a path"}
_SINGULAR[Standard] = f"{', '.join(STANDARD_NAMES[:-1])} or {STANDARD_NAMES[-1]}, with optional changes: bbc,max_chars=40"
_PLURAL = {int: "whole numbers", float: "numbers", str: "texts"}


def option_type(name: str) -> Any:  # noqa: ANN401 - any annotation
    """The type of an option without `| None`: bool, int, float, str, Path, a Literal or a tuple."""
    annotation = FIELDS[name].annotation
    if get_origin(annotation) in (Union, UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def weight_of(name: str) -> Weight:
    """What an option or a table decides."""
    return _WEIGHTS[name]


def is_nullable(name: str) -> bool:
    """Whether the option can be None."""
    return type(None) in get_args(FIELDS[name].annotation)


def is_list(name: str) -> bool:
    """Whether the option is a list of values."""
    return get_origin(option_type(name)) is tuple


def choices(name: str) -> tuple[str, ...]:
    """The choices of the option; () if its values are not limited to choices."""
    return get_args(option_type(name)) if get_origin(option_type(name)) is Literal else ()


def allowed_values(name: str) -> str:
    """The allowed values in words: `a whole number from 1 to 1024, or none`."""
    if words := choices(name):
        text = f"{', '.join(words[:-1])} or {words[-1]}"
    elif is_list(name):
        item, bounds = _item_of(name)
        text = ("a list of one or more " if _bounds(name).get("min_length") else "a list of ") + _PLURAL[item] + _range(bounds)
    else:
        text = _SINGULAR[option_type(name)] + _range(_bounds(name))
    return f"{text}, or none" if is_nullable(name) else text


def parse_null(name: str, value: Any) -> Any:  # noqa: ANN401 - any value of a layer
    """Convert the texts that mean no value to None, because TOML, variables and flags have no null.

    For a nullable option, these are `none`, the empty text and, for numbers, `auto`. For a list, `none` and the empty text are the empty
    list.
    """
    word = value.strip().lower() if isinstance(value, str) else None
    if is_list(name):
        return () if word in ("", "none") else value
    nulls = ("", "none", "auto") if option_type(name) in (int, float) else ("", "none")
    return None if is_nullable(name) and word in nulls else value


def suggestion(word: str, candidates: Iterable[str]) -> str:
    """A hint with the most similar candidate, or ""."""
    near = get_close_matches(word, list(candidates), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""


def _bounds(name: str) -> dict[str, Any]:
    """The limits of a field, such as {"ge": 1, "le": 100}."""
    return _limits_in(FIELDS[name].metadata)


def _item_of(name: str) -> tuple[type, dict[str, Any]]:
    """The type of the items of a list, and their limits."""
    item = get_args(option_type(name))[0]
    if get_origin(item) is not Annotated:
        return item, {}
    kind, field = get_args(item)
    return kind, _limits_in(field.metadata)


def _limits_in(metadata: Iterable[object]) -> dict[str, Any]:
    limits = ("ge", "gt", "le", "lt", "min_length", "max_length")
    return {limit: getattr(item, limit) for item in metadata for limit in limits if hasattr(item, limit)}


def _range(bounds: Mapping[str, Any]) -> str:
    if "ge" in bounds and "le" in bounds:
        return f" from {bounds['ge']:.15g} to {bounds['le']:.15g}"
    parts = []
    if "ge" in bounds:
        parts.append(f"not below {bounds['ge']:.15g}")
    if "gt" in bounds:
        parts.append(f"above {bounds['gt']:.15g}")
    if "le" in bounds:
        parts.append(f"not above {bounds['le']:.15g}")
    if "lt" in bounds:
        parts.append(f"below {bounds['lt']:.15g}")
    if bounds.get("min_length"):
        parts.append("that is not empty")
    if bounds.get("max_length"):
        parts.append(f"of at most {bounds['max_length']} characters")
    return (" " + " and ".join(parts)) if parts else ""
