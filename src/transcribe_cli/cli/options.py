"""The flags of `run` and `plan`, generated from the fields of `JobSpec` and `Settings`.

A command takes them as `**flags`; the decorator adds the signature that Typer reads. Every flag defaults to None: the real default is
defined once, in the field, and `config` can tell which flags were given.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from transcribe_cli.config import OPTION_GROUPS, REMOTE_GROUP
from transcribe_cli.config.fields import FIELDS
from transcribe_cli.subtitles.standards import Standard

P = ParamSpec("P")
R = TypeVar("R")

SHORT = {"model": "-m", "language": "-l", "output_format": "-f", "output_dir": "-o", "quiet": "-q"}
BOOLEANS = frozenset(name for name, field in FIELDS.items() if field.annotation is bool)


def flag_name(field: str) -> str:
    """`batch_size` -> `--batch-size`."""
    return "--" + field.replace("_", "-")


def with_job_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add an option for each field of the spec and the settings, without those of remote backends, to a command with `**flags`."""
    return with_options(*(panel for panel in OPTION_GROUPS if panel != REMOTE_GROUP))(command)


def with_all_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add an option for each field of the spec and the settings to a command with `**flags`."""
    return with_options(*OPTION_GROUPS)(command)


def with_options(*panels: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Add the options of these groups (`config.OPTION_GROUPS`) to a command with `**flags`."""
    return lambda command: _with_parameters(
        command, [_parameter(name, panel) for panel in panels for name in OPTION_GROUPS[panel]]
    )


def _with_parameters(command: Callable[P, R], added: Sequence[inspect.Parameter]) -> Callable[P, R]:
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    command.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *added]}
    return command


def _parameter(name: str, panel: str) -> inspect.Parameter:
    field = FIELDS[name]
    names = [*([SHORT[name]] if name in SHORT else []), flag_name(name)]
    description = (field.description or "").rstrip(".")
    help_text = f"{description[:1].upper()}{description[1:]}. {_default(field)}".strip()
    if name in BOOLEANS:
        names[-1] = f"{flag_name(name)}/{flag_name('no_' + name)}"
        annotation: Any = Annotated[
            bool | None, typer.Option(*names, help=help_text, rich_help_panel=panel, show_default=False, metavar="")
        ]
    else:
        kind = list[str] if get_origin(field.annotation) is tuple else str
        option = typer.Option(*names, help=help_text, rich_help_panel=panel, show_default=False, metavar=_metavar(field))
        annotation = Annotated[kind | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None or value == () or isinstance(value, bool):
        return ""
    return f"Default: {','.join(map(str, value)) if isinstance(value, tuple) else value}."


def _metavar(field: FieldInfo) -> str:
    kinds = [kind for kind in _leaves(field.annotation) if kind is not type(None) and kind is not Ellipsis]
    if any(isinstance(kind, str) for kind in kinds):
        choices = "|".join(str(kind) for kind in kinds)
        return f"[{choices}]" if len(choices) < 30 else "TYPE"
    names = {int: "N", float: "X", str: "TEXT", SecretStr: "SECRET", Standard: "STANDARD"}
    word = next((names[kind] for kind in kinds if kind in names), "PATH")
    return f"{word},…" if get_origin(field.annotation) is tuple else word


def _leaves(annotation: Any) -> list[Any]:  # noqa: ANN401 - any annotation
    """The types and literal values in an annotation."""
    if get_origin(annotation) is Annotated:
        return _leaves(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType, tuple):
        return [leaf for part in get_args(annotation) for leaf in _leaves(part)]
    return list(get_args(annotation)) if get_origin(annotation) is Literal else [annotation]
