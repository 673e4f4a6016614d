"""Buckets, servers and archives. Other rooms access them through this one.

Reading order: `kinds`, `location` (a path in a store), `options` (configuration), `origins` and `http_session` (who gets credentials),
`connect` (from a URL to a location), `store` (operations), `client` (time limits and retries), `bounded` (size limits), `transfer`,
`entry` (metadata in listings), `shared_files` and `conditional` (files that several machines change), `signing`, `errors`, `ssh`.

fsspec (https://filesystem-spec.readthedocs.io) has a small library for each kind. It is imported when a URL needs it.
"""

from pathlib import Path, PurePath

from transcribe_cli.storage.bounded import FileTooLarge
from transcribe_cli.storage.connect import locate
from transcribe_cli.storage.entry import Entry
from transcribe_cli.storage.kinds import is_url
from transcribe_cli.storage.location import Location, is_single_name
from transcribe_cli.storage.options import Options, has_secrets, validate_options, without_secrets
from transcribe_cli.storage.origins import bind_to_sources
from transcribe_cli.storage.store import Store
from transcribe_cli.storage.transfer import RangesNotSupported

# The path of a local file, or a location in a store.
AnyPath = Path | Location

__all__ = [
    "AnyPath",
    "Entry",
    "FileTooLarge",
    "Location",
    "Options",
    "RangesNotSupported",
    "Store",
    "as_folder",
    "below",
    "bind_to_sources",
    "has_secrets",
    "is_single_name",
    "is_url",
    "locate",
    "parse_path",
    "relative_path",
    "validate_options",
    "without_secrets",
]


def as_folder(value: object) -> object:
    """The path in an option such as `output_dir`. A URL stays text, because a Path would drop one of its slashes."""
    return Path(value) if isinstance(value, str) and not is_url(value) else value


def parse_path(folder: Path | str | None, options: Options) -> AnyPath | None:
    """Convert a URL in an option such as `output_dir` to a location. Local paths are returned unchanged."""
    return locate(folder, bind_to_sources(options, [folder])) if isinstance(folder, str) else folder


def below(folder: AnyPath, relative: PurePath) -> AnyPath:
    """The path of several parts below a folder.

    Raises:
        ValueError: a part is not a single name, such as `..`, so that the path would lead elsewhere.
    """
    path = folder
    for part in relative.parts:
        if not is_single_name(part):
            raise ValueError(f"{part!r} is not a file name")
        path = path / part
    return path


def relative_path(path: AnyPath, root: AnyPath) -> PurePath:
    """The path below a root of the same kind.

    Raises:
        ValueError: the path is not below the root.
    """
    return path.relative_to(root) if isinstance(path, Location) else path.relative_to(str(root))
