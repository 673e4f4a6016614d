"""The environment layer: `TRANSCRIBE_` plus the option name in capitals, and API keys under the names that their services use."""

from __future__ import annotations

from collections.abc import Mapping

from transcribe_cli.config.fields import FIELDS, suggestion
from transcribe_cli.config.layer_values import LayerValue, parse_value
from transcribe_cli.errors import ConfigError

PREFIX = "TRANSCRIBE_"
CONFIG, PROFILE, DEBUG = "TRANSCRIBE_CONFIG", "TRANSCRIBE_PROFILE", "TRANSCRIBE_DEBUG"
# Variables that other tools read too. The TRANSCRIBE_ variable takes precedence.
_SERVICE_KEYS = {"RUNPOD_API_KEY": "runpod_api_key", "OPENAI_API_KEY": "openai_api_key", "GROQ_API_KEY": "groq_api_key"}
_VARIABLES = {PREFIX + name.upper(): name for name in FIELDS}


def from_environment(environ: Mapping[str, str]) -> dict[str, LayerValue]:
    """The options set in the environment. Empty variables count as unset, because compose files leave them empty.

    Raises:
        ConfigError: an unknown TRANSCRIBE_ variable. The hint has the most similar known one.
    """
    values = {name: parse_value(name, environ[key], key, key, environ) for key, name in _SERVICE_KEYS.items() if environ.get(key)}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in (CONFIG, PROFILE, DEBUG):
            continue
        if variable not in _VARIABLES:
            hint = suggestion(variable.upper(), [*_VARIABLES, CONFIG, PROFILE, DEBUG])
            raise ConfigError(f"Unknown environment variable {variable}.", hint or "`transcribe config show` lists all options.")
        if text:
            name = _VARIABLES[variable]
            values[name] = parse_value(name, text, variable, variable, environ)
    return values
