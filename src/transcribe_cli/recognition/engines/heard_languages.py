"""Which clips are asked for the language of their audio, whatever language was requested or elected.

The answer costs one step of the decoder, 6 % of the clip's encoding (base, int8, one core). So all clips of a short recording are asked,
and every fourth one of a long recording.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from transcribe_cli.recognition.engines import Attempt, Clip

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


def likeliest(probabilities: Mapping[str, float]) -> Heard:
    """The likeliest languages, the first one first."""
    return tuple(islice(sorted(probabilities.items(), key=lambda pair: (-pair[1], pair[0])), LIKELIEST))


def with_heard_languages(
    clips: Sequence[Clip], attempts: Sequence[Attempt], detect: Callable[[], Sequence[Sequence[tuple[str, float]]]]
) -> list[Attempt]:
    """The first attempts at these clips, with the languages of the audio in those that are asked.

    `detect` returns Whisper's language tokens (`<|pt|>`) with their probabilities, for each clip; it is called if any clip is asked.
    """
    asked = [is_asked(clip) for clip in clips]
    if not any(asked):
        return list(attempts)
    return [
        replace(attempt, heard=likeliest({token[2:-2]: probability for token, probability in scores})) if wanted else attempt
        for attempt, scores, wanted in zip(attempts, detect(), asked, strict=True)
    ]
