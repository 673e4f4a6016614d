"""The file that `transcribe config init` writes, and the examples in configs/."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from transcribe_cli.config import OPTION_GROUPS, Config, load_config, template
from transcribe_cli.config.fields import FIELDS
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

CONFIGS = Path(__file__).parents[2] / "configs"
OPTION = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)


def test_configs_transcribe_toml_is_what_config_init_writes() -> None:
    """After changing an option, run: transcribe config init configs --force."""
    assert (CONFIGS / "transcribe.toml").read_text(encoding="utf-8") == template()


def test_the_template_changes_nothing(configured: Callable[..., Config]) -> None:
    """Every line is a comment."""
    assert {value.origin for value in configured(template()).values.values()} == {"default"}


def test_the_template_has_every_option_once_with_its_default(configured: Callable[..., Config]) -> None:
    """With the comment signs removed, every value comes from the file and equals the default."""
    options, _, _ = template().partition("# ---- Profiles")
    config = configured(OPTION.sub("", options))
    assert (config.spec, config.settings) == (JobSpec(), Settings())
    assert [name for name, value in config.values.items() if value.origin == "default"] == []


def test_every_option_is_in_one_group() -> None:
    """A new field needs a group."""
    assert sorted(name for names in OPTION_GROUPS.values() for name in names) == sorted(FIELDS)


def test_the_example_profile_in_the_template_works(configured: Callable[..., Config]) -> None:
    """With its comment signs removed."""
    _, _, example = template().partition("# ---- Profiles")
    lines = [line[2:] for line in example.splitlines() if line.startswith(("# [", "# model"))]
    assert configured("\n".join(lines), profile="night").spec.model == "large-v3"


@pytest.mark.parametrize("path", sorted((CONFIGS / "profiles").glob("*.toml")), ids=lambda path: path.stem)
def test_the_example_profiles_load_and_change_something(path: Path) -> None:
    """With `--config configs/transcribe.toml --profile NAME`. Every line has an effect."""
    config = load_config({}, environ={}, start=CONFIGS, profile=path.stem)
    changed = {name for name, value in config.values.items() if value.origin == str(path)}
    assert changed
    assert not [name for name in changed if config.values[name].value == FIELDS[name].default]
