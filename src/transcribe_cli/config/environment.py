"""The environment as a layer: `TRANSCRIBE_` and the name of an option in capitals, and the keys of places under their own names."""

from __future__ import annotations

from collections.abc import Mapping

from transcribe_cli.config.fields import FIELDS, nearest
from transcribe_cli.config.given import Given, given
from transcribe_cli.errors import ConfigError

PREFIX = "TRANSCRIBE_"
CONFIG, PROFILE, DEBUG = "TRANSCRIBE_CONFIG", "TRANSCRIBE_PROFILE", "TRANSCRIBE_DEBUG"
# What others call it; ours wins.
_FOREIGN = {"RUNPOD_API_KEY": "runpod_api_key", "OPENAI_API_KEY": "openai_api_key", "GROQ_API_KEY": "groq_api_key"}
_VARIABLES = {PREFIX + name.upper(): name for name in FIELDS}


def from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    """The options in the environment; an empty variable is one that is not set, as compose files leave them.

    Raises:
        ConfigError: for a variable of ours that means nothing, naming the nearest that does.
    """
    found = {name: given(name, environ[key], key, key, environ) for key, name in _FOREIGN.items() if environ.get(key)}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in (CONFIG, PROFILE, DEBUG):
            continue
        if variable not in _VARIABLES:
            hint = nearest(variable.upper(), [*_VARIABLES, CONFIG, PROFILE, DEBUG])
            raise ConfigError(
                f"The environment has {variable}, which is no option.", hint or "`transcribe config show` lists them all."
            )
        if text:
            name = _VARIABLES[variable]
            found[name] = given(name, text, variable, variable, environ)
    return found
