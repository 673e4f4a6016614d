"""Evaluation of turns: diarization error rate by pyannote.metrics, and whether the number of speakers is right."""

from collections.abc import Iterable
from dataclasses import dataclass

from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

from demo_diarizer.conversations import Conversation
from transcribe_cli.transcript import Turn

# The collar of pyannote.metrics is the whole width around an edge: this is a quarter of a second on each side, as in NIST's evaluations.
COLLAR = 0.5


@dataclass(frozen=True)
class Figures:
    """The figures of several conversations together.

    Attributes:
        collar: diarization error rate, including overlaps, excluding a quarter of a second on each side of an edge.
        strict: the same without a collar.
        counted: share of the conversations whose number of speakers is right.
    """

    collar: float
    strict: float
    counted: float


def figures(pairs: Iterable[tuple[Conversation, Iterable[Turn]]]) -> Figures:
    """Score the detected turns of conversations."""
    collar, strict = DiarizationErrorRate(collar=COLLAR), DiarizationErrorRate()
    right = []
    for talk, found in pairs:
        reference = annotation(Turn(start=turn.start, end=turn.end, speaker=turn.speaker) for turn in talk.turns)
        hypothesis = annotation(found)
        for metric in (collar, strict):
            metric(reference, hypothesis, uem=Segment(0, talk.seconds))
        right.append(len(reference.labels()) == len(hypothesis.labels()))
    return Figures(abs(collar), abs(strict), sum(right) / len(right))


def annotation(turns: Iterable[Turn]) -> Annotation:
    """The turns as an annotation of pyannote.core."""
    found = Annotation()
    for number, turn in enumerate(turns):
        found[Segment(turn.start, turn.end), number] = turn.speaker
    return found
