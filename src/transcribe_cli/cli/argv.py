"""The spellings that users of openai/whisper and whisperX know, turned into ours before Typer reads them.

`--output_dir x` is `--output-dir x`; booleans take `--flag`, `--no-flag`, `--flag True` and `--flag=false`; a few options have
another name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transcribe_cli.cli.options import BOOLEANS, flag_name
from transcribe_cli.errors import UsageError

SAME_AS = {
    "--logprob-threshold": "--log-prob-threshold",
    "--vad-onset": "--vad-threshold",
    "--model-directory": "--model",
}
ELSEWHERE = {
    "--condition-on-previous-text": "clips are recognized independently of each other, so that one error cannot run through a file",
    "--fp16": "use --compute-type float16 or float32",
    "--verbose": "progress is always shown; --quiet silences it",
    "--print-progress": "progress is always shown; --quiet silences it",
    "--no-align": "use --no-word-timestamps",
    "--align-model": "word times come from the model itself",
    "--temperature-increment-on-fallback": "give the whole ladder: --temperature 0,0.2,0.4",
    "--clip-timestamps": "cut the recording before, with ffmpeg for example",
    "--batched": "recognition is always batched; --batch-size 1 takes clips one by one",
    "--vad-method": "Silero is the only one",
    "--chunk-size": "clips are always at most 30 s",
}  # fmt: skip
TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
_FLAGS = frozenset(flag_name(name) for name in BOOLEANS)


def normalized(arguments: Sequence[str]) -> list[str]:
    """The arguments in our spelling; what follows `--` is left alone.

    Raises:
        UsageError: for a flag of another tool that has no meaning here, saying what does.
    """
    head, tail = list(arguments), []
    if "--" in head:
        cut = head.index("--")
        head, tail = head[:cut], head[cut:]
    return [*_rewritten(head), *tail]


def _rewritten(arguments: Sequence[str]) -> Iterator[str]:
    remaining = iter(enumerate(arguments))
    for position, argument in remaining:
        if not argument.startswith("--"):
            yield argument
            continue
        name, equals, value = argument.partition("=")
        name = name.replace("_", "-")
        name = SAME_AS.get(name, name)
        if name in ELSEWHERE:
            raise UsageError(f"{name} is not an option here: {ELSEWHERE[name]}.")
        if name not in _FLAGS:
            yield f"{name}{equals}{value}"
            continue
        following = arguments[position + 1].lower() if position + 1 < len(arguments) else ""
        if not equals and following in {"true", "false"}:
            next(remaining)
            value = following
        yield _switched(name, value)


def _switched(name: str, value: str) -> str:
    if value == "" or value.lower() in TRUE:
        return name
    if value.lower() in FALSE:
        return f"--no-{name.removeprefix('--')}"
    raise UsageError(f"{name} takes True or False, not {value!r}.")
