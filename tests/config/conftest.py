"""A folder with a configuration file, and loading as the command line does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transcribe_cli.config import Config, TrustRecords, load_config


@pytest.fixture
def configured(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Config]:
    """Load from `tmp_path`: `configured(toml, {"TRANSCRIBE_MODEL": "small"}, batch_size="8")`; toml None: no file.

    The file is found, and the user trusts it.
    """
    records = TrustRecords(tmp_path_factory.mktemp("trusted"))

    def run(
        toml: str | None = None,
        environ: dict[str, str] | None = None,
        *,
        profile: str | None = None,
        config: Path | None = None,
        **flags: Any,
    ) -> Config:
        if toml is not None:
            file = tmp_path / "transcribe.toml"
            file.write_text(toml, encoding="utf-8")
            file.chmod(0o600)
            records.path(file).write_bytes(records.record(file, file.read_bytes()))
        return load_config(flags, environ=environ or {}, start=tmp_path, config=config, profile=profile, records=records)

    return run
