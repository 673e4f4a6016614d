"""The text before the text: how prompt and hotwords share the decoder's positions, and how to tell a prompt that came out as text.

Whisper's decoder has 448 positions for everything. openai/whisper gives at most half of them, less one, to what precedes the text
(`_get_initial_tokens` in its decoding.py), so that half a minute of fast speech has room. faster-whisper allows prompt and hotwords that
much each, which leaves no room for text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from transcribe_cli.spec import JobSpec

if TYPE_CHECKING:
    from faster_whisper.tokenizer import Tokenizer

# In tokens, without the four that follow: start, language, task, and no timestamps.
ROOM = 223
_WORD = re.compile(r"\w+")
# From this many words on, a copy of the prompt may end in a word of the model's own.
_MIN_WORDS_OF_CUT_COPY = 3


def prompt_tokens(tokenizer: Tokenizer, text: str | None) -> list[int]:
    """The tokens of a text of the user's. Control tokens in it, such as `<|endoftext|>`, would end the text: they are left out."""
    stripped = (text or "").strip()
    return [token for token in tokenizer.encode(f" {stripped}") if token < tokenizer.eot] if stripped else []


def fit(tokenizer: Tokenizer, hotwords: Sequence[int], previous: Sequence[int]) -> tuple[list[int], list[int]]:
    """Shorten both so that together they fit into ROOM: the first hotwords, whole words, and the end of the previous text.

    Each keeps half of the room at least, and what the other does not need.
    """
    half = ROOM // 2
    kept = _first_words(tokenizer, hotwords, max(half, ROOM - len(previous)))
    left = ROOM - len(kept)
    return kept, list(previous[-left:]) if left else []


def shortening(tokenizer: Tokenizer, spec: JobSpec) -> str:
    """One sentence that says how much of the spec's prompt and hotwords is left out; "" if both fit."""
    hotwords, prompt = (prompt_tokens(tokenizer, text) for text in (spec.hotwords, spec.initial_prompt))
    # A sequential spec has text before every window but the first.
    kept, rest = fit(tokenizer, hotwords, prompt if not spec.sequential else [*[0] * (ROOM - len(prompt)), *prompt])
    parts = []
    if len(kept) < len(hotwords):
        parts.append(f"the first {len(kept)} of {len(hotwords)} tokens of hotwords")
    if len(rest) < len(prompt):
        parts.append(f"the last {len(rest)} of {len(prompt)} tokens of initial_prompt")
    if not parts:
        return ""
    return f"The model has room for {ROOM} tokens of prompt and hotwords. It gets only {' and '.join(parts)}."


def is_copied(text: str, spec: JobSpec) -> bool:
    """Whether the text is a passage of the spec's prompt or hotwords: the same words in a row; the last of several may differ."""
    words = _words(text)
    if not words:
        return False
    passages = [words]
    if len(words) >= _MIN_WORDS_OF_CUT_COPY:
        passages.append(words[:-1])
    sources = [f" {' '.join(_words(source))} " for source in (spec.initial_prompt, spec.hotwords) if source]
    return any(f" {' '.join(passage)} " in source for passage in passages for source in sources)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _first_words(tokenizer: Tokenizer, tokens: Sequence[int], room: int) -> list[int]:
    """The first words that fit into this many tokens; as many characters as fit, where words have no spaces."""
    if len(tokens) <= room:
        return list(tokens)
    starts = [place for place in range(1, room + 1) if tokenizer.decode([tokens[place]]).startswith(" ")]
    if starts:
        return list(tokens[: starts[-1]])
    kept = list(tokens[:room])
    while kept and tokenizer.decode(kept).endswith("\ufffd"):  # a character of several tokens
        kept.pop()
    return kept
