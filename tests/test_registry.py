"""Registries of implementations."""

from __future__ import annotations

import pytest

from transcribe_cli.errors import MissingExtra
from transcribe_cli.formats import check_formats
from transcribe_cli.registry import FILE_EXTENSIONS, FORMATS, Extra, Registry, file_extension
from transcribe_cli.settings import Settings
from transcribe_cli.sinks.names import NAME_BYTES, shorten_name

KIND = Registry(
    "output format",
    {"csv": "transcribe_cli.formats.csv:render", "odt": "no_such_module:render"},
    {"odt": Extra("odt", "no_such_module")},
)


def test_all_means_every_installed_format() -> None:
    """`all` skips formats with a missing extra. Here every extra is installed."""
    assert KIND.installed() == ("csv",)
    assert Settings(output_format=("all",)).output_format == FORMATS.names() == FORMATS.installed()


def test_a_missing_extra_names_the_pip_command() -> None:
    """It is reported before the run."""
    with pytest.raises(MissingExtra, match=r"odt needs no_such_module, .* pip install 'transcribe-cli\[odt\]'"):
        KIND.load("odt")


def test_every_format_can_be_loaded() -> None:
    """A run checks this before its first recording."""
    check_formats(FORMATS.names())


def test_every_file_extension_fits() -> None:
    """Also after a name of the maximum length. No two formats share an extension."""
    assert len(FILE_EXTENSIONS) == len(FORMATS.names())
    assert all(len(f"{shorten_name('x' * 300)}.{file_extension(name)}") <= NAME_BYTES for name in FORMATS.names())
