"""File systems that are not this machine's: buckets, servers, archives. What sources, fetch and sinks know of them is here.

Reading order: `kinds` (which there are), `location` (a path there), `options` (how they are set up), `connect` (from a URL to a location),
`store` (what can be done there), `transfer`, `entry` (what a listing says), `shared` and `conditional` (what several machines
change), `trouble` (what can go wrong, in words), `ssh`.

All goes through fsspec (https://filesystem-spec.readthedocs.io), which brings one small library for each kind. They are imported when
a URL names them.
"""

from pathlib import Path, PurePath

from transcribe_cli.storage.connect import locate
from transcribe_cli.storage.entry import Entry
from transcribe_cli.storage.kinds import is_url
from transcribe_cli.storage.location import Location
from transcribe_cli.storage.options import Options, has_secrets, validate_options, without_secrets
from transcribe_cli.storage.store import Store
from transcribe_cli.storage.transfer import NoRanges

# Where a file is: on this machine, or not.
AnyPath = Path | Location

__all__ = [
    "AnyPath",
    "Entry",
    "Location",
    "NoRanges",
    "Options",
    "Store",
    "has_secrets",
    "is_url",
    "locate",
    "parse_path",
    "relative_path",
    "validate_options",
    "without_secrets",
]


def parse_path(folder: Path | str | None, options: Options) -> AnyPath | None:
    """Where an option such as `output_dir` means: a local path as it is, a URL as a location."""
    return locate(folder, options) if isinstance(folder, str) else folder


def relative_path(place: AnyPath, root: AnyPath) -> PurePath:
    """The path below a root of the same kind.

    Raises:
        ValueError: it is not below.
    """
    return place.relative_to(root) if isinstance(place, Location) else place.relative_to(str(root))
