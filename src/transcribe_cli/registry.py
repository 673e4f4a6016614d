"""Names to implementations, loaded on first use: `transcribe --help` imports none of them, a missing extra names its cure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from transcribe_cli.errors import MissingExtra, UsageError


@dataclass(frozen=True)
class Extra:
    """An extra of this package, and the module that is there when it is installed."""

    name: str
    module: str


@dataclass(frozen=True)
class Registry:
    """One kind of thing that users choose by name.

    Attributes:
        kind: what it is called in messages.
        targets: name -> "module:attribute".
        extras: name -> what brings its dependencies, where the base install does not.
    """

    kind: str
    targets: Mapping[str, str]
    extras: Mapping[str, Extra]

    def names(self) -> tuple[str, ...]:
        """All names, in the order of the table."""
        return tuple(self.targets)

    def installed(self) -> tuple[str, ...]:
        """The names that can be used here, in the order of the table: all but those whose extra is missing."""
        return tuple(name for name in self.targets if (extra := self.extras.get(name)) is None or find_spec(extra.module))

    def check(self, name: str) -> str:
        """The name itself.

        Raises:
            UsageError: when there is no such name; the message has the nearest one.
        """
        if name in self.targets:
            return name
        near = get_close_matches(name, self.targets, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(self.targets)}."
        raise UsageError(f"No {self.kind} is called {name!r}.", hint)

    def load(self, name: str) -> Any:  # noqa: ANN401 - callers cast to the contract of their kind
        """Import and return what the name stands for.

        Raises:
            UsageError: for an unknown name.
            MissingExtra: when its dependencies are not installed; the hint is the pip command.
        """
        module, _, attribute = self.targets[self.check(name)].partition(":")
        try:
            return getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if (extra := self.extras.get(name)) is None:
                raise
            raise MissingExtra(
                f"{self.kind} {name} needs {error.name}, which is not installed.",
                f"Try: pip install 'transcribe-cli[{extra.name}]'",
            ) from error


FORMATS = Registry(
    "output format",
    {
        name: f"transcribe_cli.formats.{name}:render"
        for name in (
            *("json", "srt", "vtt", "ass", "lrc"),
            *("txt", "md", "docx", "html"),
            *("tsv", "csv", "textgrid", "aud", "rttm"),
        )
    },
    {"docx": Extra("docx", "docx")},
)

BACKENDS = Registry(
    "backend",
    {
        "local": "transcribe_cli.backends.local:Local",
        "runpod": "transcribe_cli.backends.runpod:RunPod",
        "openai": "transcribe_cli.backends.openai:OpenAI",
    },
    {},
)


def file_extension(name: str) -> str:
    """What files of an output format end with: its name, but where other tools look for a name of their own."""
    return "TextGrid" if name == "textgrid" else name


FILE_EXTENSIONS = frozenset(map(file_extension, FORMATS.names()))
