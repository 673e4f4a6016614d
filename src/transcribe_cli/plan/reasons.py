"""Why a transcript or its subtitles are out of date, in words; and what the run says before it does them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from transcribe_cli.plan.fit import Change
from transcribe_cli.plan.job import Decision, Job

_MAX_KEYS = 2
_MAX_CHARACTERS = 32
# Groups of transcripts that the run names before it does them again.
_MAX_GROUPS = 3
RECORDING_CHANGED = "recording changed"
# The options whose values speak for themselves.
_PLAIN = frozenset({"model", "language", "task", "preset"})


def change_reason(changes: Sequence[Change]) -> str:
    """Why a transcript does not fit: "outdated: model small -> large-v3-turbo"."""
    if [change.name for change in changes] == ["diarize"]:
        return "speakers missing"
    shown = [f"{change.name} {_format(change.old)} -> {_format(change.new)}" for change in changes[:_MAX_KEYS]]
    if len(changes) > _MAX_KEYS:
        shown.append(f"and {len(changes) - _MAX_KEYS} more")
    return f"outdated: {', '.join(shown)}"


def done_reason(variant: Sequence[Change], edited: Sequence[str]) -> str:
    """That a transcript fits: "done", or with the values that it was made with instead of the current defaults: "done (small, pt)"."""
    values = [_value_text(change) for change in variant[:_MAX_GROUPS]]
    if len(variant) > _MAX_GROUPS:
        values.append(f"and {len(variant) - _MAX_GROUPS} more")
    files = f"{', '.join(edited)} {'was' if len(edited) == 1 else 'were'} edited" if edited else ""
    details = "; ".join(filter(None, (", ".join(values), files)))
    return f"done ({details})" if details else "done"


def again_lines(jobs: Iterable[Job]) -> list[str]:
    """What the run says before the first recording: which transcripts exist and are made again, and why."""
    again = [job for job in jobs if job.decision is Decision.TRANSCRIBE and (job.changes or job.reason == RECORDING_CHANGED)]
    groups = Counter((_group(job.changes, new=False), _group(job.changes, new=True)) for job in again if job.changes)
    lines = []
    for (old, new), count in groups.most_common(_MAX_GROUPS):
        have, are = ("has a transcript", "it is") if count == 1 else ("have transcripts", "they are")
        lines.append(f"{count} {have} of {old}; {are} done again with {new}. --keep leaves {'it' if count == 1 else 'them'}.")
    if rest := sum(groups.values()) - sum(count for _, count in groups.most_common(_MAX_GROUPS)):
        lines.append(f"{rest} more {'is' if rest == 1 else 'are'} done again with other options; `transcribe plan` has them.")
    if changed := sum(job.reason == RECORDING_CHANGED for job in again):
        one, many = "1 recording has changed and is", f"{changed} recordings have changed and are"
        lines.append(f"{one if changed == 1 else many} done again.")
    return lines


def _group(changes: Sequence[Change], *, new: bool) -> str:
    """The options of one side: "model small", or after "done again with" a model alone: "large-v3-turbo"."""
    if new and [change.name for change in changes] == ["model"]:
        return _format(changes[0].new)
    return ", ".join(f"{change.name} {_format(change.new if new else change.old)}" for change in changes[:_MAX_GROUPS])


def _value_text(change: Change) -> str:
    name, value = change.name.replace("_", " "), change.old
    if change.name == "diarize":
        return "with speakers" if value else "no speakers"
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return _format(value) if change.name in _PLAIN else f"{name} {_format(value)}"


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
