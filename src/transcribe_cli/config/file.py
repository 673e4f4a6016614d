"""The layer of transcribe.toml: options at the top, profiles in `[profiles.NAME]` tables, and profiles in profiles/NAME.toml.

A file has authority if the user named it, keeps it in their own configuration folder, or trusts it. Another one was only found among the
recordings, where anybody may have put it: its options with authority (`spec.Weight`) are ignored.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from transcribe_cli.config.fields import FIELDS, TABLES, suggestion, weight_of
from transcribe_cli.config.layer_values import LayerValue, parse_value
from transcribe_cli.config.reading import Content, read_content
from transcribe_cli.config.secrets import holds_secret
from transcribe_cli.config.trust import Trust, TrustRecords
from transcribe_cli.errors import ConfigError
from transcribe_cli.spec import Weight
from transcribe_cli.storage import validate_options
from transcribe_cli.text.links import Tree
from transcribe_cli.text.toml_data import parse_toml

FILE_NAME = "transcribe.toml"
_PROFILES = "profiles"
_SHOWN_CHARACTERS = 60
# Named by the user; in the user's own configuration folder; found among the recordings.
Place = Literal["named", "own", "found"]


@dataclass(frozen=True)
class Layer:
    """The options of a table.

    Attributes:
        path: the file.
        ignored: options with authority in a file without it; all options, if it is a link out of its folder. Their values do not matter.
        exposed: those of the ignored that hold a key which other users can read.
        trust: whether the user trusts the file; other files than found ones are trusted.
    """

    values: Mapping[str, LayerValue]
    path: Path
    ignored: tuple[str, ...] = ()
    trust: Trust = "trusted"
    exposed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file with only known keys.

    Attributes:
        path: absolute path of the file.
        profiles: profile name -> options of the `[profiles.NAME]` table.
        profile_files: profile name -> file `profiles/NAME.toml` next to the configuration file, not read yet.
    """

    path: Path
    options: Layer
    profiles: Mapping[str, Layer]
    profile_files: Mapping[str, Path]
    reader: FileReader

    def profile(self, name: str) -> Layer | None:
        """The options of a profile, or None if the file has none of this name.

        Raises:
            ConfigError: it is defined twice, or its file is invalid.
        """
        path = self.profile_files.get(name)
        if name in self.profiles and path:
            raise ConfigError(f"Profile {name!r} is defined twice: in {self.path} and in {path}.", "Remove one of them.")
        return self.reader.profile(path) if path else self.profiles.get(name)

    @property
    def profile_names(self) -> set[str]:
        """The names of all profiles."""
        return {*self.profiles, *self.profile_files}


@dataclass(frozen=True)
class _Document:
    """A file that was read: its options and profiles, and how far it is trusted.

    Attributes:
        leads_out: whether it is a link out of its folder. Whoever put it there could make the options of a private file, such as its
            prompt, appear in transcripts.
    """

    path: Path
    options: dict[str, Any]
    trust: Trust
    others_can_read: bool
    leads_out: bool


@dataclass(frozen=True)
class FileReader:
    """Reads files of one place.

    Attributes:
        records: which found files are trusted; None: none is.
    """

    place: Place
    environ: Mapping[str, str] = field(repr=False)
    records: TrustRecords | None = None

    def read(self, path: Path) -> ConfigFile:
        """Read a configuration file.

        Raises:
            ConfigError: the file does not exist, cannot be read, is not TOML, has an unknown key, or holds keys that others can read.
        """
        path = absolute(path)
        content = self._content(path, path.parent)
        tables = profile_tables(content.options, path)
        content.options.pop(_PROFILES, None)
        profiles = {name: self._layer(content, table, f"{path} [profiles.{name}]") for name, table in tables.items()}
        try:
            profile_files = {file.stem: file for file in sorted((path.parent / _PROFILES).glob("*.toml"))}
        except OSError as error:
            raise ConfigError(f"Cannot look for profiles next to {path}: {error.strerror}.") from error
        return ConfigFile(path, self._layer(content, content.options, str(path)), profiles, profile_files, self)

    def profile(self, path: Path) -> Layer:
        """Read a profile file. Relative paths are relative to the file. A found one is trusted on its own.

        Raises:
            ConfigError: see `read`.
        """
        content = self._content(path, path.parent.parent)
        return self._layer(content, content.options, str(path))

    def _content(self, path: Path, folder: Path) -> _Document:
        content = read_content(path, any_owner=self.place == "named")
        if self.place == "own" and content.others_can_write:
            raise ConfigError(f"{path} can be changed by other users.", f"Run chmod go-w {path}.")
        trust: Trust = "trusted"
        if self.place == "found":
            trust = self.records.trust_in(path, content.data) if self.records else "unknown"
        # Keys in an untrusted file are ignored, so they do not end the command.
        options = parse_document(path, content, refuse_exposed_keys=trust == "trusted")
        return _Document(path, options, trust, content.others_can_read, not Tree.at(folder).holds(path))

    def _layer(self, document: _Document, table: Mapping[str, Any], origin: str) -> Layer:
        """The options of one table by field name; `batch-size` is `batch_size`."""
        values: dict[str, LayerValue] = {}
        ignored: list[str] = []
        exposed: list[str] = []
        for key, value in table.items():
            name = key.replace("-", "_")
            if name not in FIELDS and name not in TABLES:
                raise _unknown_key(key, value, origin)
            if name in values or name in ignored:
                raise ConfigError(f"In {origin}, {name} is set twice, with a hyphen and with an underscore.")
            if document.trust != "trusted" and (weight_of(name) is Weight.AUTHORITY or document.leads_out):
                ignored.append(name)
                exposed += [name] if document.others_can_read and holds_secret(name, value) else []
            elif name in TABLES:
                values[name] = _storage_options(name, value, origin)
            else:
                values[name] = parse_value(name, value, origin, f"In {origin}, {name}", self.environ, document.path.parent)
        return Layer(values, document.path, tuple(ignored), document.trust, tuple(exposed))


