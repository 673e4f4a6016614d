"""transcribe.toml as a layer: options at the top, `[profiles.NAME]` tables of the same options, and profiles/NAME.toml beside it.

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

from transcribe_cli.config.fields import FIELDS, TABLES, nearest
from transcribe_cli.config.given import Given, given
from transcribe_cli.errors import ConfigError
from transcribe_cli.storage import checked, has_secrets

FILE_NAME = "transcribe.toml"
_PROFILES = "profiles"


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file that was read and whose keys are all known.

    Attributes:
        path: absolute.
        profiles: by name, the options of its `[profiles.NAME]` tables.
        profile_files: by name, the files `profiles/NAME.toml` beside it; not read yet.
    """

    path: Path
    options: Mapping[str, Given]
    profiles: Mapping[str, Mapping[str, Given]]
    profile_files: Mapping[str, Path]

    @classmethod
    def read(cls, path: Path, environ: Mapping[str, str]) -> Self:
        """Read a file.

        Raises:
            ConfigError: it is not there, cannot be read, is not TOML, or has a key that means nothing.
        """
        path = _absolute(path)
        document = _toml(path)
        tables = document.pop(_PROFILES, {})
        if not isinstance(tables, dict):
            raise ConfigError(f"In {path}, profiles must be tables.", "Write [profiles.NAME] on a line of its own.")
        profiles = {}
        for name, table in tables.items():
            if not isinstance(table, dict):
                raise ConfigError(f"In {path}, {name!r} is directly in [profiles].", "Put it below a line [profiles.NAME].")
            profiles[name] = _options(table, path, f"{path} [profiles.{name}]", environ)
        try:
            beside = {found.stem: found for found in sorted((path.parent / _PROFILES).glob("*.toml"))}
        except OSError as error:
            raise ConfigError(f"Cannot look for profiles beside {path}: {error.strerror}.") from error
        return cls(path, _options(document, path, str(path), environ), profiles, beside)


def find_file(start: Path) -> Path | None:
    """The transcribe.toml in `start` (a file's folder, or a folder) or the nearest folder above it; absolute.

    Raises:
        ConfigError: when a folder cannot be searched.
    """
    first = _absolute(start)
    for folder in (first, *first.parents):
        candidate = folder / FILE_NAME
        try:
            # Not followed, so that a broken link is told when it is read, rather than passed over.
            candidate.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise ConfigError(f"Cannot look for {FILE_NAME} in {folder}: {error.strerror}.") from error
        return candidate
    return None


def from_profile_file(path: Path, environ: Mapping[str, str]) -> Mapping[str, Given]:
    """The options of a profile that has a file of its own; relative paths in it are relative to it.

    Raises:
        ConfigError: as for the configuration file.
    """
    return _options(_toml(path), path, str(path), environ)


def _absolute(path: Path) -> Path:
    # Not `resolve`: above a linked folder, the folders that the user sees are meant.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomli.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"There is no configuration file {path}.") from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from error


def _options(table: Mapping[str, Any], path: Path, origin: str, environ: Mapping[str, str]) -> dict[str, Given]:
    """The options of one table, by field name; `batch-size` is `batch_size`."""
    found: dict[str, Given] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name in TABLES:
            found[name] = _tables(name, value, path, origin)
            continue
        if name not in FIELDS:
            raise _unknown(key, value, origin)
        if name in found:
            raise ConfigError(f"In {origin}, {name} is there twice, with a hyphen and with an underscore.")
        found[name] = given(name, value, origin, f"In {origin}, {name}", environ, path.parent)
    return found


def _tables(name: str, value: object, path: Path, origin: str) -> Given:
    """The tables of `[storage]`, which are not shown in messages, because they may hold keys."""
    try:
        tables = checked(value)
    except ValueError as error:
        raise ConfigError(f"In {origin}, {name}: {error}.") from error
    if has_secrets(tables) and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"{path} holds keys, and others may read it.", f"Use chmod 600 {path}, or variables of the environment."
        )
    return Given(tables, tables, origin, f"In {origin}, {name}")


def _unknown(key: str, value: object, origin: str) -> ConfigError:
    """A key that means nothing: misspelled, or a table that holds options which belong outside any table."""
    if isinstance(value, dict):
        for inner in value:
            for name in (inner.replace("-", "_"), f"{key}_{inner}".replace("-", "_")):
                if name in FIELDS:
                    return ConfigError(
                        f"{origin} has a table [{key}], which is none of ours.",
                        f"Put {name} at the top of the file, before any table.",
                    )
    hint = nearest(key.replace("-", "_"), [*FIELDS, *TABLES, _PROFILES])
    return ConfigError(f"{origin} has {key!r}, which is no option.", hint or "`transcribe config show` lists them all.")
