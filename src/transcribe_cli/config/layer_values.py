"""The value of an option in one layer, its origin, and the error message if it is invalid."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from transcribe_cli.config.fields import FIELDS, allowed_values, is_list, option_type, parse_null, weight_of
from transcribe_cli.errors import ConfigError
from transcribe_cli.spec import Weight
from transcribe_cli.storage import is_url
from transcribe_cli.subtitles.standards import OTHER_LANGUAGES
from transcribe_cli.text.credentials import MASK, without_credentials

# CTranslate2 model folders contain this file. It distinguishes them from other folders called `small`.
MODEL_FILE = "model.bin"
_SHOWN_CHARACTERS = 60
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class LayerValue:
    """The value of an option in one layer.

    Attributes:
        raw: the value as written, for messages.
        value: the value with nulls and paths resolved, for validation.
        origin: the source of the value, as `config show` prints it.
        subject: the subject of an error message: `--batch-size`, or `In /path/transcribe.toml, batch_size`.
    """

    raw: Any
    value: Any
    origin: str
    subject: str


def parse_value(
    name: str, raw: object, origin: str, subject: str, environ: Mapping[str, str], folder: Path | None = None
) -> LayerValue:
    """Resolve nulls and paths in the value of an option. Relative paths are relative to `folder`, if there is one.

    Raises:
        ConfigError: true or false for an option that is not boolean. pydantic would convert it to 1 or 0.
    """
    items = raw if isinstance(raw, list | tuple) else [raw]
    if option_type(name) is not bool and any(isinstance(item, bool) for item in items):
        raise _invalid_value(name, raw, subject)
    value = parse_null(name, raw)
    if isinstance(value, str) and option_type(name) is Path and not is_url(value):
        value = (folder or Path()) / _expand_home(value, environ)
    elif isinstance(value, str) and name == "model":
        value = _resolve_model(value, environ, folder)
    return LayerValue(raw, value, origin, subject)


def from_flags(flags: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, LayerValue]:
    """The values of the flags. Items of a repeated flag may be comma-separated lists, except globs, which may contain commas."""
    values = {}
    for name, raw in flags.items():
        if name not in FIELDS:
            raise TypeError(f"no field is called {name}")
        if raw is None or raw in ([], ()):
            continue
        flag = "--" + name.replace("_", "-")
        value = raw
        if is_list(name) and name not in ("include", "exclude") and isinstance(raw, list | tuple):
            value = [part for item in raw for part in (item.split(",") if isinstance(item, str) else [item])]
        values[name] = parse_value(name, value, flag, flag, environ)
    return values


def validate(model: type[M], values: Mapping[str, LayerValue]) -> M:
    """Create the model from the values, with defaults for the other fields.

    Raises:
        ConfigError: a value is invalid (the first one is reported), or values conflict.
    """
    try:
        return model.model_validate({name: values[name].value for name in model.model_fields if name in values})
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"]:
            name = str(first["loc"][0])
            if len(first["loc"]) > 1 and isinstance(values[name].value, dict | str):  # a field of a subtitle standard
                raise _invalid_field(values[name].subject, first) from None
            raise _invalid_value(name, values[name].raw, values[name].subject, first) from None
        raise _conflict(_reason(first), values) from None


def _invalid_value(name: str, raw: object, subject: str, error: ErrorDetails | None = None) -> ConfigError:
    shown = _shown(name, raw)
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[:_SHOWN_CHARACTERS] + "…"
    reason = _reason(error) if error and error["type"] == "value_error" else f"it must be {allowed_values(name)}"
    return ConfigError(f"{subject} cannot be {shown}: {without_credentials(reason)}.")


def _shown(name: str, raw: object) -> str:
    """The value in a message. It may be a key, or a URL with one and a mistake."""
    text = without_credentials(json.dumps(raw, ensure_ascii=False, default=str))
    looks_like_url = any(sign in text.lower() for sign in ("@", "?", ";", "%40"))
    may_hold_key = option_type(name) is SecretStr or (weight_of(name) is Weight.AUTHORITY and looks_like_url)
    return MASK if may_hold_key else text


def _invalid_field(subject: str, error: ErrorDetails) -> ConfigError:
    """The error for a field such as `max_chars` in `[subtitles]` or `--subtitles bbc,max_chars=x`."""
    path = ".".join(str(part) for part in error["loc"][1:] if part != OTHER_LANGUAGES)
    return ConfigError(f"{subject}: {path} cannot be {json.dumps(error['input'], default=str)}: {_reason(error).lower()}.")


def _reason(error: ErrorDetails) -> str:
    cause = error.get("ctx", {}).get("error")
    return str(cause or error["msg"]).rstrip(".")


def _conflict(reason: str, values: Mapping[str, LayerValue]) -> ConfigError:
    """The error for valid values that conflict. It lists the options named in the reason with their origins."""
    named = [name for name in FIELDS if re.search(rf"\b{name}\b", reason)]
    origins = "; ".join(f"{name}: {values[name].origin if name in values else 'default'}" for name in named)
    return ConfigError(f"The options conflict: {reason} ({origins}).")


def _expand_home(text: str, environ: Mapping[str, str]) -> Path:
    """Replace `~` with the user's home folder."""
    if (text == "~" or text.startswith("~/")) and environ.get("HOME"):
        return Path(environ["HOME"], text[2:])
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"Cannot expand {text}: {error}.") from error


def _resolve_model(text: str, environ: Mapping[str, str], folder: Path | None) -> str:
    if text.startswith("~"):
        return str(_expand_home(text, environ))
    try:
        is_model = folder is not None and (folder / text / MODEL_FILE).is_file()
    except OSError:  # not a valid file name
        is_model = False
    return str(folder / text) if folder and is_model else text
