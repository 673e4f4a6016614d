"""Why a transcript does not fit any more, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from transcribe_cli.spec import DIARIZATION_FIELDS, JobSpec

_SHOWN_KEYS = 2
_SHOWN_CHARACTERS = 32


def spec_changes(before: Mapping[str, Any], now: JobSpec) -> str:
    """The differences between the spec that a transcript was made with and today's: "model changed: small -> large-v3-turbo"."""
    after = now.canonical()
    if now.diarize and not before.get("diarize"):
        after = {name: value for name, value in after.items() if name not in DIARIZATION_FIELDS}
        if before == after:
            return "nobody said who speaks"
    keys = [key for key in (*JobSpec.model_fields, *before) if before.get(key) != after.get(key)]
    keys = list(dict.fromkeys(keys))
    shown = [f"{key} changed: {_shown(before.get(key))} -> {_shown(after.get(key))}" for key in keys[:_SHOWN_KEYS]]
    if len(keys) > _SHOWN_KEYS:
        shown.append(f"and {len(keys) - _SHOWN_KEYS} more")
    return ", ".join(shown) or "settings changed"


def subtitle_changes(before: Iterable[str], now: str) -> str:
    """The difference between the stamps of subtitles and today's: "subtitles changed: netflix -> bbc"; "" when there are none."""
    stamps = sorted(set(before))
    if not stamps:
        return ""
    if "" in stamps:
        return "subtitles made by an earlier version"
    then, today = stamps[0].rpartition("-")[0], now.rpartition("-")[0]
    return f"subtitles changed: {then} -> {today}" if then != today else "settings of subtitles changed"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
