"""The configuration of storage: tables such as `[storage.s3]` with the options of the fsspec library of that kind.

The libraries read other settings from the usual places: AWS_PROFILE and ~/.aws, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_*, ~/.ssh.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from transcribe_cli.storage.kinds import FAMILIES, SCHEMES

# Family -> option -> value.
Options = Mapping[str, Mapping[str, Any]]
# Options with secret values, in any family and at any depth, as in `client_kwargs`.
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
    """The tables by family. Schemes such as `gs` and `az` are converted to their family.

    Raises:
        ValueError: an unknown family, or a value that is not a table. The message has no full stop.
    """
    if not isinstance(tables, Mapping):
        raise ValueError("it must be tables such as [storage.s3]")  # noqa: TRY004 - pydantic expects ValueError for invalid input
    options: dict[str, Mapping[str, Any]] = {}
    for name, table in tables.items():
        family = SCHEMES[name].family if name in SCHEMES else name
        if family not in FAMILIES:
            near = get_close_matches(str(name), [*FAMILIES, *SCHEMES], n=1)
            hint = f"did you mean {near[0]}" if near else f"choose from {', '.join(FAMILIES)}"
            raise ValueError(f"unknown storage {name!r}; {hint}")
        if not isinstance(table, Mapping):
            raise ValueError(f"storage.{name} must be a table; write [storage.{name}] on a separate line")  # noqa: TRY004
        if wrong := next((key for key, value in table.items() if "://" in str(key) and not isinstance(value, Mapping)), None):
            raise ValueError(f"storage.{name}.{wrong!r} must be a table")
        options[family] = {**options.get(family, {}), **table}
    return options


def has_secrets(value: object) -> bool:
    """Whether a table contains a secret."""
    return isinstance(value, Mapping) and any((key in SECRETS and item) or has_secrets(item) for key, item in value.items())


def without_secrets(value: Any) -> Any:
    """Replace secrets with stars."""
    if not isinstance(value, Mapping):
        return value
    return {key: "***" if key in SECRETS and item else without_secrets(item) for key, item in value.items()}
