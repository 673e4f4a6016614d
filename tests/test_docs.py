"""The documentation names files and rooms that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import transcribe_cli

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "transcribe_cli"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CHANGING = (ROOT / "docs" / "changing.md").read_text(encoding="utf-8")
PAGES = sorted(path for path in ROOT.glob("**/*.md") if not {".venv", ".venv-worker", "node_modules"} & set(path.parts))
ROOMS = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}

FILE = re.compile(r"`((?:src|tests|docs|tools|configs)/[\w./-]+|[\w-]+\.(?:md|toml))`")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


@pytest.mark.parametrize("path", sorted(set(FILE.findall(CHANGING))))
def test_the_files_to_change_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_ten_commonest_changes_name_their_files() -> None:
    changes = re.split(r"^## ", CHANGING, flags=re.MULTILINE)[1:]
    assert len(changes) >= 10
    assert [change.splitlines()[0] for change in changes if len(FILE.findall(change)) < 2] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_the_architecture_describes_every_room() -> None:
    assert {room for room in ROOMS if f"**`{room}/`**" not in ARCHITECTURE} == set()


def test_the_picture_shows_every_room_and_no_other() -> None:
    picture = ARCHITECTURE.partition("```mermaid")[2].partition("```")[0]
    shown = re.findall(r"\w+\[(\w+(?:\.py|/))\]", picture)
    assert {name.rstrip("/") for name in shown if name.endswith("/")} == ROOMS
    assert [name for name in shown if not (PACKAGE / name).exists()] == []


def test_every_room_has_a_layer() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = pyproject["tool"]["importlinter"]["contracts"]
    names = [name for layer in contract["layers"] for name in layer.split(" | ")]
    assert len(contract["layers"]) <= 22
    assert set(names) >= ROOMS
    assert len(names) == len(set(names))


def test_the_glossary_is_short() -> None:
    rows = ARCHITECTURE.partition("## Glossary")[2].strip().splitlines()[2:]
    assert 0 < len(rows) <= 20


def test_the_citation_has_the_version_of_the_package() -> None:
    assert f"\nversion: {transcribe_cli.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
