"""Languages as media files name them, compared with those of users."""

from __future__ import annotations

import contextlib
import re

from transcribe_cli.text.languages import LANGUAGES, language_code

# ISO 639-2, where it is not the beginning of the English name; the older names of bibliographers are second.
_THREE_LETTERS = {
    "ar": "ara", "bg": "bul", "ca": "cat", "cs": "ces cze", "da": "dan", "de": "deu ger", "el": "ell gre", "en": "eng", "es": "spa",
    "et": "est", "eu": "eus baq", "fa": "fas per", "fi": "fin", "fr": "fra fre", "gl": "glg", "he": "heb", "hi": "hin", "hr": "hrv",
    "hu": "hun", "id": "ind", "is": "isl ice", "it": "ita", "ja": "jpn", "ko": "kor", "lt": "lit", "lv": "lav", "ms": "msa may",
    "nl": "nld dut", "no": "nor nob", "nn": "nno", "pl": "pol", "pt": "por", "ro": "ron rum", "ru": "rus", "sk": "slk slo", "sl": "slv",
    "sq": "sqi alb", "sr": "srp", "sv": "swe", "ta": "tam", "te": "tel", "th": "tha", "tl": "tgl fil", "tr": "tur", "uk": "ukr",
    "ur": "urd", "vi": "vie", "zh": "zho chi", "cy": "cym wel", "hy": "hye arm", "ka": "kat geo", "mk": "mkd mac", "my": "mya bur",
}  # fmt: skip
_BY_THREE = {name: code for code, names in _THREE_LETTERS.items() for name in names.split()}


def is_same_language(tag: str, wanted: str) -> bool:
    """Whether the tag of a track and what a user wrote mean one language: `por` and `pt`, `pt-BR`, `Portuguese`."""
    return bool(tag) and _normalized(tag) == _normalized(wanted)


def _normalized(name: str) -> str:
    base = re.split(r"[-_]", name.strip().lower())[0]
    if base in LANGUAGES:
        return base
    if base in _BY_THREE:
        return _BY_THREE[base]
    with contextlib.suppress(ValueError):
        return language_code(name) or base
    return base
