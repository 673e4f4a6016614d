"""Which clips are asked for the language of their audio, whatever language was requested or elected.

The answer costs one step of the decoder, 6 % of the clip's encoding (base, int8, one core). So all clips of a short recording are asked,
and every fourth one of a long recording.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from transcribe_cli.recognition.engines import Clip

# The first clips of a recording, which are all that a short one has.
FIRST_CLIPS = 4
# Of the later ones, every n-th.
STEP = 4
# The number of languages that are kept for a clip.
LIKELIEST = 3

Heard = tuple[tuple[str, float], ...]


def is_asked(clip: Clip) -> bool:
    """Whether a clip is asked for its language: its number decides, so that the answer does not depend on batches."""
    return not clip.part and (clip.index < FIRST_CLIPS or clip.index % STEP == 0)


def likeliest(probabilities: Mapping[str, float] | Sequence[tuple[str, float]]) -> Heard:
    """The likeliest languages, the first one first."""
    pairs = probabilities.items() if isinstance(probabilities, Mapping) else probabilities
    return tuple(islice(sorted(pairs, key=lambda pair: (-pair[1], pair[0])), LIKELIEST))
