"""Whether a transcript fits what somebody set, by effect: a value that makes the same text is no change.

A default is what nobody asked for, so it never makes a transcript out of date, unless the run updates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from transcribe_cli import __version__
from transcribe_cli.sinks import Header
from transcribe_cli.spec import DIARIZATION_FIELDS, PRESETS, JobSpec
from transcribe_cli.text.model_names import is_same_model

_PRODUCT = "transcribe-cli"
_PRESET_FIELDS = frozenset(name for values in PRESETS.values() for name in values)
_FIELDS = tuple(JobSpec.model_fields)
_NULLABLE = frozenset(name for name, field in JobSpec.model_fields.items() if field.default is None)
# Numbers in a transcript are rounded to three decimals.
_ROUNDING = 0.0005


@dataclass(frozen=True)
class Change:
    """An option with its value in the transcript and the current one, both as in JSON; None is no value."""

    name: str
    old: Any
    new: Any

    @property
    def concerns_speakers(self) -> bool:
        """Whether only the speakers depend on it."""
        return self.name in DIARIZATION_FIELDS


class Fit:
    """Compares transcripts with one spec. A spec that is read from disk is only compared, never used.

    Args:
        spec: with the fields that somebody set in `model_fields_set`.
        update: also compare the other fields, and the version of the tool.
    """

    def __init__(self, spec: JobSpec, *, update: bool = False) -> None:
        self.spec = spec
        self.fingerprint = spec.fingerprint
        self._update = update
        self._canonical = spec.canonical()
        self._set = frozenset(_FIELDS) if update else _set_fields(spec)

    def changes(self, header: Header) -> tuple[Change, ...]:
        """What does not fit, in the order of the fields; () when the transcript is up to date."""
        if self._update and (version := _other_version(header.tool)):
            return *self._differences(header, self._set), Change("version", version, __version__)
        return () if header.fingerprint == self.fingerprint else tuple(self._differences(header, self._set))

    def variant(self, header: Header) -> tuple[Change, ...]:
        """How a transcript that fits differs from what a new one would be."""
        if header.fingerprint == self.fingerprint:
            return ()
        known = _NULLABLE | header.spec.keys()
        differences = list(self._differences(header, known))
        if header.spec.get("diarize") and not self.spec.diarize:
            differences.append(Change("diarize", True, False))
        return tuple(differences)

    def _differences(self, header: Header, names: frozenset[str]) -> Iterator[Change]:
        for name in _FIELDS:
            if name not in names or name == "preset" or (name in DIARIZATION_FIELDS and not self.spec.diarize):
                continue
            if name in DIARIZATION_FIELDS and name != "diarize" and not header.spec.get("diarize"):
                continue  # there are no speakers that could differ
            old, new = _value(header.spec, name), _value(self._canonical, name)
            if not self._fits(name, old, new, header):
                yield Change(name, old, new)

    def _fits(self, name: str, old: Any, new: Any, header: Header) -> bool:  # noqa: ANN401 - values of any option
        if _is_equal(old, new):
            return True
        match name:
            case "model":
                return isinstance(old, str) and is_same_model(str(new), old, header.model_revision)
            case "language":  # given or voted
                return new is not None and header.language == new
            case "languages":
                return bool(new) and header.language in new
            case "word_timestamps":  # times that nobody asked for do no harm
                return not new
            case _:  # the details of speech detection matter only with it
                is_detail = name.startswith("vad_") and name != "vad_filter"
                return is_detail and not self.spec.vad_filter and header.spec.get("vad_filter") is False


def _set_fields(spec: JobSpec) -> frozenset[str]:
    """The fields that somebody set; a preset sets all fields of which presets speak."""
    return frozenset(spec.model_fields_set | (_PRESET_FIELDS if "preset" in spec.model_fields_set else frozenset()))


def _value(canonical: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - values of any option
    """The value in a canonical spec, where `channels` is left out when it is mix."""
    return canonical.get(name, "mix" if name == "channels" else None)


def _is_equal(old: Any, new: Any) -> bool:  # noqa: ANN401 - values of any option
    """Whether two values of an option are equal as JSON shows them. No value and a switch that is off are equal."""
    if old == new or (old is None and new is False):
        return True
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_is_equal, old, new))
    with suppress(OverflowError):  # a whole number from a file may be too large for a float
        return _is_number(old) and _is_number(new) and math.isclose(old, new, rel_tol=0.0, abs_tol=_ROUNDING)
    return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _other_version(tool: str) -> str | None:
    """The version of this tool that made a transcript, if it is another one. Other servers' recognizers have no version."""
    product, _, version = tool.partition(" ")
    return version if product == _PRODUCT and version != __version__ else None


def concern_speakers_only(changes: Sequence[Change]) -> bool:
    """Whether the text of the transcript is up to date and only its speakers are not."""
    return bool(changes) and all(change.concerns_speakers for change in changes)
