"""Checks the tokenizer of a recognizer's folder: that there is one, that it can be read, and that it is this model's.

Without the file, faster-whisper downloads the tokenizer of another model. With that of another model, every token means another one: the
text is nonsense, and nothing fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER = "tokenizer.json"
# The tokens around the text. Those of tasks and languages do not exist in English-only models of every maker.
_CONTROL_TOKENS = ("<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>", "<|startofprev|>")


# What Whisper's tokenizers consist of; None is nothing, or no type. Others run regular expressions, or turn a letter into a gigabyte.
_STEPS: Mapping[str, tuple[str | None, ...]] = {
    "normalizer": (None, "NFC", "NFD", "NFKC", "NFKD"),
    "pre_tokenizer": ("ByteLevel",),
    "decoder": ("ByteLevel",),
    "model": ("BPE", None),
}


def check_steps(document: Mapping[str, Any]) -> None:
    """Check that the parsed file has the steps of Whisper's tokenizer and no others.

    Raises:
        ValueError: the message is a reason, without the name of the model.
    """
    for step, allowed in _STEPS.items():
        given = document.get(step)
        kind = given.get("type") if isinstance(given, Mapping) else None
        if not isinstance(given, Mapping | None) or not (kind is None or isinstance(kind, str)) or kind not in allowed:
            raise ValueError(f"{TOKENIZER} is not that of a Whisper model: it has another {step}")


def check_tokenizer_file(folder: Path, vocabulary: Mapping[str, int], tokens: int) -> None:
    """Check the file, as `check_tokenizer` does.

    Raises:
        ValueError: the message is a reason, without the name of the model.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # tokenizers raises it as such
        raise ValueError(f"{TOKENIZER} is damaged ({error})") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Rust
            raise
        raise ValueError(f"{TOKENIZER} is damaged") from error
    check_tokenizer(tokenizer, vocabulary, tokens)


def check_tokenizer(tokenizer: Tokenizer, vocabulary: Mapping[str, int], tokens: int) -> None:
    """Check that a tokenizer is that of the model.

    Args:
        tokenizer: as loaded.
        vocabulary: token numbers of the model.
        tokens: their count. The model uses numbers as indices, unchecked.

    Raises:
        ValueError: the message is a reason, without the name of the model.
    """
    count = tokenizer.get_vocab_size()
    if count > tokens:
        raise ValueError(f"{TOKENIZER} has {count} tokens, the model has {tokens}")
    if max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0) >= tokens:
        raise ValueError(f"{TOKENIZER} has token numbers beyond the model's {tokens}")
    for token in _CONTROL_TOKENS:
        number = tokenizer.token_to_id(token)
        if number is None:
            raise ValueError(f"{TOKENIZER} is not that of a Whisper model: it lacks {token}")
        if vocabulary.get(token) != number:
            own = vocabulary.get(token, "missing")
            raise ValueError(f"{TOKENIZER} is that of another model: its {token} is {number}, the model's is {own}")
