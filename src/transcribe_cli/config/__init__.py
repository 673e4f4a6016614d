"""Every option's value and where it came from: defaults < transcribe.toml < profile < environment < flags.

Reading order: `fields` (what an option may be), `given` (a value, its origin, and what is wrong with it), then the layers `file` and
`environment`; `template` writes a file to start with. Every field of `JobSpec` and `Settings` is an option of every layer.
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
from transcribe_cli.config.given import Given, from_flags, validated
from transcribe_cli.config.template import OPTION_GROUPS, REMOTE_GROUP, template
from transcribe_cli.errors import ConfigError
from transcribe_cli.settings import Settings
from transcribe_cli.spec import PRESETS, JobSpec
from transcribe_cli.storage import without_secrets

__all__ = ["FILE_NAME", "OPTION_GROUPS", "REMOTE_GROUP", "Config", "Value", "find_file", "load_config", "template"]

DEFAULT = "default"


@dataclass(frozen=True)
class Value:
    """What an option is, and where that was said: `default`, a file, a file's `[profiles.night]`, a variable or a flag."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Config:
    """The configuration of a run.

    Attributes:
        values: every field of `spec` and `settings`, in their order, and tables that were given, without secrets.
        file: the configuration file that was read, absolute.
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
    """Put the layers together and check the values that win.

    Args:
        flags: what was typed, by field name; None and empty lists are flags that were not given.
        environ: the environment; `TRANSCRIBE_CONFIG` and `TRANSCRIBE_PROFILE` stand in for the next arguments.
        start: where the search upwards for transcribe.toml begins, a file or folder.
        config: read this file instead; /dev/null is a file without options.
        profile: a `[profiles.NAME]` table of the file, or `profiles/NAME.toml` beside it.

    Raises:
        ConfigError: one line that names the file, variable or flag, what is wrong, and what is allowed.
    """
    path = config or (Path(environ[CONFIG]) if environ.get(CONFIG) else find_file(start))
    file = ConfigFile.read(path, environ) if path else None
    layers = [
        file.options if file else {},
        _profile(file, profile or environ.get(PROFILE), environ),
        from_environment(environ),
        from_flags(flags, environ),
    ]
    given: dict[str, Given] = {name: found for layer in layers for name, found in layer.items()}
    spec = validated(JobSpec, given)
    settings = validated(Settings, given)
    known = dict(spec) | dict(settings)
    preset = dict.fromkeys(PRESETS[spec.preset], f"preset {spec.preset}")
    origins = preset | {name: found.origin for name, found in given.items()}
    values = {name: Value(known[name], origins.get(name, DEFAULT)) for name in FIELDS}
    values |= {name: Value(without_secrets(given[name].value), origins[name]) for name in TABLES if name in given}
    return Config(spec, settings, MappingProxyType(values), file.path if file else None)


def _profile(file: ConfigFile | None, name: str | None, environ: Mapping[str, str]) -> Mapping[str, Given]:
    if not name:
        return {}
    if file is None:
        raise ConfigError(f"There is no profile {name!r}, because no {FILE_NAME} was found here or above.")
    path = file.profile_files.get(name)
    if name in file.profiles and path:
        raise ConfigError(f"Profile {name!r} is there twice: in {file.path} and in {path}.", "Remove one of them.")
    if name in file.profiles:
        return file.profiles[name]
    if path:
        return from_profile_file(path, environ)
    known = sorted({*file.profiles, *file.profile_files})
    raise ConfigError(
        f"{file.path} has no profile {name!r}.", f"There are: {', '.join(known)}." if known else "It has no profiles at all."
    )
