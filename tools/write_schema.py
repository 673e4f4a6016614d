"""Write docs/transcript.schema.json from the model of the document; `--check` only checks whether it is current."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from transcribe_cli.transcript import Transcript

SCHEMA = Path(__file__).parent.parent / "docs" / "transcript.schema.json"


def schema() -> str:
    """The JSON schema (draft 2020-12) of the documents that this version writes."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Transcript.model_json_schema(mode="serialization")}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        SCHEMA.write_text(schema(), encoding="utf-8")
    elif not SCHEMA.exists() or SCHEMA.read_text(encoding="utf-8") != schema():
        sys.exit(f"{SCHEMA.name} is not current: run python tools/write_schema.py")
