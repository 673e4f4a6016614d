"""Accepts option spellings of openai/whisper and whisperX, and rewrites them to ours before Typer parses them.

`--output_dir x` is `--output-dir x`; booleans accept `--flag`, `--no-flag`, `--flag True` and `--flag=false`; a few options have
other names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transcribe_cli.cli.options import BOOLEANS, flag_name
from transcribe_cli.errors import UsageError

RENAMED = {
    "--logprob-threshold": "--log-prob-threshold",
    "--vad-onset": "--vad-threshold",
    "--model-directory": "--model",
}
UNSUPPORTED = {
    "--condition-on-previous-text": "clips are recognized independently, so that one error cannot affect the rest of a file",
    "--fp16": "use --compute-type float16 or float32",
    "--verbose": "progress is always shown; --quiet silences it",
    "--print-progress": "progress is always shown; --quiet silences it",
    "--no-align": "use --no-word-timestamps",
    "--align-model": "word times come from the model itself",
    "--temperature-increment-on-fallback": "list all temperatures: --temperature 0,0.2,0.4",
    "--clip-timestamps": "cut the recording first, for example with ffmpeg",
    "--batched": "recognition is always batched; --batch-size 1 recognizes one clip at a time",
    "--vad-method": "Silero is the only method",
    "--chunk-size": "clips are at most 30 s long",
}  # fmt: skip
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_FLAGS = frozenset(flag_name(name) for name in BOOLEANS)


def normalize_arguments(arguments: Sequence[str]) -> list[str]:
    """The arguments in our spelling; arguments after `--` are not changed.

    Raises:
        UsageError: an option of another tool that this one does not support; the message says what to use.
    """
    options, operands = list(arguments), []
    if "--" in options:
        end = options.index("--")
        options, operands = options[:end], options[end:]
    return [*_rewrite(options), *operands]


def _rewrite(arguments: Sequence[str]) -> Iterator[str]:
    remaining = iter(enumerate(arguments))
    for position, argument in remaining:
        if not argument.startswith("--"):
            yield argument
            continue
        name, equals, value = argument.partition("=")
        name = name.replace("_", "-")
        name = RENAMED.get(name, name)
        if name in UNSUPPORTED:
            raise UsageError(f"{name} is not supported: {UNSUPPORTED[name]}.")
        if name not in _FLAGS:
            yield f"{name}{equals}{value}"
            continue
        following = arguments[position + 1].lower() if position + 1 < len(arguments) else ""
        if not equals and following in {"true", "false"}:
            next(remaining)
            value = following
        yield _boolean_flag(name, value)


def _boolean_flag(name: str, value: str) -> str:
    if value == "" or value.lower() in _TRUE:
        return name
    if value.lower() in _FALSE:
        return f"--no-{name.removeprefix('--')}"
    raise UsageError(f"{name} takes True or False, not {value!r}.")
