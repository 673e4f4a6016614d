"""Text made comparable: what is written differently but said alike becomes the same.

Case, punctuation, hyphens, compatibility forms (NFKC), notes in square brackets; in Portuguese, Spanish and English also numbers, money,
titles and other common abbreviations. Accents stay: `e` and `é` are different words. So do hesitations and colloquial forms such as
`pra` and `tá`, which are heard. docs/scoring.md lists the rules for people.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from transcribe_cli.scoring.conventions import CONVENTIONS, Conventions
from transcribe_cli.scoring.numbers import Speller
from transcribe_cli.text.languages import LANGUAGES_WITHOUT_SPACES

Normalizer = Callable[[str], str]

# [risos], [inaudível 0:42]: what transcribers write about the sound.
_NOTE = re.compile(r"\[[^\[\]\n]{0,80}\]")
_ORDINAL_SIGNS = re.compile("([ºª])")
_APOSTROPHES = re.compile("(?<=[^\\W\\d_])['’ʼ`´](?=[^\\W\\d_])")
_NO_LETTER = r"(?![^\W\d_])"


def unchanged(text: str) -> str:
    """The text with single spaces, and nothing else done to it."""
    return " ".join(text.split())


@lru_cache
def normalizer(language: str) -> Normalizer:
    """What makes texts of this language comparable: words separated by single spaces."""
    conventions = CONVENTIONS.get(language)
    spoken = _spoken(conventions) if conventions else _unspoken
    apart = _each_character if language in LANGUAGES_WITHOUT_SPACES else unchanged

    def normalize(text: str) -> str:
        folded = _compatible(_NOTE.sub(" ", text)).casefold()
        words = unchanged(_letters(_APOSTROPHES.sub("", spoken(folded))))
        for pattern, replacement in conventions.folds if conventions else ():
            words = pattern.sub(replacement, words)
        return apart(words)

    return normalize


def _spoken(conventions: Conventions) -> Normalizer:
    """Abbreviations, signs and numbers, in lower case, as they are said."""
    speller = Speller(conventions)
    abbreviation = re.compile(
        rf"(?<![^\W\d_])(?:{'|'.join(_abbreviation(key) for key in _longest_first(conventions))}){_NO_LETTER}"
    )
    said = {_bare(key): words for key, words in conventions.abbreviations.items()}

    def spoken(text: str) -> str:
        text = abbreviation.sub(lambda match: f" {said[_bare(match[0])]} ", text)
        text = speller.spell(text)
        for sign, words in conventions.signs.items():
            text = text.replace(sign, f" {words} ")
        return text

    return spoken


def _unspoken(text: str) -> str:
    return text


def _longest_first(conventions: Conventions) -> list[str]:
    return sorted(conventions.abbreviations, key=len, reverse=True)


def _abbreviation(key: str) -> str:
    """With any spaces where it has one, and with or without the last full stop where it has none."""
    return re.escape(key).replace(r"\ ", r"\s*") + ("" if key.endswith((".", "º", "ª", "°")) else r"\.?")


def _bare(text: str) -> str:
    return re.sub(r"[\s.]", "", text)


def _compatible(text: str) -> str:
    """NFKC, but º and ª stay what they are: as o and a they could not be told from letters."""
    parts = _ORDINAL_SIGNS.split(text)
    return "".join(part if part in ("º", "ª") else unicodedata.normalize("NFKC", part) for part in parts)


def _letters(text: str) -> str:
    """Letters, digits and their marks; everything else is a space, but what nobody sees or hears is nothing."""
    kept = "".join(_letter(character) for character in unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", kept)


def _letter(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LNM":
        return character
    return "" if category == "Cf" else " "  # soft hyphens, joiners, direction marks


def _each_character(text: str) -> str:
    """Languages without spaces between words are scored by character."""
    return " ".join(text.replace(" ", ""))
