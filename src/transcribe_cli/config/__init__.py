"""The value and the origin of every option: defaults < transcribe.toml < profile < environment < flags.

Reading order: `fields` (allowed values), `layer_values` (a value, its origin and its error), then the layers `file` and `environment`.
`template` generates a starter file. Every field of `JobSpec` and `Settings` is an option in every layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from transcribe_cli.config.environment import CONFIG, PROFILE, from_environment
from transcribe_cli.config.fields import FIELDS, TABLES
from transcribe_cli.config.file import FILE_NAME, ConfigFile, find_file, from_profile_file
from transcribe_cli.config.layer_values import LayerValue, from_flags, validate
from transcribe_cli.config.template import OPTION_GROUPS, REMOTE_GROUP, template
from transcribe_cli.errors import ConfigError
from transcribe_cli.settings import Settings
from transcribe_cli.spec import PRESETS, JobSpec
from transcribe_cli.storage import without_secrets

__all__ = ["FILE_NAME", "OPTION_GROUPS", "REMOTE_GROUP", "Config", "Value", "find_file", "load_config", "template"]

DEFAULT = "default"


@dataclass(frozen=True)
class Value:
    """The value of an option and its origin: `default`, a preset, a file, a file's `[profiles.night]`, a variable or a flag."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Config:
    """The configuration of a run.

    Attributes:
        values: every field of `spec` and `settings` in order, and the tables that were set, without secrets.
        file: absolute path of the configuration file, if one was read.
    """

    spec: JobSpec
    settings: Settings
    values: Mapping[str, Value]
    file: Path | None


def load_config(
    flags: Mapping[str, Any],
    *,
    environ: Mapping[str, str],
    start: Path,
    config: Path | None = None,
    profile: str | None = None,
) -> Config:
    """Merge the layers and validate the result.

    Args:
        flags: the flags by field name. None and empty lists are flags that were not used.
        environ: the environment. `TRANSCRIBE_CONFIG` and `TRANSCRIBE_PROFILE` are the defaults of `config` and `profile`.
        start: file or folder where the upward search for transcribe.toml starts.
        config: read this file instead. /dev/null is a file without options.
        profile: a `[profiles.NAME]` table of the file, or `profiles/NAME.toml` next to it.

    Raises:
        ConfigError: one line with the file, variable or flag, the problem, and the allowed values.
    """
    path = config or (Path(environ[CONFIG]) if environ.get(CONFIG) else find_file(start))
    file = ConfigFile.read(path, environ) if path else None
    layers = [
        file.options if file else {},
        _profile(file, profile or environ.get(PROFILE), environ),
        from_environment(environ),
        from_flags(flags, environ),
    ]
    merged: dict[str, LayerValue] = {name: value for layer in layers for name, value in layer.items()}
    spec = validate(JobSpec, merged)
    settings = validate(Settings, merged)
    fields = dict(spec) | dict(settings)
    preset = dict.fromkeys(PRESETS[spec.preset], f"preset {spec.preset}")
    origins = preset | {name: value.origin for name, value in merged.items()}
    values = {name: Value(fields[name], origins.get(name, DEFAULT)) for name in FIELDS}
    values |= {name: Value(without_secrets(merged[name].value), origins[name]) for name in TABLES if name in merged}
    return Config(spec, settings, MappingProxyType(values), file.path if file else None)


def _profile(file: ConfigFile | None, name: str | None, environ: Mapping[str, str]) -> Mapping[str, LayerValue]:
    if not name:
        return {}
    if file is None:
        raise ConfigError(f"Profile {name!r} does not exist: no {FILE_NAME} was found here or in a folder above.")
    path = file.profile_files.get(name)
    if name in file.profiles and path:
        raise ConfigError(f"Profile {name!r} is defined twice: in {file.path} and in {path}.", "Remove one of them.")
    if name in file.profiles:
        return file.profiles[name]
    if path:
        return from_profile_file(path, environ)
    known = sorted({*file.profiles, *file.profile_files})
    raise ConfigError(
        f"{file.path} has no profile {name!r}.", f"Choose from: {', '.join(known)}." if known else "It has no profiles."
    )
