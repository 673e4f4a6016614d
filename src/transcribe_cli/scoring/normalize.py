"""Normalizes text for comparison, so that different spellings of the same speech become equal.

Normalizes case, punctuation, hyphens, compatibility forms (NFKC) and notes in square brackets; in Portuguese, Spanish and English also
numbers, money, titles and other common abbreviations. Accents are kept: `e` and `é` are different words. Hesitations and colloquial forms
such as `pra` and `tá` are kept, because they are audible. docs/scoring.md lists the rules for users.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from transcribe_cli.scoring.conventions import CONVENTIONS, Conventions
from transcribe_cli.scoring.numbers import Speller
from transcribe_cli.text.combining_marks import without_endless_marks
from transcribe_cli.text.languages import LANGUAGES_WITHOUT_SPACES

Normalizer = Callable[[str], str]

# [risos], [inaudível 0:42]: notes of transcribers about the sound.
_NOTE = re.compile(r"\[[^\[\]\n]{0,80}\]")
_ORDINAL_SIGNS = re.compile("([ºª])")
_APOSTROPHES = re.compile("(?<=[^\\W\\d_])['’ʼ`´](?=[^\\W\\d_])")
_NO_LETTER = r"(?![^\W\d_])"


def collapse_spaces(text: str) -> str:
    """The text with single spaces, otherwise unchanged."""
    return " ".join(text.split())


@lru_cache
def normalizer(language: str) -> Normalizer:
    """The function that normalizes text of this language to words separated by single spaces."""
    conventions = CONVENTIONS.get(language)
    expand = _expander(conventions) if conventions else _keep
    split_words = _split_characters if language in LANGUAGES_WITHOUT_SPACES else collapse_spaces

    def normalize(text: str) -> str:
        folded = _compatible(_NOTE.sub(" ", without_endless_marks(text))).casefold()
        words = collapse_spaces(_letters_only(_APOSTROPHES.sub("", expand(folded))))
        for pattern, replacement in conventions.folds if conventions else ():
            words = pattern.sub(replacement, words)
        return split_words(words)

    return normalize


def _expander(conventions: Conventions) -> Normalizer:
    """The function that replaces abbreviations, signs and numbers in lower-case text by words."""
    speller = Speller(conventions)
    abbreviation = re.compile(
        rf"(?<![^\W\d_])(?:{'|'.join(_abbreviation_pattern(key) for key in _longest_first(conventions))}){_NO_LETTER}"
    )
    expansions = {_bare(key): words for key, words in conventions.abbreviations.items()}

    def expand(text: str) -> str:
        text = abbreviation.sub(lambda match: f" {expansions[_bare(match[0])]} ", text)
        text = speller.spell(text)
        for sign, words in conventions.signs.items():
            text = text.replace(sign, f" {words} ")
        return text

    return expand


def _keep(text: str) -> str:
    return text


def _longest_first(conventions: Conventions) -> list[str]:
    return sorted(conventions.abbreviations, key=len, reverse=True)


def _abbreviation_pattern(key: str) -> str:
    """Matches any number of spaces for one, and an optional full stop at the end."""
    return re.escape(key).replace(r"\ ", r"\s*") + ("" if key.endswith((".", "º", "ª", "°")) else r"\.?")


def _bare(text: str) -> str:
    return re.sub(r"[\s.]", "", text)


def _compatible(text: str) -> str:
    """NFKC, except for º and ª: as o and a they would be indistinguishable from letters."""
    parts = _ORDINAL_SIGNS.split(text)
    return "".join(part if part in ("º", "ª") else unicodedata.normalize("NFKC", part) for part in parts)


def _letters_only(text: str) -> str:
    """Letters, digits and their marks. Invisible characters are removed, and everything else becomes a space."""
    kept = "".join(_letter_or_space(character) for character in unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", kept)


def _letter_or_space(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LNM":
        return character
    return "" if category == "Cf" else " "  # soft hyphens, joiners, direction marks


def _split_characters(text: str) -> str:
    """For languages without spaces between words, which are scored by character."""
    return " ".join(text.replace(" ", ""))
