"""The line that users see for each event. File names are escaped here, so that they are safe to print."""

from __future__ import annotations

import math
from functools import singledispatch

from transcribe_cli.batch.limits import LIMIT_OPTIONS
from transcribe_cli.errors import RecordingError
from transcribe_cli.events import (
    AttemptFailed,
    DiarizerLoaded,
    Event,
    ModelLoaded,
    Notice,
    RecordingDone,
    RecordingElsewhere,
    RecordingFailed,
    RecordingResumed,
    RecordingSent,
    RunFinished,
    RunStarted,
    VoicesFound,
)
from transcribe_cli.formats.doubts import doubts_text
from transcribe_cli.text.printable import printable
from transcribe_cli.text.verdicts import Assessment

_STOP_REASONS = {
    "interrupted": "Interrupted. ",
    "terminated": "Terminated. ",
    "fail_fast": "Stopped at the first failure. ",
    **{limit: f"Stopped by --{limit.replace('_', '-')}. " for limit in LIMIT_OPTIONS},
}


# Recordings that the summary names.
_MAX_NAMES = 3


@singledispatch
def message_for(event: Event) -> str | None:
    """The line for an event; None for events that only move the progress bars."""
    return None


# Flags whose cure is an option.
_FLAG_HINTS = {"other_audio_tracks": "but it has other audio tracks: try --audio-track auto"}


@message_for.register
def _(event: Notice) -> str:
    return f"{'Warning: ' if event.level == 'warning' else ''}{printable(event.message)}"


@message_for.register
def _(event: RunStarted) -> str | None:
    if not event.recordings:
        return None
    parts = [f"{event.to_transcribe} to transcribe"]
    if event.to_diarize:
        parts.append(f"{event.to_diarize} to diarize")
    if event.to_render:
        parts.append(f"{event.to_render} to render")
    if event.done:
        parts.append(f"{event.done} done already")
    if failed := event.recordings - event.to_transcribe - event.to_diarize - event.to_render - event.done:
        parts.append(f"{failed} cannot be read or written")
    return f"{pluralize(event.recordings, 'recording')}: {', '.join(parts)}."


@message_for.register
def _(event: ModelLoaded) -> str:
    batches = f", batches of {event.batch_size}" if event.batch_size > 1 else ""
    return f"Model {printable(event.model)} on {event.device}{batches}."


@message_for.register
def _(event: DiarizerLoaded) -> str:
    return f"Diarizer {printable(event.model)} on {event.device}."


@message_for.register
def _(event: RecordingDone) -> str:
    doubt = doubt_of(event)
    tail = f"; {doubt}" if doubt else ""
    if event.rendered:
        return f"rendered  {printable(event.recording)}  {', '.join(printable(name) for name in event.outputs)}{tail}"
    speed = f" ({event.duration / event.seconds:.0f}x)" if event.seconds else ""
    text = [event.language, pluralize(event.words, "word")] if event.words else ["no speech"]
    speakers = [pluralize(event.speakers, "speaker")] if event.speakers else []
    flags = [_FLAG_HINTS.get(flag, flag.replace("_", " ")) for flag in event.flags if flag != "no_speech"]
    cost = [] if event.cost is None else [format_cost(event.cost)]
    details = [f"{format_duration(event.duration)} in {format_duration(event.seconds)}{speed}", *text, *speakers, *flags, *cost]
    return f"{'diarized' if event.diarized else 'done':<8}  {printable(event.recording)}  {printable(', '.join(details))}{tail}"


@message_for.register
def _(event: RecordingElsewhere) -> str:
    where = f"on {printable(event.host)} (process {event.pid})" if event.host else "in another run"
    return f"elsewhere {printable(event.recording)}  in progress {where}"


@message_for.register
def _(event: RecordingResumed) -> str:
    progress = f"{format_duration(event.seconds)} of {format_duration(event.duration)}"
    return f"resumed   {printable(event.recording)}  {progress} already recognized"


@message_for.register
def _(event: AttemptFailed) -> str:
    spent = f" ({format_cost(event.cost)} spent)" if event.cost else ""
    return f"retrying  {printable(event.recording)}  {printable(event.message)}{spent}"


@message_for.register
def _(event: RecordingSent) -> str | None:
    if not event.job:
        return None
    size = f"{event.bytes / 1e6:.1f} MB" if event.bytes >= 1e6 else f"{event.bytes / 1e3:.0f} kB"
    sent = size if event.bytes else "as a URL"
    return f"sent      {printable(event.recording)}  to {event.backend}, {sent}"


@message_for.register
def _(event: VoicesFound) -> str:
    matches = {label: f"{label} is {name}" for label, name in event.named.items()}
    matches |= {label: f"{label} may be {name}" for label, name in event.doubtful.items()}
    voices = [f"{matches[label]} ({similarity:.2f})" for label, similarity in event.similarity.items()]
    return f"voices    {printable(event.recording)}  {printable(', '.join(voices))}"


