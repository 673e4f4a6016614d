"""What the process of `warm` imports before it forks; nothing of it begins a thread."""

import os
from importlib import import_module

from transcribe_cli.diarizers import loading

os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # see `conftest.environment`; read when the hub's library is imported
loading.library()
for _name in ("cli", "diarizers.demo_models", "batch"):
    import_module(f"transcribe_cli.{_name}")