def parse_document(path: Path, content: Content, *, refuse_exposed_keys: bool = True) -> dict[str, Any]:
    """Parse a file.

    Raises:
        ConfigError: it is not TOML, or holds a secret that other users can read and `refuse_exposed_keys`.
    """
    try:
        document = parse_toml(content.data)
    except ValueError as error:
        raise ConfigError(f"{path} {error}.") from error
    if (refuse_exposed_keys and content.others_can_read) and (
        secrets := sorted({name for name, value in _settings(document) if holds_secret(name, value)})
    ):
        raise ConfigError(
            f"{path} contains keys ({', '.join(secrets)}) and is readable by other users.",
            f"Run chmod 600 {path}, or use environment variables.",
        )
    return document


def options_with_authority(document: Mapping[str, Any]) -> list[str]:
    """The names of the options in a document, also in its profiles, that count only if the file is trusted."""
    return sorted({name for name, _ in _settings(document) if weight_of(name) is not Weight.PREFERENCE})


def profile_tables(document: Mapping[str, Any], path: Path) -> Mapping[str, Mapping[str, Any]]:
    """The `[profiles.NAME]` tables.

    Raises:
        ConfigError: they are not tables.
    """
    tables = document.get(_PROFILES, {})
    if not isinstance(tables, dict):
        raise ConfigError(f"In {path}, profiles must be tables.", "Write [profiles.NAME] on a separate line.")
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(f"In {path}, {name!r} is directly in [profiles].", "Put it in a table [profiles.NAME].")
    return tables


def _settings(document: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The known options at the top and in profiles."""
    profiles = document.get(_PROFILES)
    tables = [document, *(profiles.values() if isinstance(profiles, dict) else ())]
    pairs = [(key.replace("-", "_"), value) for table in tables if isinstance(table, dict) for key, value in table.items()]
    return [(name, value) for name, value in pairs if name in FIELDS or name in TABLES]


def find_file(start: Path) -> Path | None:
    """Find the transcribe.toml in `start` (a folder, or a file in it) or the nearest folder above. Returns an absolute path.

    Raises:
        ConfigError: a folder cannot be searched.
    """
    first = absolute(start)
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


def absolute(path: Path) -> Path:
    """The absolute path. Links are not resolved: the search continues in the folders above a link, not above its target."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def _storage_options(name: str, value: object, origin: str) -> LayerValue:
    """The tables of `[storage]`. Messages do not show their values, which may be keys."""
    try:
        tables = validate_options(value)
    except ValueError as error:
        raise ConfigError(f"In {origin}, {name}: {error}.") from error
    return LayerValue(tables, tables, origin, f"In {origin}, {name}")


def _unknown_key(key: str, value: object, origin: str) -> ConfigError:
    """The error for an unknown key: a misspelled one, or a table of options that belong at the top of the file."""
    if isinstance(value, dict):
        for inner_key in value:
            for name in (inner_key.replace("-", "_"), f"{key}_{inner_key}".replace("-", "_")):
                if name in FIELDS:
                    return ConfigError(
                        f"{origin} has an unknown table [{_shortened(key)}].",
                        f"Put {name} at the top of the file, before any table.",
                    )
    hint = suggestion(key.replace("-", "_"), [*FIELDS, *TABLES, _PROFILES])
    return ConfigError(
        f"{origin} has an unknown option {_shortened(key)!r}.", hint or "`transcribe config show` lists all options."
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
