"""Which values are secrets, and what of a value may be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from transcribe_cli.config.fields import TABLES, option_type, parse_null, weight_of
from transcribe_cli.spec import Weight
from transcribe_cli.storage import has_secrets, validate_options, without_secrets
from transcribe_cli.subtitles.standards import Standard
from transcribe_cli.text.credentials import MASK, has_credentials, without_credentials


def holds_secret(name: str, value: object) -> bool:
    """Whether the value of an option, as a file has it, contains a key or a password."""
    if name in TABLES:
        try:
            return has_secrets(validate_options(value))
        except ValueError:  # reported with the option
            return False
    if weight_of(name) is not Weight.AUTHORITY:
        return False
    texts = [text for text in (value if isinstance(value, list) else [value]) if parse_null(name, text) is not None]
    if option_type(name) is SecretStr:
        return any("://" not in str(text) or has_credentials(str(text)) for text in texts)
    return any(isinstance(text, str) and has_credentials(text) for text in texts)


def shown(name: str, value: Any) -> Any:  # noqa: ANN401 - any value of an option
    """The value as it may be printed: only what is known to be harmless. URLs lose their credentials."""
    if name in TABLES:
        return without_secrets(value)
    if value is None or isinstance(value, bool | int | float | SecretStr | Standard):
        return value
    if isinstance(value, tuple):
        return tuple(shown(name, item) for item in value)
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, Path):
        text = without_credentials(str(value))
        return value if text == str(value) else text
    return MASK
