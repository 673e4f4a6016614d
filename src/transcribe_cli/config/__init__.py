"""The value and the origin of every option: defaults < the user's own file < the file found or given < profile < environment < flags.

Reading order: `fields` (allowed values), `layer_values` (a value, its origin and its error), then the layers: `reading` (which files are
read at all), `trust` (which found files the user trusts), `secrets`, `file`, `environment`, and `merging` (what counts). `template`
generates a starter file. Every field of `JobSpec` and `Settings` is an option in every layer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from transcribe_cli.config.environment import CONFIG, PROFILE, from_environment
from transcribe_cli.config.fields import FIELDS, TABLES
from transcribe_cli.config.file import FILE_NAME, ConfigFile, FileReader, Layer, find_file
from transcribe_cli.config.layer_values import LayerValue, from_flags, validate
from transcribe_cli.config.merging import Ignored, merge
from transcribe_cli.config.secrets import shown
from transcribe_cli.config.template import OPTION_GROUPS, REMOTE_GROUP, template
from transcribe_cli.config.trust import TrustRecords
from transcribe_cli.errors import ConfigError
from transcribe_cli.settings import Settings
from transcribe_cli.spec import PRESETS, JobSpec

__all__ = [
    "FILE_NAME",
    "OPTION_GROUPS",
    "REMOTE_GROUP",
    "Config",
    "Ignored",
    "TrustRecords",
    "Value",
    "find_file",
    "load_config",
    "template",
]

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
        file: absolute path of the configuration file, if one was found or given.
        ignored: what files contain that does not count.
    """

    spec: JobSpec
    settings: Settings
    values: Mapping[str, Value]
    file: Path | None
    ignored: tuple[Ignored, ...] = ()


def load_config(
    flags: Mapping[str, Any],
    *,
    environ: Mapping[str, str],
    start: Path,
    config: Path | None = None,
    profile: str | None = None,
    own: Path | None = None,
    records: TrustRecords | None = None,
) -> Config:
    """Merge the layers and validate the result.

    Args:
        flags: the flags by field name. None and empty lists are flags that were not used.
        environ: the environment. `TRANSCRIBE_CONFIG` and `TRANSCRIBE_PROFILE` are the defaults of `config` and `profile`.
        start: file or folder where the upward search for transcribe.toml starts.
        config: read this file instead. /dev/null is a file without options.
        profile: a `[profiles.NAME]` table of a file, or `profiles/NAME.toml` next to it.
        own: the user's own file, which need not exist.
        records: the found files that the user trusts. Default: none.

    Raises:
        ConfigError: one line with the file, variable or flag, the problem, and the allowed values.
    """
    files, file = _read_files(config or (Path(environ[CONFIG]) if environ.get(CONFIG) else None), start, environ, own, records)
    layers = [entry.options for entry in files] + _profile(files, profile or environ.get(PROFILE))
    merged, ignored = merge([*layers, from_environment(environ), from_flags(flags, environ)])
    try:
        spec, settings = validate(JobSpec, merged), validate(Settings, merged)
    except ConfigError as error:  # it may be because of what was ignored
        raise ConfigError(error.message, " ".join(filter(None, (error.hint, *(entry.message for entry in ignored))))) from None
    return Config(spec, settings, MappingProxyType(_values(spec, settings, merged)), file.path if file else None, ignored)


def _read_files(
    given: Path | None, start: Path, environ: Mapping[str, str], own: Path | None, records: TrustRecords | None
) -> tuple[list[ConfigFile], ConfigFile | None]:
    """The user's own file and the one given or found, in the order of precedence; and the latter alone."""
    path = given or find_file(start)
    own = own if own and os.path.lexists(own) else None
    if own and path and _is_same(own, path):
        path, given = own, own
        own = None
    file = FileReader("named" if given else "found", environ, records).read(path) if path else None
    own_file = FileReader("own", environ).read(own) if own else None
    return [entry for entry in (own_file, file) if entry], file


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _values(spec: JobSpec, settings: Settings, merged: Mapping[str, LayerValue]) -> dict[str, Value]:
    fields = dict(spec) | dict(settings)
    preset = dict.fromkeys(PRESETS[spec.preset], f"preset {spec.preset}")
    origins = preset | {name: value.origin for name, value in merged.items()}
    values = {name: Value(shown(name, fields[name]), origins.get(name, DEFAULT)) for name in FIELDS}
    return values | {name: Value(shown(name, merged[name].value), origins[name]) for name in TABLES if name in merged}


def _profile(files: Sequence[ConfigFile], name: str | None) -> list[Layer]:
    """The options of the profile in each file that has it."""
    if not name:
        return []
    if layers := [layer for file in files if (layer := file.profile(name)) is not None]:
        return layers
    if not files:
        raise ConfigError(f"Profile {name!r} does not exist: no {FILE_NAME} was found here or in a folder above.")
    known = sorted(set().union(*(file.profile_names for file in files)))
    raise ConfigError(
        f"{files[-1].path} has no profile {name!r}.", f"Choose from: {', '.join(known)}." if known else "It has no profiles."
    )
