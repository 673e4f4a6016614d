"""Whose voice a stretch of a recording holds: one person's, and enough of it; or else which stretch to take instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise

from transcribe_cli.errors import UsageError
from transcribe_cli.speakers.assignment import speakers_of
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.excerpt import Excerpt
from transcribe_cli.transcript import Turn

# So many seconds of speech make an embedding that is like the next one of the same voice; docs/voices.md has the figures.
LEAST_SECONDS = 5.0
# Others may say so much of it: a word in between, an answer.
OTHERS = 0.1
# Stretches in a message.
_SHOWN = 3


def find_single_speaker(found: Diarization, where: Excerpt) -> tuple[str, float]:
    """The label of the one who speaks in a stretch, and for how many seconds.

    Args:
        found: times from the start of the stretch.
        where: the stretch, for messages.

    Raises:
        UsageError: nobody speaks, too little, or more than one; the message says which stretch to take.
    """
    seconds = {label: _spoken(found.turns, label) for label in speakers_of(found.turns)}
    if not seconds:
        raise UsageError(f"Nobody speaks in {where}.")
    most = max(seconds, key=lambda label: seconds[label])
    others = sum(seconds.values()) - seconds[most]
    if others > OTHERS * (others + seconds[most]):
        raise UsageError(f"More than one voice speaks in {where}: {_shares(seconds)}.", _instead(found.turns, seconds, where))
    if seconds[most] < LEAST_SECONDS or most not in found.embeddings:
        raise UsageError(
            f"There are only {seconds[most]:.1f} s of speech in {where}.", f"{LEAST_SECONDS:g} s are needed, and 20 s are better."
        )
    return most, seconds[most]


def _spoken(turns: Iterable[Turn], label: str) -> float:
    return sum(turn.end - turn.start for turn in turns if turn.speaker == label)


def _shares(seconds: Mapping[str, float]) -> str:
    ordered = sorted(seconds, key=lambda label: -seconds[label])
    shown = [f"{label} for {seconds[label]:.0f} s" for label in ordered[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else "")


def _instead(turns: Sequence[Turn], seconds: Mapping[str, float], where: Excerpt) -> str:
    """What to do: stretches in which one of them speaks alone."""
    alone = {label: _alone(turns, label) for label in sorted(seconds, key=lambda label: -seconds[label])}
    long = {label: span for label, (said, span) in alone.items() if said >= LEAST_SECONDS}
    one_voice = "or say --one-voice when they are one person."
    if not long:
        return f"Nobody speaks alone for {LEAST_SECONDS:g} s there: take another stretch, {one_voice}"
    shown = [f"{where.part(*span)} ({label})" for label, span in list(long.items())[:_SHOWN]]
    return f"Take a stretch of one voice, such as {' or '.join(shown)}, {one_voice}"


def _alone(turns: Sequence[Turn], label: str) -> tuple[float, tuple[float, float]]:
    """The longest stretch in which nobody else speaks: seconds of speech in it, and from where to where."""
    borders = [(0.0, 0.0), *_busy(turn for turn in turns if turn.speaker != label)]
    ends = max(turn.end for turn in turns)
    best = (0.0, (0.0, 0.0))
    for (_, start), (end, _) in pairwise(chain(borders, [(ends, ends)])):
        inside = [
            (max(turn.start, start), min(turn.end, end))
            for turn in turns
            if turn.speaker == label and turn.start < end and turn.end > start
        ]
        if inside:
            said = sum(last - first for first, last in inside)
            best = max(best, (said, (inside[0][0], max(last for _, last in inside))))
    return best


def _busy(turns: Iterable[Turn]) -> Iterator[tuple[float, float]]:
    """When these speak, in order, not overlapping."""
    start = end = 0.0
    for turn in sorted(turns, key=lambda turn: turn.start):
        if turn.start > end:
            if end > start:
                yield start, end
            start = turn.start
        end = max(end, turn.end)
    if end > start:
        yield start, end
