"""A folder with a configuration file, and loading as the command line does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transcribe_cli.config import Config, load_config


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    """Load from `tmp_path`: `configured(toml, {"TRANSCRIBE_MODEL": "small"}, batch_size="8")`; toml None: no file."""

    def run(
        toml: str | None = None,
        environ: dict[str, str] | None = None,
        *,
        profile: str | None = None,
        config: Path | None = None,
        **flags: Any,
    ) -> Config:
        if toml is not None:
            (tmp_path / "transcribe.toml").write_text(toml, encoding="utf-8")
        return load_config(flags, environ=environ or {}, start=tmp_path, config=config, profile=profile)

    return run
