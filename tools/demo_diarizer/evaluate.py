"""How well turns were found: diarization error rate and whether the number of speakers is right, by pyannote.metrics."""

from collections.abc import Iterable
from dataclasses import dataclass

from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

from demo_diarizer.conversations import Conversation
from transcribe_cli.transcript import Turn

# pyannote.metrics means the whole width around an edge: a quarter of a second on each side, as NIST has it.
COLLAR = 0.5


@dataclass(frozen=True)
class Figures:
    """Of several conversations together.

    Attributes:
        collar: diarization error rate, overlaps included, without a quarter of a second around each edge.
        strict: the same without that.
        counted: share of the conversations whose number of speakers is right.
    """

    collar: float
    strict: float
    counted: float


def figures(pairs: Iterable[tuple[Conversation, Iterable[Turn]]]) -> Figures:
    """Score conversations against the turns that were found in them."""
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
    """As pyannote.core has them."""
    found = Annotation()
    for number, turn in enumerate(turns):
        found[Segment(turn.start, turn.end), number] = turn.speaker
    return found
