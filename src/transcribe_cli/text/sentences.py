"""Sentence ends, abbreviations, and the space between the texts of two clips."""

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
    stripped = word.strip().rstrip("\"'”’»)]")
    if not stripped.endswith(SENTENCE_ENDS):
        return False
    is_initial = len(stripped) == 2 and stripped[0].isupper()
    return not (stripped.endswith(".") and (stripped.lower() in ABBREVIATIONS or is_initial))


def with_leading_space(text: str, language: str) -> str:
    """The text with a leading space, to follow the text of another clip; unchanged in languages without spaces."""
    return text if text.startswith(" ") or language in LANGUAGES_WITHOUT_SPACES else f" {text}"
