"""The words of a second attempt among those of the first: each stretch of speech has the words of one of them, none has both."""

from __future__ import annotations

import re
from collections.abc import Sequence

from transcribe_cli.recognition.engines import Clip, ClipResult
from transcribe_cli.recognition.rescue import is_stretched
from transcribe_cli.recognition.timed_word import TimedWord

# Up to this many words that both attempts heard at a border are compared, if they are this close, in seconds.
MAX_SHARED_WORDS = 12
MAX_SHARED_DISTANCE = 2.0
# Words farther from a second attempt than this have nothing to do with it, in seconds: those of a clip are closer.
NEAR_SECONDS = 60.0

_NO_WORD = re.compile(r"\W+")


def merge_second_attempt(first: Sequence[TimedWord], second: Sequence[TimedWord], result: ClipResult) -> list[TimedWord]:
    """The words of the first attempts with those of a second attempt, `result`, in no order.

    Within its borders the second attempt counts if it found as many words. Words of the first attempt that were stretched over speech
    that it skipped do not count. What both heard at a border is kept once.
    """
    clip = result.clip
    own = [word for word in first if word.result.clip.channel == clip.channel and _is_near(word, clip)]
    stretched = [word for word in own if is_stretched(word.word, word.result.clip)]
    reliable = [word for word in own if not is_stretched(word.word, word.result.clip)]
    inside = [word for word in reliable if clip.start <= _middle(word) <= clip.end]
    around = [word for word in reliable if not clip.start <= _middle(word) <= clip.end]
    new = _outside(second, around)
    if counts := len(new) >= len(inside):
        new = _without_shared(new, around, len(new) - len(inside))
    else:
        new = _outside(second, reliable)
        new = _without_shared(new, reliable, len(new))
    unsure = [word for word in stretched if clip.start <= _middle(word) <= clip.end]
    dropped = {id(word) for word in [*(inside if counts else ()), *(unsure if new else ())]}
    return [*(word for word in first if id(word) not in dropped), *new]


def _is_near(word: TimedWord, clip: Clip) -> bool:
    return word.end > clip.start - NEAR_SECONDS and word.start < clip.end + NEAR_SECONDS


def _outside(words: Sequence[TimedWord], others: Sequence[TimedWord]) -> list[TimedWord]:
    """The words whose middle lies in none of the others."""
    return [word for word in words if not any(other.start <= _middle(word) <= other.end for other in others)]


def _without_shared(new: Sequence[TimedWord], own: Sequence[TimedWord], most: int) -> list[TimedWord]:
    """The new words without those at either end that the words around them repeat: at most so many, or words would be lost."""
    if not new or most <= 0:
        return list(new)
    before = [word for word in own if _middle(word) < _middle(new[0])][-MAX_SHARED_WORDS:]
    after = [word for word in own if _middle(word) > _middle(new[-1])][:MAX_SHARED_WORDS]
    left = _shared(before, new, most) if before and new[0].start - before[-1].end <= MAX_SHARED_DISTANCE else 0
    right = _shared(new[left:], after, most - left) if after and after[0].start - new[-1].end <= MAX_SHARED_DISTANCE else 0
    return list(new[left : len(new) - right])


def _shared(left: Sequence[TimedWord], right: Sequence[TimedWord], most: int) -> int:
    """How many words at the end of `left` begin `right`, at most so many."""
    ends, begins = [_name(word) for word in left], [_name(word) for word in right]
    counts = range(min(len(ends), len(begins), most), 0, -1)
    return next((count for count in counts if ends[-count:] == begins[:count]), 0)


def _name(word: TimedWord) -> str:
    return _NO_WORD.sub("", word.word.text).casefold()


def _middle(word: TimedWord) -> float:
    return (word.start + word.end) / 2
