"""Which keys of a client's spec count: those that change the text, not those that name code, models or files.

What a worker loads is named by its operator alone. A model of a pickle format is code, so a client that could name one would have the
worker. A field with authority, or one that does not say, must have the worker's own value. The bounds of the others are those of `JobSpec`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from transcribe_cli.errors import NotReady, UsageError
from transcribe_cli.spec import RTTM, JobSpec, Weight, weight
from transcribe_cli.text.printable import printable

# What a client decides: every field without authority. The rest names code, models or files, and is the operator's.
CLIENT_FIELDS = frozenset(name for name, field in JobSpec.model_fields.items() if weight(field) is not Weight.AUTHORITY)
# The turns that the client sends, with the digest that `plan` appends. It is no path.
_GIVEN_TURNS = re.compile(rf"{RTTM}(:[0-9a-f]{{0,64}})?")
_SHOWN_CHARACTERS = 100


def accepted(spec: JobSpec, own: JobSpec) -> JobSpec:
    """Return the spec with which the worker runs a client's job.

    Args:
        spec: of the client.
        own: of the worker.

    Raises:
        NotReady: it names another model than the worker's own.
        UsageError: a text in it is not Unicode.
    """
    for name in sorted(CLIENT_FIELDS):
        for value in _values(getattr(spec, name)):
            if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
                raise UsageError(f"The job's {name} is not valid Unicode.")
    if not spec.diarize:
        spec = spec.model_copy(update={"diarize_model": own.diarize_model})  # it has no effect, so it need not match
    for name in sorted(JobSpec.model_fields.keys() - CLIENT_FIELDS):
        requested, offered = getattr(spec, name), getattr(own, name)
        is_given = name == "diarize_model" and _GIVEN_TURNS.fullmatch(requested)
        if requested != offered and not is_given:
            flag = name.replace("_", "-")
            raise NotReady(
                f"This endpoint has the {name.replace('_', ' ')} {_shown(offered)}, not {_shown(requested)}.",
                f"Use --{flag} {_shown(offered)}.",
            )
    return spec


def _values(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _values(item)
    else:
        yield value


def _shown(value: object) -> str:
    text = printable(str(value))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
