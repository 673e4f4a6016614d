"""The layer of transcribe.toml: options at the top, profiles in `[profiles.NAME]` tables, and profiles in profiles/NAME.toml.

TOML 1.1: https://toml.io/en/v1.1.0
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import tomli

from transcribe_cli.config.fields import FIELDS, TABLES, suggestion
from transcribe_cli.config.layer_values import LayerValue, parse_value
from transcribe_cli.errors import ConfigError
from transcribe_cli.storage import has_secrets, validate_options

FILE_NAME = "transcribe.toml"
_PROFILES = "profiles"


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file with only known keys.

    Attributes:
        path: absolute path of the file.
        profiles: profile name -> options of the `[profiles.NAME]` table.
        profile_files: profile name -> file `profiles/NAME.toml` next to the configuration file, not read yet.
    """

    path: Path
    options: Mapping[str, LayerValue]
    profiles: Mapping[str, Mapping[str, LayerValue]]
    profile_files: Mapping[str, Path]

    @classmethod
    def read(cls, path: Path, environ: Mapping[str, str]) -> Self:
        """Read a file.

        Raises:
            ConfigError: the file does not exist, cannot be read, is not TOML, or has an unknown key.
        """
        path = _absolute(path)
        document = _toml(path)
        tables = document.pop(_PROFILES, {})
        if not isinstance(tables, dict):
            raise ConfigError(f"In {path}, profiles must be tables.", "Write [profiles.NAME] on a separate line.")
        profiles = {}
        for name, table in tables.items():
            if not isinstance(table, dict):
                raise ConfigError(f"In {path}, {name!r} is directly in [profiles].", "Put it in a table [profiles.NAME].")
            profiles[name] = _options(table, path, f"{path} [profiles.{name}]", environ)
        try:
            profile_files = {file.stem: file for file in sorted((path.parent / _PROFILES).glob("*.toml"))}
        except OSError as error:
            raise ConfigError(f"Cannot look for profiles next to {path}: {error.strerror}.") from error
        return cls(path, _options(document, path, str(path), environ), profiles, profile_files)


def find_file(start: Path) -> Path | None:
    """Find the transcribe.toml in `start` (a folder, or a file in it) or the nearest folder above. Returns an absolute path.

    Raises:
        ConfigError: a folder cannot be searched.
    """
    first = _absolute(start)
    for folder in (first, *first.parents):
        candidate = folder / FILE_NAME
        try:
            # lstat, so that a broken link is reported when the file is read, not skipped.
            candidate.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise ConfigError(f"Cannot look for {FILE_NAME} in {folder}: {error.strerror}.") from error
        return candidate
    return None


def from_profile_file(path: Path, environ: Mapping[str, str]) -> Mapping[str, LayerValue]:
    """Read the options of a profile file. Relative paths are relative to the file.

    Raises:
        ConfigError: see `ConfigFile.read`.
    """
    return _options(_toml(path), path, str(path), environ)


def _absolute(path: Path) -> Path:
    # Not `resolve`: the search continues in the folders above a link, not above its target.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomli.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"The configuration file {path} does not exist.") from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from error


def _options(table: Mapping[str, Any], path: Path, origin: str, environ: Mapping[str, str]) -> dict[str, LayerValue]:
    """The options of one table by field name; `batch-size` is `batch_size`."""
    values: dict[str, LayerValue] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name in TABLES:
            values[name] = _storage_options(name, value, path, origin)
            continue
        if name not in FIELDS:
            raise _unknown_key(key, value, origin)
        if name in values:
            raise ConfigError(f"In {origin}, {name} is set twice, with a hyphen and with an underscore.")
        values[name] = parse_value(name, value, origin, f"In {origin}, {name}", environ, path.parent)
    return values


def _storage_options(name: str, value: object, path: Path, origin: str) -> LayerValue:
    """The tables of `[storage]`. Messages do not show their values, which may be keys."""
    try:
        tables = validate_options(value)
    except ValueError as error:
        raise ConfigError(f"In {origin}, {name}: {error}.") from error
    if has_secrets(tables) and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"{path} contains keys and is readable by other users.", f"Run chmod 600 {path}, or use environment variables."
        )
    return LayerValue(tables, tables, origin, f"In {origin}, {name}")


def _unknown_key(key: str, value: object, origin: str) -> ConfigError:
    """The error for an unknown key: a misspelled one, or a table of options that belong at the top of the file."""
    if isinstance(value, dict):
        for inner_key in value:
            for name in (inner_key.replace("-", "_"), f"{key}_{inner_key}".replace("-", "_")):
                if name in FIELDS:
                    return ConfigError(
                        f"{origin} has an unknown table [{key}].",
                        f"Put {name} at the top of the file, before any table.",
                    )
    hint = suggestion(key.replace("-", "_"), [*FIELDS, *TABLES, _PROFILES])
    return ConfigError(f"{origin} has an unknown option {key!r}.", hint or "`transcribe config show` lists all options.")
