"""Results as a table on the terminal, as Markdown and as JSON. Other results of the same day and machine are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import kind, load, machine, versions

FOLDER = Path(__file__).parent / "results"


@dataclass
class Target:
    """A target, and the measured value."""

    aim: str
    reached: str
    met: bool


@dataclass
class Table:
    """One case in one place.

    Attributes:
        key: identifies the table; a later measurement with the same key replaces it.
        rows: the cells as text, for people.
        figures: the numbers, including every round, for programs.
        load: the load average at the start.
        scale: targets apply only at scale 1.
    """

    key: str
    title: str
    columns: Sequence[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    scale: float = 1.0
    load: str = field(default_factory=load)
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    versions: dict[str, str] = field(default_factory=versions)

    def text(self) -> str:
        """The table for the terminal."""
        widths = [max(len(row[place]) for row in [list(self.columns), *self.rows]) for place in range(len(self.columns))]
        lines = [f"\n{self._headline}"]
        for row in [list(self.columns), *self.rows]:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
            lines.append("  " + "  ".join(cells))
        return "\n".join([*lines, *(f"  {line}" for line in self._below())])

    def markdown(self) -> str:
        """The table for the results folder."""
        head = [f"| {' | '.join(self.columns)} |", "|---" + "|---:" * (len(self.columns) - 1) + "|"]
        body = [f"| {' | '.join(row)} |" for row in self.rows]
        below = [
            *self._below(),
            f"Measured {self.at}, load average {self.load}; transcribe-cli {self.versions['transcribe-cli']}.",
        ]
        return "\n".join([f"### {self._headline}", "", *head, *body, "", *(f"- {line}" for line in below), ""])

    @property
    def _headline(self) -> str:
        return self.title if self.scale == 1 else f"{self.title} (scale {self.scale:g})"

    def _below(self) -> list[str]:
        scaled = f"at scale {self.scale:g}"
        verdicts = [(scaled if self.scale != 1 else "met" if target.met else "MISSED", target) for target in self.targets]
        return [*(f"{verdict}: {target.aim}: {target.reached}" for verdict, target in verdicts), *self.notes]


def keep(table: Table, folder: Path = FOLDER, prefix: str = "") -> Path:
    """Store the table with the other tables of today, in files whose names begin with `prefix`. Returns the Markdown file."""
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / f"{prefix}{datetime.now(UTC).date()}-{kind()}.json"
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {"tables": []}
    tables = [item for item in known["tables"] if item["key"] != table.key] + [asdict(table)]
    date = f"{datetime.now(UTC).date()}"
    everything = {
        "date": date,
        "machine": machine(),
        "versions": versions(),
        "tables": sorted(tables, key=lambda item: item["key"]),
    }
    path.write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n", "utf-8")
    page = path.with_suffix(".md")
    page.write_text(_page(everything), "utf-8")
    return page


def _page(everything: dict[str, Any]) -> str:
    facts = [f"- {name}: {value}" for part in ("machine", "versions") for name, value in everything[part].items()]
    tables = [Table(**item | {"targets": [Target(**target) for target in item["targets"]]}) for item in everything["tables"]]
    head = [f"# Benchmark of {everything['date']}", "", "What each table means: [README](../README.md).", "", *facts, ""]
    return "\n".join([*head, *(table.markdown() for table in tables)]).rstrip() + "\n"
