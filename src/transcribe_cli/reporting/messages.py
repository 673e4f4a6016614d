"""Events in words, a line each, for people. Names come from files and are made printable here."""

from __future__ import annotations

import math
from functools import singledispatch

from transcribe_cli.batch.limits import LIMIT_OPTIONS
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
from transcribe_cli.text.printable import printable

_STOPPED = {
    "interrupted": "Interrupted. ",
    "terminated": "Terminated. ",
    "fail_fast": "Stopped at the first failure. ",
    **{limit: f"Stopped by --{limit.replace('_', '-')}. " for limit in LIMIT_OPTIONS},
}


@singledispatch
def message_for(event: Event) -> str | None:
    """The line for an event, or None for one that is only of interest to a display."""
    return None


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
        parts.append(f"{failed} that cannot be read or written")
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
    if event.rendered:
        return f"rendered  {printable(event.recording)}  {', '.join(printable(name) for name in event.outputs)}"
    speed = f" ({event.duration / event.seconds:.0f}x)" if event.seconds else ""
    said = [event.language, pluralize(event.words, "word")] if event.words else ["no speech"]
    voices = [pluralize(event.speakers, "speaker")] if event.speakers else []
    doubts = [flag.replace("_", " ") for flag in event.flags if flag != "no_speech"]
    cost = [] if event.cost is None else [format_cost(event.cost)]
    about = [f"{format_duration(event.duration)} in {format_duration(event.seconds)}{speed}", *said, *voices, *doubts, *cost]
    return f"{'diarized' if event.diarized else 'done':<8}  {printable(event.recording)}  {', '.join(about)}"


@message_for.register
def _(event: RecordingElsewhere) -> str:
    where = f"on {printable(event.host)} (process {event.pid})" if event.host else "in another run"
    return f"elsewhere {printable(event.recording)}  in progress {where}"


@message_for.register
def _(event: RecordingResumed) -> str:
    progress = f"{format_duration(event.seconds)} of {format_duration(event.duration)}"
    return f"resumed   {printable(event.recording)}  {progress} were recognized before"


@message_for.register
def _(event: AttemptFailed) -> str:
    spent = f" ({format_cost(event.cost)} spent)" if event.cost else ""
    return f"again     {printable(event.recording)}  {printable(event.message)}{spent}"


@message_for.register
def _(event: RecordingSent) -> str | None:
    if not event.job:
        return None
    size = f"{event.bytes / 1e6:.1f} MB" if event.bytes >= 1e6 else f"{event.bytes / 1e3:.0f} kB"
    sent = size if event.bytes else "by its URL"
    return f"sent      {printable(event.recording)}  to {event.backend}, {sent}"


@message_for.register
def _(event: VoicesFound) -> str:
    verbs = {label: f"{label} is {name}" for label, name in event.named.items()}
    verbs |= {label: f"{label} may be {name}" for label, name in event.doubtful.items()}
    who = [f"{verbs[label]} ({similarity:.2f})" for label, similarity in event.similarity.items()]
    return f"voices    {printable(event.recording)}  {printable(', '.join(who))}"


@message_for.register
def _(event: RecordingFailed) -> str:
    spent = f" ({format_cost(event.cost)} spent)" if event.cost else ""
    why = printable(f"{event.message} {event.hint}".strip()) + spent
    label = printable(event.recording)
    name = label.rpartition("/")[2]
    # Most messages begin with the file's name, which is shorter than what tells it from others in the tree.
    return f"FAILED    {why.replace(name, label, 1) if why.startswith(name) else f'{label}  {why}'}"


@message_for.register
def _(event: RunFinished) -> str | None:
    heard = ((event.transcribed, "transcribed"), (event.diarized, "diarized"))
    parts = [", ".join(f"{count} {what}" for count, what in heard if count)] if event.transcribed or event.diarized else []
    if parts:
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
    stopped = _STOPPED.get(event.stopped_by or "", "")
    again = " The same command goes on from here." if event.stopped_by in LIMIT_OPTIONS else ""
    return f"{stopped}{'; '.join(parts)}.{again}" if parts else None


def _cost(event: RunFinished) -> list[str]:
    """What the run cost, and where, if that was in several places; nothing where nobody has to be paid."""
    places = [f"{name} {'not known' if cost is None else format_cost(cost)}" for name, cost in event.cost_by_backend.items()]
    where = f" ({', '.join(places)})" if len(places) > 1 else ""
    if event.cost is not None:
        return [f"{format_cost(event.cost)}{where}"]
    return [f"cost not known{where}"] if places else []


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


def format_cost(amount: float) -> str:
    """`$12.30`; `$0.0042`, with two digits that say something, below ten cents."""
    if amount == 0 or amount >= 0.1:
        return f"${amount:,.2f}"
    return f"${amount:.{1 - math.floor(math.log10(amount))}f}"
