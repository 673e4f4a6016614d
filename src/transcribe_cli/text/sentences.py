"""Where a sentence ends, where a full stop only shortens a word, and how the texts of two clips are joined."""

from __future__ import annotations

from transcribe_cli.text.languages import LANGUAGES_WITHOUT_SPACES

SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！", "؟", "।")
# Full stops after these do not end a sentence (Portuguese, English, Spanish titles).
ABBREVIATIONS = frozenset(
    [
        "sr.",
        "sra.",
        "srs.",
        "dr.",
        "dra.",
        "prof.",
        "profa.",
        "mr.",
        "mrs.",
        "ms.",
        "st.",
        "vs.",
        "av.",
        "art.",
        "nº.",
        "no.",
        "exmo.",
        "exma.",
        "ud.",
        "uds.",
    ]
)


def ends_sentence(word: str) -> bool:
    """Whether a sentence ends with this word: `aula.` and `aula."` do, `Dr.` and `J.` do not."""
    bare = word.strip().rstrip("\"'”’»)]")
    if not bare.endswith(SENTENCE_ENDS):
        return False
    return not (bare.endswith(".") and (bare.lower() in ABBREVIATIONS or (len(bare) == 2 and bare[0].isupper())))


def with_leading_space(text: str, language: str) -> str:
    """Text that follows that of another clip, with a space between them where the language has spaces."""
    return text if text.startswith(" ") or language in LANGUAGES_WITHOUT_SPACES else f" {text}"
