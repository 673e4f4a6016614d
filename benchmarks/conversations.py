"""Conversations with known words and speakers, and the number of words with the right speaker."""

from __future__ import annotations

import sys
import wave
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import jiwer
import numpy as np
from scipy.optimize import linear_sum_assignment

from demo_diarizer.conversations import Conversation
from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.recognition.segments import PAUSE
from transcribe_cli.text.sentences import ends_sentence
from transcribe_cli.transcript import Segment, Word

Said = tuple[str, str | None]
"""A word and its speaker."""


def true_words(talk: Conversation) -> list[tuple[Word, str]]:
    """The words of a conversation with their true times and speakers, in the order of their starts."""
    words = (
        (Word(word=f" {text}", start=start, end=max(end, start + 0.01), probability=1.0), turn.speaker)
        for turn in talk.turns
        for text, start, end in turn.words
    )
    return sorted(words, key=lambda pair: pair[0].start)


def segments(words: Sequence[Word]) -> list[Segment]:
    """The words as segments without speakers, split at sentence ends and pauses as recognition does."""
    groups: list[list[Word]] = [[words[0]]]
    for before, after in pairwise(words):
        if ends_sentence(before.word) or after.start - before.end >= PAUSE:
            groups.append([])
        groups[-1].append(after)
    return [
        Segment(id=i, seek=0, start=group[0].start, end=group[-1].end, text="".join(w.word for w in group), words=tuple(group))
        for i, group in enumerate(groups)
    ]


def said(parts: Iterable[Segment]) -> list[Said]:
    """The words of segments with their speakers."""
    return [(word.word, word.speaker) for part in parts for word in part.words or ()]


@dataclass(frozen=True)
class Count:
    """Words that were recognized as any word, those with the right speaker, and both counts without overlapped words."""

    words: int
    right: int
    alone: int
    alone_right: int


def count(talk: Conversation, found: Sequence[Said]) -> Count:
    """Compare words with the ground truth.

    Words are aligned as for a word error rate. Speakers are mapped so that the most words are right. A word without a speaker is wrong.
    """
    known = true_words(talk)
    pairs = list(_aligned([(word.word, who) for word, who in known], found))
    true, other = sorted({known[place][1] for place, _ in pairs}), sorted({label for _, label in pairs if label is not None})
    together = np.zeros((len(true), max(len(other), 1)), int)
    for place, label in pairs:
        if label is not None:
            together[true.index(known[place][1]), other.index(label)] += 1
    rows, columns = linear_sum_assignment(-together)
    called = {true[row]: other[column] for row, column in zip(rows, columns, strict=True) if other}
    good = [place for place, label in pairs if label is not None and called.get(known[place][1]) == label]
    alone = {place for place, _ in pairs if not _talked_over(talk, known[place][0])}
    return Count(len(pairs), len(good), len(alone), len(alone & set(good)))


def _talked_over(talk: Conversation, word: Word) -> bool:
    middle = (word.start + word.end) / 2
    return sum(turn.start <= middle <= turn.end for turn in talk.turns) > 1


def write_wav(path: Path, talk: Conversation) -> None:
    """Mono, 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        for start in range(0, len(talk.samples), 60 * SAMPLE_RATE):  # in parts, to limit memory
            part = talk.samples[start : start + 60 * SAMPLE_RATE]
            file.writeframes((np.clip(part, -1, 1) * 32767).astype(np.int16).tobytes())


def _aligned(truth: Sequence[Said], found: Sequence[Said]) -> Iterable[tuple[int, str | None]]:
    """For each true word that was recognized as any word: its index, and the speaker that was found."""
    texts = [[_plain(word) for word, _ in words] for words in (truth, found)]
    if not texts[1]:
        return
    for chunk in jiwer.process_words(" ".join(texts[0]), " ".join(texts[1])).alignments[0]:
        if chunk.type in ("equal", "substitute"):
            for place in range(chunk.ref_end_idx - chunk.ref_start_idx):
                yield chunk.ref_start_idx + place, found[chunk.hyp_start_idx + place][1]


def _plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum()) or "-"
