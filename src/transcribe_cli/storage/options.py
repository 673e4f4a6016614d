"""How storage is set up: tables such as `[storage.s3]`, whose keys are the options of the fsspec library of that kind.

What is not said there, the libraries find where those of their world always look: AWS_PROFILE and ~/.aws,
GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_*, ~/.ssh.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from transcribe_cli.storage.kinds import FAMILIES, SCHEMES

# Family -> option -> value.
Options = Mapping[str, Mapping[str, Any]]
# Options whose values are nobody's business, in any family. Those of `client_kwargs` and the like count too.
SECRETS = (
    "key",
    "secret",
    "token",
    "password",
    "passphrase",
    "account_key",
    "sas_token",
    "connection_string",
    "client_secret",
    "credential",
    "aws_secret_access_key",
    "aws_session_token",
    "headers",
    "auth",
)


def validate_options(tables: object) -> Options:
    """The tables by family; `gs`, `az` and the like are taken for theirs.

    Raises:
        ValueError: a family that there is none of, or one that is no table; the message ends without a full stop.
    """
    if not isinstance(tables, Mapping):
        raise ValueError("it must be tables such as [storage.s3]")  # noqa: TRY004 - pydantic takes a ValueError for bad input
    found: dict[str, Mapping[str, Any]] = {}
    for name, table in tables.items():
        family = SCHEMES[name].family if name in SCHEMES else name
        if family not in FAMILIES:
            near = get_close_matches(str(name), [*FAMILIES, *SCHEMES], n=1)
            hint = f"did you mean {near[0]}" if near else f"there are {', '.join(FAMILIES)}"
            raise ValueError(f"there is no storage called {name!r}; {hint}")
        if not isinstance(table, Mapping):
            raise ValueError(f"storage.{name} must be a table; write [storage.{name}] on a line of its own")  # noqa: TRY004
        found[family] = {**found.get(family, {}), **table}
    return found


def has_secrets(value: object) -> bool:
    """Whether a table holds something that others must not read."""
    return isinstance(value, Mapping) and any((key in SECRETS and inner) or has_secrets(inner) for key, inner in value.items())


def without_secrets(value: Any) -> Any:
    """The same with stars in the place of secrets."""
    if not isinstance(value, Mapping):
        return value
    return {key: "***" if key in SECRETS and inner else without_secrets(inner) for key, inner in value.items()}