@message_for.register
def _(event: RecordingFailed) -> str:
    spent = f" ({format_cost(event.cost)} spent)" if event.cost else ""
    reason = printable(f"{event.message} {event.hint}".strip()) + spent
    label = printable(event.recording)
    name = label.rpartition("/")[2]
    # Most messages begin with the file name alone; its path in the tree is unique.
    return f"FAILED    {reason.replace(name, label, 1) if reason.startswith(name) else f'{label}  {reason}'}"


@message_for.register
def _(event: RunFinished) -> str | None:
    parts = []
    if event.transcribed or event.diarized:
        counts = ((event.transcribed, "transcribed"), (event.diarized, "diarized"))
        parts.append(", ".join(f"{count} {verb}" for count, verb in counts if count))
        speed = f", {event.rtfx:.0f}x real time" if event.rtfx >= 1 else ""
        parts[0] += f" ({format_duration(event.audio_seconds)} of audio in {format_duration(event.seconds)}{speed})"
    if event.rendered:
        parts.append(f"{event.rendered} rendered")
    if event.skipped:
        parts.append(f"{event.skipped} done already")
    if event.failed:
        parts.append(f"{event.failed} failed")
    if event.elsewhere:
        parts.append(f"{event.elsewhere} in progress elsewhere")
    if event.not_tried:
        parts.append(f"{event.not_tried} {'left' if event.stopped_by in LIMIT_OPTIONS else 'not tried'}")
    if event.transcribed or event.diarized or event.failed or event.not_tried:
        parts += _cost(event)
    parts += _verdicts(event)
    stopped = _STOP_REASONS.get(event.stopped_by or "", "")
    hint = " Run the same command again to continue." if event.stopped_by in LIMIT_OPTIONS else ""
    if event.failed_on and event.exit_code == RecordingError.exit_code:
        hint += f" Exit code {event.exit_code} because of --fail-on {event.failed_on}."
    return f"{_names_to_check(event)}{stopped}{'; '.join(parts)}.{hint}" if parts else None


def _verdicts(event: RunFinished) -> list[str]:
    """`3 to check, 1 bad`; nothing is said about good ones."""
    counts = [(event.verdicts.get("check", 0), "to check"), (event.verdicts.get("bad", 0), "bad")]
    text = ", ".join(f"{count} {what}" for count, what in counts if count)
    return [text] if text else []


def _names_to_check(event: RunFinished) -> str:
    """A line with the first recordings to check, the worst first, and the command that lists all."""
    if not event.doubtful:
        return ""
    shown = event.doubtful[:_MAX_NAMES]
    names = [f"{printable(entry.recording)}{' (BAD)' if entry.verdict == 'bad' else ''}" for entry in shown]
    more = f" and {len(event.doubtful) - len(shown)} more" if len(event.doubtful) > len(shown) else ""
    command = f". See: {printable(event.check_command)}" if event.check_command else "."
    return f"To check: {', '.join(names)}{more}{command}\n"


def _cost(event: RunFinished) -> list[str]:
    """What the run cost, by backend where there are several; [] when nothing is billed."""
    backends = [f"{name} {'unknown' if cost is None else format_cost(cost)}" for name, cost in event.cost_by_backend.items()]
    breakdown = f" ({', '.join(backends)})" if len(backends) > 1 else ""
    if event.cost is not None:
        return [f"{format_cost(event.cost)}{breakdown}"]
    return [f"cost unknown{breakdown}"] if backends else []


def doubt_of(event: RecordingDone) -> str:
    """The end of the line of a recording whose text is doubtful, escaped; "" for others."""
    return printable(doubt_text(Assessment(event.verdict, event.reasons)))


def doubt_text(assessment: Assessment) -> str:
    """`check: language doubtful (0:00-1:05)`, or `BAD: …`; "" if there is no doubt. Not escaped."""
    if not assessment.is_doubtful:
        return ""
    word = "BAD" if assessment.verdict == "bad" else "check"
    return f"{word}: {doubts_text(assessment) or 'no reason is given'}"


def pluralize(number: int, noun: str) -> str:
    """`1 word`, `2 words`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_duration(seconds: float) -> str:
    """`4.2 s` below ten seconds, then `0:42`, `3:05`, `1:02:03`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


# Smaller amounts, in USD, are shown as none.
_LEAST_COST = 1e-9


def format_cost(amount: float) -> str:
    """`$12.30`; below ten cents with two significant digits: `$0.0042`."""
    if amount < 0:
        return f"-{format_cost(-amount)}"
    if amount < _LEAST_COST or amount >= 0.1:
        return f"${amount:,.2f}"
    return f"${amount:.{1 - math.floor(math.log10(amount))}f}"
