"""The options: every field of `JobSpec` and `Settings`, what each may be in words, and what text stands for no value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec
from transcribe_cli.subtitles.standards import STANDARD_NAMES, Standard

# Tables of the configuration file and nothing else: they may hold keys, which have no place among the arguments of a process.
TABLES = ("storage",)
FIELDS: Mapping[str, FieldInfo] = {
    name: field for name, field in {**JobSpec.model_fields, **Settings.model_fields}.items() if name not in TABLES
}
_SINGULAR = {bool: "true or false", int: "a whole number", float: "a number", str: "text", SecretStr: "text", Path: "a path"}
_SINGULAR[Standard] = f"{', '.join(STANDARD_NAMES)}, and what differs from it: bbc,max_chars=40"
_PLURAL = {int: "whole numbers", float: "numbers", str: "texts"}


def kind(name: str) -> Any:  # noqa: ANN401 - any annotation
    """The type of an option without its `| None`: bool, int, float, str, Path, a Literal or a tuple."""
    annotation = FIELDS[name].annotation
    if get_origin(annotation) in (Union, UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def is_nullable(name: str) -> bool:
    """Whether the option may have no value."""
    return type(None) in get_args(FIELDS[name].annotation)


def is_list(name: str) -> bool:
    """Whether the option is a list of values."""
    return get_origin(kind(name)) is tuple


def choices(name: str) -> tuple[str, ...]:
    """The words of which the option is one; () when it is something else."""
    return get_args(kind(name)) if get_origin(kind(name)) is Literal else ()


def allowed(name: str) -> str:
    """What the option may be, in words: `a whole number from 1 to 1024, or none`."""
    if words := choices(name):
        text = f"{', '.join(words[:-1])} or {words[-1]}"
    elif is_list(name):
        text = ("a list of one or more " if _bounds(name).get("min_length") else "a list of ") + _PLURAL[get_args(kind(name))[0]]
    else:
        text = _SINGULAR[kind(name)] + _range(_bounds(name))
    return f"{text}, or none" if is_nullable(name) else text


def without_nulls(name: str, value: Any) -> Any:  # noqa: ANN401 - any value of a layer
    """The value, with the texts that stand for none turned into it: TOML, variables and flags have no null of their own.

    `none` and the empty text are no value for an option that may have none, and the empty list for a list; `auto` too, for numbers.
    """
    word = value.strip().lower() if isinstance(value, str) else None
    if is_list(name):
        return () if word in ("", "none") else value
    nulls = ("", "none", "auto") if kind(name) in (int, float) else ("", "none")
    return None if is_nullable(name) and word in nulls else value


def nearest(word: str, among: Iterable[str]) -> str:
    """A hint with the most similar of these, or ""."""
    near = get_close_matches(word, list(among), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""


def _bounds(name: str) -> dict[str, Any]:
    """The limits of a field, such as {"ge": 1, "le": 100}."""
    limits = ("ge", "gt", "le", "lt", "min_length")
    return {limit: getattr(item, limit) for item in FIELDS[name].metadata for limit in limits if hasattr(item, limit)}


def _range(bounds: Mapping[str, Any]) -> str:
    if "ge" in bounds and "le" in bounds:
        return f" from {bounds['ge']} to {bounds['le']}"
    parts = []
    if "ge" in bounds:
        parts.append(f"not below {bounds['ge']}")
    if "gt" in bounds:
        parts.append(f"above {bounds['gt']}")
    if "le" in bounds:
        parts.append(f"not above {bounds['le']}")
    if "lt" in bounds:
        parts.append(f"below {bounds['lt']}")
    if bounds.get("min_length"):
        parts.append("that is not empty")
    return (" " + " and ".join(parts)) if parts else ""
