"""A value that a user gave, where it was said, and, when it is wrong, the one sentence that says so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from transcribe_cli.config.fields import FIELDS, allowed, is_list, kind, without_nulls
from transcribe_cli.errors import ConfigError
from transcribe_cli.storage import is_url
from transcribe_cli.subtitles.standards import OTHER_LANGUAGES

# A model folder as CTranslate2 writes it has this file; a folder that only happens to be called `small` does not.
MODEL_FILE = "model.bin"
_SHOWN_CHARACTERS = 60
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Given:
    """One value as a layer has it.

    Attributes:
        raw: as it was written, for messages.
        value: the same with nulls and paths resolved, for validation.
        origin: where it was said, as `config show` prints it.
        where: the subject of a message about it: `--batch-size`, or `In /path/transcribe.toml, batch_size`.
    """

    raw: Any
    value: Any
    origin: str
    where: str


def given(name: str, raw: object, origin: str, where: str, environ: Mapping[str, str], folder: Path | None = None) -> Given:
    """What a layer says about the option `name`; relative paths are resolved against `folder` when there is one.

    Raises:
        ConfigError: for a bare true or false where something else is meant, which pydantic would take for 1 or 0.
    """
    items = raw if isinstance(raw, list | tuple) else [raw]
    if kind(name) is not bool and any(isinstance(item, bool) for item in items):
        raise _wrong(name, raw, where)
    value = without_nulls(name, raw)
    if isinstance(value, str) and kind(name) is Path and not is_url(value):
        value = (folder or Path()) / _home(value, environ)
    elif isinstance(value, str) and name == "model":
        value = _model(value, environ, folder)
    return Given(raw, value, origin, where)


def from_flags(flags: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Given]:
    """The flags that were given; each item of a repeated one may be a comma list, except of globs, whose names have commas."""
    found = {}
    for name, raw in flags.items():
        if name not in FIELDS:
            raise TypeError(f"no field is called {name}")
        if raw is None or raw in ([], ()):
            continue
        flag = "--" + name.replace("_", "-")
        value = raw
        if is_list(name) and name not in ("include", "exclude") and isinstance(raw, list | tuple):
            value = [part for item in raw for part in (item.split(",") if isinstance(item, str) else [item])]
        found[name] = given(name, value, flag, flag, environ)
    return found


def validated(model: type[M], layers: Mapping[str, Given]) -> M:
    """The model with what was given, its defaults for the rest.

    Raises:
        ConfigError: for the first value that is wrong, or values that do not fit together.
    """
    try:
        return model.model_validate({name: layers[name].value for name in model.model_fields if name in layers})
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"]:
            name = str(first["loc"][0])
            if len(first["loc"]) > 1 and isinstance(layers[name].value, dict | str):  # a number of a standard
                raise _wrong_inside(layers[name].where, first) from None
            raise _wrong(name, layers[name].raw, layers[name].where, first) from None
        raise _clash(_reason(first), layers) from None


def _wrong(name: str, raw: object, where: str, error: ErrorDetails | None = None) -> ConfigError:
    shown = json.dumps(raw, ensure_ascii=False, default=str)
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[:_SHOWN_CHARACTERS] + "…"
    reason = _reason(error) if error and error["type"] == "value_error" else f"it must be {allowed(name)}"
    return ConfigError(f"{where} cannot be {shown}: {reason}.")


def _wrong_inside(where: str, error: ErrorDetails) -> ConfigError:
    """Of `max_chars` in `[subtitles]`, or in `--subtitles bbc,max_chars=x`."""
    path = ".".join(str(part) for part in error["loc"][1:] if part != OTHER_LANGUAGES)
    return ConfigError(f"{where}: {path} cannot be {json.dumps(error['input'], default=str)}: {_reason(error).lower()}.")


def _reason(error: ErrorDetails) -> str:
    cause = error.get("ctx", {}).get("error")
    return str(cause or error["msg"]).rstrip(".")


def _clash(reason: str, layers: Mapping[str, Given]) -> ConfigError:
    """Values that are right alone and wrong together: the options that the reason names, and where each was said."""
    named = [name for name in FIELDS if re.search(rf"\b{name}\b", reason)]
    origins = "; ".join(f"{name}: {layers[name].origin if name in layers else 'default'}" for name in named)
    return ConfigError(f"The options do not fit together: {reason} ({origins}).")


def _home(text: str, environ: Mapping[str, str]) -> Path:
    """The path with `~` replaced by the user's home."""
    if (text == "~" or text.startswith("~/")) and environ.get("HOME"):
        return Path(environ["HOME"], text[2:])
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{text} cannot be meant: {error}.") from error


def _model(text: str, environ: Mapping[str, str], folder: Path | None) -> str:
    if text.startswith("~"):
        return str(_home(text, environ))
    try:
        beside = folder is not None and (folder / text / MODEL_FILE).is_file()
    except OSError:  # a name that no file can have
        beside = False
    return str(folder / text) if folder and beside else text
