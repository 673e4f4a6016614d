"""Merges the layers: what counts, and what of a found file does not."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transcribe_cli.config.fields import FIELDS, weight_of
from transcribe_cli.config.file import Layer
from transcribe_cli.config.layer_values import LayerValue
from transcribe_cli.config.trust import Trust
from transcribe_cli.spec import Weight


@dataclass(frozen=True)
class Ignored:
    """The options of a found file that do not count.

    Attributes:
        exposed: those that hold a key which other users can read.
    """

    file: Path
    names: tuple[str, ...]
    trust: Trust
    exposed: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why, in words that follow the name of the file."""
        return "changed after it was trusted" if self.trust == "changed" else "was only found, not trusted"

    @property
    def message(self) -> str:
        """One line with the file, the options and the command that makes them count."""
        names = ", ".join(f"{name} (other users can read it)" if name in self.exposed else name for name in self.names)
        file = shlex.quote(str(self.file))
        command = f"chmod 600 {file} && transcribe config trust {file}" if self.exposed else f"transcribe config trust {file}"
        return f"{self.file} {self.reason}; ignored in it: {names}. If you trust it: {command}"


def merge(
    layers: Sequence[Layer | Mapping[str, LayerValue]],
) -> tuple[dict[str, LayerValue], tuple[Ignored, ...]]:
    """Merge layers, the last one wins. A found file that is not trusted can lower limits, not raise them."""
    merged: dict[str, LayerValue] = {}
    ignored: dict[Path, tuple[Trust, list[str], list[str]]] = {}
    for layer in layers:
        if not isinstance(layer, Layer):
            merged |= layer
            continue
        raised = [name for name, value in layer.values.items() if layer.trust != "trusted" and _raises(name, value, merged)]
        merged |= {name: value for name, value in layer.values.items() if name not in raised}
        if names := [*layer.ignored, *raised]:
            _, all_names, exposed = ignored.setdefault(layer.path, (layer.trust, [], []))
            all_names += names
            exposed += layer.exposed
    return merged, tuple(
        Ignored(path, tuple(sorted(set(names))), trust, tuple(sorted(set(exposed))))
        for path, (trust, names, exposed) in ignored.items()
    )


def _raises(name: str, value: LayerValue, merged: Mapping[str, LayerValue]) -> bool:
    """Whether this value of a limit is above the one so far."""
    if weight_of(name) is not Weight.LIMIT:
        return False
    return _number(value.value) > _number(merged[name].value if name in merged else FIELDS[name].default)


def _number(value: Any) -> float:  # noqa: ANN401 - any value of a layer
    try:
        return float(value)
    except (TypeError, ValueError):  # None is no limit; what is no number is reported when it counts
        return float("inf")
