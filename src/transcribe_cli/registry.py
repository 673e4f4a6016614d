"""Registries that map names to implementations. They import on first use, so that `transcribe --help` is fast.

A missing extra is an error with the pip command that installs it.
"""

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
    """An extra of this package, and a module that it installs."""

    name: str
    module: str


@dataclass(frozen=True)
class Registry:
    """One kind of implementation that users choose by name.

    Attributes:
        kind: its name in messages.
        targets: name -> "module:attribute".
        extras: name -> extra with its dependencies, for names that the base install does not cover.
    """

    kind: str
    targets: Mapping[str, str]
    extras: Mapping[str, Extra]

    def names(self) -> tuple[str, ...]:
        """All names, in the order of the table."""
        return tuple(self.targets)

    def installed(self) -> tuple[str, ...]:
        """The names whose dependencies are installed, in the order of the table."""
        return tuple(name for name in self.targets if (extra := self.extras.get(name)) is None or find_spec(extra.module))

    def check(self, name: str) -> str:
        """Return the name.

        Raises:
            UsageError: the name is unknown. The hint has the most similar name.
        """
        if name in self.targets:
            return name
        near = get_close_matches(name, self.targets, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Choose from: {', '.join(self.targets)}."
        raise UsageError(f"Unknown {self.kind} {name!r}.", hint)

    def load(self, name: str) -> Any:  # noqa: ANN401 - callers cast to the contract of the kind
        """Import and return the implementation.

        Raises:
            UsageError: the name is unknown.
            MissingExtra: its dependencies are not installed. The hint is the pip command.
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
    """The file extension of an output format: its name, or the extension that other tools expect."""
    return "TextGrid" if name == "textgrid" else name


FILE_EXTENSIONS = frozenset(map(file_extension, FORMATS.names()))
