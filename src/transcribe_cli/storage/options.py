"""The configuration of storage: tables such as `[storage.s3]` with the options of the fsspec library of that kind.

The libraries read other settings from the usual places: AWS_PROFILE and ~/.aws, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_*, ~/.ssh.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from transcribe_cli.storage.kinds import FAMILIES, SCHEMES
from transcribe_cli.text.credentials import MASK, without_credentials

# Family -> option -> value.
Options = Mapping[str, Mapping[str, Any]]
# The options, in any family, whose values may be shown and may be in a file that others can read. All others may be secrets: tokens,
# keys, cookies, headers. From the signatures of s3fs, botocore's Config, gcsfs, adlfs, fsspec's HTTP, aiohttp's session and paramiko's
# connect.
_HARMLESS = frozenset({
    "access", "account_host", "account_name", "addressing_style", "allow_agent", "anon", "api_version", "auth_timeout",
    "auto_decompress", "banner_timeout", "block_size", "blocksize", "cache_regions", "cache_timeout", "cache_type", "channel_timeout",
    "check_connection", "client_id", "compress", "conn_timeout", "connect_timeout", "connection_timeout", "consistency",
    "default_block_size", "default_cache_type", "default_fill_cache", "default_location", "defaults_mode", "disabled_algorithms",
    "encoded", "endpoint_url", "fixed_upload_size", "host", "hostname", "key_filename", "known_hosts", "listings_expiry_time",
    "location_mode", "look_for_keys", "max_attempts", "max_concurrency", "max_paths", "max_pool_connections", "mode",
    "parameter_validation", "payload_signing_enabled", "port", "profile", "project", "raise_for_status", "read_bufsize",
    "read_timeout", "region_name", "request_checksum_calculation", "requester_pays", "requests_timeout",
    "response_checksum_validation", "same_scheme", "signature_version", "simple_links", "size_policy", "sock_connect", "sock_read",
    "tcp_keepalive", "tenant_id", "timeout", "total", "total_max_attempts", "trust_env", "use_accelerate_endpoint",
    "use_dualstack_endpoint", "use_fips_endpoint", "use_listings_cache", "use_ssl", "user", "username", "verify", "version_aware",
})  # fmt: skip
# Tables in which the same names are harmless.
_HARMLESS_TABLES = frozenset({"cache_options", "client_kwargs", "config_kwargs", "retries", "s3", "timeout"})


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


def has_secrets(tables: Options) -> bool:
    """Whether the tables contain what may be a secret."""
    return without_secrets(tables) != tables


def without_secrets(tables: Options) -> Options:
    """The tables with stars for everything that is not known to be harmless, and for credentials in URLs."""
    return {family: {name: _shown(name, value) for name, value in table.items()} for family, table in tables.items()}


def _shown(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return value
    if isinstance(value, Mapping) and name in _HARMLESS_TABLES:
        return {key: _shown(key, item) for key, item in value.items()}
    if name not in _HARMLESS:
        return MASK
    if isinstance(value, list):
        return [_shown(name, item) for item in value]
    if isinstance(value, str):
        return without_credentials(value)
    return value if isinstance(value, int | float) else MASK
