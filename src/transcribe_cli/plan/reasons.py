"""Why a transcript or its subtitles are out of date, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from transcribe_cli.spec import DIARIZATION_FIELDS, JobSpec

_MAX_KEYS = 2
_MAX_CHARACTERS = 32


def spec_changes(old: Mapping[str, Any], spec: JobSpec) -> str:
    """The differences between the spec of a transcript and the current one: "model changed: small -> large-v3-turbo"."""
    new = spec.canonical()
    if spec.diarize and not old.get("diarize"):
        new = {name: value for name, value in new.items() if name not in DIARIZATION_FIELDS}
        if old == new:
            return "speakers missing"
    keys = [key for key in (*JobSpec.model_fields, *old) if old.get(key) != new.get(key)]
    keys = list(dict.fromkeys(keys))
    shown = [f"{key} changed: {_format(old.get(key))} -> {_format(new.get(key))}" for key in keys[:_MAX_KEYS]]
    if len(keys) > _MAX_KEYS:
        shown.append(f"and {len(keys) - _MAX_KEYS} more")
    return ", ".join(shown) or "settings changed"


def subtitle_changes(old_stamps: Iterable[str], stamp: str) -> str:
    """The difference between the stamps of subtitles and the current one: "subtitles changed: netflix -> bbc"; "" without stamps."""
    stamps = sorted(set(old_stamps))
    if not stamps:
        return ""
    if "" in stamps:
        return "subtitles made by an earlier version"
    old, new = stamps[0].rpartition("-")[0], stamp.rpartition("-")[0]
    return f"subtitles changed: {old} -> {new}" if old != new else "subtitle settings changed"


def _format(value: object) -> str:
    if value is None:
        return "none"
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"
