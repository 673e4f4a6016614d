"""Names of models: a short name, a folder, or `owner/repository@revision`."""

from __future__ import annotations

from pathlib import Path

from transcribe_cli.errors import UsageError
from transcribe_cli.text.printable import printable

# The hub allows 96 for a repository; a revision is a branch, a tag or a commit.
_MAX_CHARACTERS = 300


def local_path(name: str) -> Path | None:
    """The path that a name can be, with `~` expanded; None if no file can have this name."""
    try:
        path = Path(name).expanduser()
        path.exists()  # OSError if a part is too long
    except (OSError, ValueError, RuntimeError):  # RuntimeError: there is no such user
        return None
    return path


def check_name(name: str) -> None:
    """Check that this can be a name on the hub.

    Raises:
        UsageError: it is empty, too long, or has characters that cannot be shown.
    """
    if not name or len(name) > _MAX_CHARACTERS or printable(name) != name:
        raise UsageError(
            f"{printable(name)[:100]!r} is not the name of a model.", "Use a short name, a folder, or owner/repository."
        )
