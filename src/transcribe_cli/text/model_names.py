"""Names of models: a short name, a folder, or `owner/repository@revision`."""

from __future__ import annotations

import re
from pathlib import Path

from transcribe_cli.errors import UsageError
from transcribe_cli.text.printable import printable

# The hub allows 96 for a repository; a revision is a branch, a tag or a commit.
_MAX_CHARACTERS = 300
# The names of one model besides `owner/faster-whisper-NAME`. A test compares this with the table of faster-whisper.
_ALIASES = {
    "turbo": "large-v3-turbo",
    "large": "large-v3",
    "mobiuslabsgmbh/faster-whisper-large-v3-turbo": "large-v3-turbo",
    "distil-whisper/distil-large-v3.5-ct2": "distil-large-v3.5",
}
_STANDARD = re.compile(r"Systran/faster-(distil-)?whisper-(.+)")
_COMMIT_DIGITS = 7


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


def canonical_name(name: str) -> str:
    """One name for all names of a model: `turbo` and its repository are `large-v3-turbo`. A revision stays behind its `@`."""
    called, at, revision = name.partition("@")
    if (standard := _STANDARD.fullmatch(called)) is not None:
        called = f"{'distil-' if standard[1] else ''}{standard[2]}"
    return f"{_ALIASES.get(called, called)}{at}{revision}"


def is_same_model(wanted: str, used: str, used_revision: str | None = None) -> bool:
    """Whether a model that was used is the one that is wanted. One that is wanted without a revision may have had any.

    `used_revision` is the commit that the hub delivered, if it is known.
    """
    if Path(wanted) == Path(used):  # also with a slash at the end
        return True
    name, _, revision = canonical_name(wanted).partition("@")
    used_name, _, named_revision = canonical_name(used).partition("@")
    if name != used_name:
        return False
    is_commit = len(revision) >= _COMMIT_DIGITS and (used_revision or "").startswith(revision)
    return not revision or revision == named_revision or is_commit
