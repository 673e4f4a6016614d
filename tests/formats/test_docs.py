"""docs/formats.md is complete."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.formats.documents import spoken, transcript
from transcribe_cli.costs.estimate import cost_of
from transcribe_cli.costs.prices import Price
from transcribe_cli.formats import MEDIA_TYPES
from transcribe_cli.registry import FORMATS
from transcribe_cli.transcript import Transcript

DOCS = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """The paths of all keys: `segments[].words[].start`."""
    if isinstance(value, list) and value:
        yield from paths(value[0], f"{prefix}[]")
    elif isinstance(value, dict) and prefix not in ("job.spec", "outputs"):
        for key, item in value.items():
            path = f"{prefix}.{key}" if prefix else key
            yield path
            yield from paths(item, path)


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_format_is_described(name: str) -> None:
    """In the table, with its media type, and in its own section."""
    assert re.search(rf"^\| `{name}` .*`{re.escape(MEDIA_TYPES[name])}` \|$", DOCS, re.MULTILINE)
    assert f"\n## {name.upper()}\n" in DOCS


def test_every_key_of_the_document_is_described() -> None:
    """Also optional keys."""
    words = tuple(word.model_copy(update={"speaker": "Ana", "aligned": False}) for word in spoken("Bom dia.").words or ())
    full = transcript(spoken("Bom dia.", speaker="Ana").model_copy(update={"words": words}))
    paid = full.model_copy(update={"cost": cost_of(Price("contract 7", per_hour=0.35), seconds=323.1)})
    found = set(paths(json.loads(paid.dumps())))
    assert "segments[].words[].aligned" in found
    listed = {name for line in DOCS.splitlines() if line.startswith("| `") for name in re.findall(r"`([^`]+)`", line)}
    assert sorted(found - listed) == []


def test_the_example_is_a_document() -> None:
    """It can be parsed, and is written with the same bytes."""
    example = re.search(r"```json\n(.*?)```", DOCS, re.DOTALL)
    assert example
    assert Transcript.loads(example[1]).dumps() == example[1]
