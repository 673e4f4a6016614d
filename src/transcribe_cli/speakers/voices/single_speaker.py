"""Checks that an excerpt has enough speech of one person to enroll a voice; otherwise suggests which excerpt to use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise

from transcribe_cli.errors import UsageError
from transcribe_cli.speakers.assignment import speakers_of
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.excerpt import Excerpt
from transcribe_cli.transcript import Turn

# Seconds of speech from which an embedding is close to other embeddings of the same voice; docs/voices.md has the figures.
MIN_SECONDS = 5.0
# Maximum share of speech by other people, such as a short answer.
MAX_OTHERS_SHARE = 0.1
# Maximum number of speakers or excerpts in a message.
_SHOWN = 3


def find_single_speaker(diarization: Diarization, excerpt: Excerpt) -> tuple[str, float]:
    """The label of the only speaker in an excerpt, and for how many seconds they speak.

    Args:
        diarization: of the excerpt; times from its start.
        excerpt: for messages.

    Raises:
        UsageError: nobody speaks, too little, or more than one person; the message says which excerpt to use instead.
    """
    seconds = {label: _speech_seconds(diarization.turns, label) for label in speakers_of(diarization.turns)}
    if not seconds:
        raise UsageError(f"Nobody speaks in {excerpt}.")
    main = max(seconds, key=lambda label: seconds[label])
    others = sum(seconds.values()) - seconds[main]
    if others > MAX_OTHERS_SHARE * (others + seconds[main]):
        raise UsageError(
            f"More than one voice speaks in {excerpt}: {_list_speakers(seconds)}.",
            _suggestion(diarization.turns, seconds, excerpt),
        )
    if seconds[main] < MIN_SECONDS or main not in diarization.embeddings:
        raise UsageError(
            f"There are only {seconds[main]:.1f} s of speech in {excerpt}.",
            f"At least {MIN_SECONDS:g} s are needed; 20 s are better.",
        )
    return main, seconds[main]


def _speech_seconds(turns: Iterable[Turn], label: str) -> float:
    return sum(turn.end - turn.start for turn in turns if turn.speaker == label)


def _list_speakers(seconds: Mapping[str, float]) -> str:
    ordered = sorted(seconds, key=lambda label: -seconds[label])
    shown = [f"{label} for {seconds[label]:.0f} s" for label in ordered[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else "")


def _suggestion(turns: Sequence[Turn], seconds: Mapping[str, float], excerpt: Excerpt) -> str:
    """What to do: name excerpts in which one of the speakers speaks alone."""
    alone = {label: _longest_alone(turns, label) for label in sorted(seconds, key=lambda label: -seconds[label])}
    long_enough = {label: span for label, (speech, span) in alone.items() if speech >= MIN_SECONDS}
    one_voice = "or use --one-voice if they are one person."
    if not long_enough:
        return f"Nobody speaks alone for {MIN_SECONDS:g} s there. Choose another excerpt, {one_voice}"
    shown = [f"{excerpt.part(*span)} ({label})" for label, span in list(long_enough.items())[:_SHOWN]]
    return f"Choose an excerpt with one voice, such as {' or '.join(shown)}, {one_voice}"


def _longest_alone(turns: Sequence[Turn], label: str) -> tuple[float, tuple[float, float]]:
    """The span with the most speech of this speaker in which nobody else speaks: seconds of speech, and its start and end."""
    others = [(0.0, 0.0), *_merged_spans(turn for turn in turns if turn.speaker != label)]
    ends = max(turn.end for turn in turns)
    best = (0.0, (0.0, 0.0))
    for (_, start), (end, _) in pairwise(chain(others, [(ends, ends)])):
        inside = [
            (max(turn.start, start), min(turn.end, end))
            for turn in turns
            if turn.speaker == label and turn.start < end and turn.end > start
        ]
        if inside:
            speech = sum(last - first for first, last in inside)
            best = max(best, (speech, (inside[0][0], max(last for _, last in inside))))
    return best


def _merged_spans(turns: Iterable[Turn]) -> Iterator[tuple[float, float]]:
    """Start and end of the speech in these turns, in order, not overlapping."""
    start = end = 0.0
    for turn in sorted(turns, key=lambda turn: turn.start):
        if turn.start > end:
            if end > start:
                yield start, end
            start = turn.start
        end = max(end, turn.end)
    if end > start:
        yield start, end
