"""The times of words, by cross-attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import ctranslate2
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations

from transcribe_cli.recognition.engines import Clip, SpokenWord
from transcribe_cli.recognition.engines.encoder_cache import to_host

PREPENDED_PUNCTUATION = "\"'“¿([{-"
APPENDED_PUNCTUATION = "\"'.。,，!！?？:：”)]}、"


def align_words(
    whisper: WhisperModel,
    clips: Sequence[Clip],
    texts: Sequence[list[int]],
    encoded: ctranslate2.StorageView,
    tokenizer: Tokenizer,
) -> list[tuple[SpokenWord, ...]]:
    """The words of each clip with their times; `texts` are tokens, `encoded` has a row for each clip."""
    frames = [min(3000, max(2, int(clip.seconds * 100))) for clip in clips]
    words = []
    for clip, alignment in zip(clips, _alignments(whisper, texts, frames, encoded, tokenizer), strict=True):
        merge_punctuations(alignment, PREPENDED_PUNCTUATION, APPENDED_PUNCTUATION)
        words.append(
            tuple(
                SpokenWord(
                    timing["word"],
                    *clip.span(float(timing["start"]), float(timing["end"])),
                    float(timing["probability"]),
                    tuple(timing["tokens"]),
                )
                for timing in alignment
                if timing["word"].strip()
            )
        )
    return words


def _alignments(
    whisper: WhisperModel,
    texts: Sequence[list[int]],
    frames: Sequence[int],
    encoded: ctranslate2.StorageView,
    tokenizer: Tokenizer,
) -> list[list[dict[str, Any]]]:
    """faster-whisper's alignment of each text. On a CPU it does not depend on the other texts.

    A longer text in the same call changes how sums are rounded, which moves words by a frame or more. A CPU takes as long for one text
    after the other.
    """
    if whisper.model.device != "cpu":
        return cast("list[list[dict[str, Any]]]", whisper.find_alignment(tokenizer, texts, encoded, frames))
    rows = to_host(encoded)
    found: list[list[dict[str, Any]]] = [[] for _ in texts]
    for number, text in enumerate(texts):
        if text:
            row = ctranslate2.StorageView.from_array(rows[number : number + 1])
            [found[number]] = whisper.find_alignment(tokenizer, [text], row, [frames[number]])
    return found
