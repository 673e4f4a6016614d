"""The languages that Whisper supports, and the codes and names by which people call them.

Each has a code and an English name here, in the order of the model's language tokens, which is that of the speech in its training.

Source: the `LANGUAGES` table of openai/whisper, whose order defines the token ids; `yue` was added with large-v3.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from transcribe_cli.text.printable import printable

LANGUAGES = {
    "en": "english", "zh": "chinese", "de": "german", "es": "spanish", "ru": "russian", "ko": "korean", "fr": "french",
    "ja": "japanese", "pt": "portuguese", "tr": "turkish", "pl": "polish", "ca": "catalan", "nl": "dutch", "ar": "arabic",
    "sv": "swedish", "it": "italian", "id": "indonesian", "hi": "hindi", "fi": "finnish", "vi": "vietnamese", "he": "hebrew",
    "uk": "ukrainian", "el": "greek", "ms": "malay", "cs": "czech", "ro": "romanian", "da": "danish", "hu": "hungarian",
    "ta": "tamil", "no": "norwegian", "th": "thai", "ur": "urdu", "hr": "croatian", "bg": "bulgarian", "lt": "lithuanian",
    "la": "latin", "mi": "maori", "ml": "malayalam", "cy": "welsh", "sk": "slovak", "te": "telugu", "fa": "persian",
    "lv": "latvian", "bn": "bengali", "sr": "serbian", "az": "azerbaijani", "sl": "slovenian", "kn": "kannada",
    "et": "estonian", "mk": "macedonian", "br": "breton", "eu": "basque", "is": "icelandic", "hy": "armenian", "ne": "nepali",
    "mn": "mongolian", "bs": "bosnian", "kk": "kazakh", "sq": "albanian", "sw": "swahili", "gl": "galician", "mr": "marathi",
    "pa": "punjabi", "si": "sinhala", "km": "khmer", "sn": "shona", "yo": "yoruba", "so": "somali", "af": "afrikaans",
    "oc": "occitan", "ka": "georgian", "be": "belarusian", "tg": "tajik", "sd": "sindhi", "gu": "gujarati", "am": "amharic",
    "yi": "yiddish", "lo": "lao", "uz": "uzbek", "fo": "faroese", "ht": "haitian-creole", "ps": "pashto", "tk": "turkmen",
    "nn": "nynorsk", "mt": "maltese", "sa": "sanskrit", "lb": "luxembourgish", "my": "myanmar", "bo": "tibetan",
    "tl": "tagalog", "mg": "malagasy", "as": "assamese", "tt": "tatar", "haw": "hawaiian", "ln": "lingala", "ha": "hausa",
    "ba": "bashkir", "jw": "javanese", "su": "sundanese", "yue": "cantonese",
}  # fmt: skip

# Written without spaces between words (faster_whisper/tokenizer.py splits these by character).
LANGUAGES_WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})

# Three-letter codes of ISO 639-2 (T and B) and 639-3, with those of the varieties that Whisper does not tell apart; withdrawn
# two-letter codes; and codes that differ from Whisper's. Source: https://iso639-3.sil.org/code_tables/download_tables
_OTHER_CODES = {
    "en": "eng", "zh": "zho chi cmn", "de": "deu ger gsw", "es": "spa", "ru": "rus", "ko": "kor", "fr": "fra fre", "ja": "jpn",
    "pt": "por", "tr": "tur", "pl": "pol", "ca": "cat", "nl": "nld dut vls", "ar": "ara arb arz apc ary afb ajp acm", "sv": "swe",
    "it": "ita", "id": "ind in", "hi": "hin", "fi": "fin", "vi": "vie", "he": "heb iw", "uk": "ukr", "el": "ell gre",
    "ms": "msa may zsm", "cs": "ces cze", "ro": "ron rum mo mol", "da": "dan", "hu": "hun", "ta": "tam", "no": "nor nb nob",
    "th": "tha", "ur": "urd", "hr": "hrv scr", "bg": "bul", "lt": "lit", "la": "lat", "mi": "mri mao", "ml": "mal", "cy": "cym wel",
    "sk": "slk slo", "te": "tel", "fa": "fas per pes prs", "lv": "lav lvs", "bn": "ben", "sr": "srp scc", "az": "aze azj azb",
    "sl": "slv", "kn": "kan", "et": "est ekk", "mk": "mkd mac", "br": "bre", "eu": "eus baq", "is": "isl ice", "hy": "hye arm",
    "ne": "nep npi", "mn": "mon khk", "bs": "bos", "kk": "kaz", "sq": "sqi alb als aln", "sw": "swa swh", "gl": "glg", "mr": "mar",
    "pa": "pan pnb", "si": "sin", "km": "khm", "sn": "sna", "yo": "yor", "so": "som", "af": "afr", "oc": "oci", "ka": "kat geo",
    "be": "bel", "tg": "tgk", "sd": "snd", "gu": "guj", "am": "amh", "yi": "yid ydd ji", "lo": "lao", "uz": "uzb uzn", "fo": "fao",
    "ht": "hat", "ps": "pus pbt pst", "tk": "tuk", "nn": "nno", "mt": "mlt", "sa": "san", "lb": "ltz", "my": "mya bur",
    "bo": "bod tib", "tl": "tgl fil", "mg": "mlg plt", "as": "asm", "tt": "tat", "haw": "haw", "ln": "lin", "ha": "hau",
    "ba": "bak", "jw": "jav jv", "su": "sun", "yue": "zh-yue",
}  # fmt: skip

# Other names: those that openai/whisper accepts, common ones, and the languages' own.
_OTHER_NAMES = {
    "zh": "mandarin,中文,汉语,漢語,普通话,國語", "de": "deutsch", "es": "castilian,español,espanol,castellano", "ru": "русский",
    "ko": "한국어", "fr": "français,francais", "ja": "日本語", "pt": "português,portugues", "tr": "türkçe", "pl": "polski",
    "ca": "valencian,català", "nl": "flemish,nederlands,vlaams", "ar": "العربية", "sv": "svenska", "it": "italiano",
    "id": "bahasa indonesia", "hi": "हिन्दी", "fi": "suomi", "vi": "tiếng việt", "he": "עברית", "uk": "українська", "el": "ελληνικά",
    "ms": "bahasa melayu", "cs": "čeština", "ro": "moldavian,moldovan,română", "da": "dansk", "hu": "magyar",
    "no": "norsk,bokmål,norwegian bokmål", "th": "ไทย", "hr": "hrvatski", "bg": "български", "si": "sinhalese", "fa": "farsi,dari,فارسی",
    "pa": "panjabi", "ps": "pushto", "nn": "norwegian nynorsk", "lb": "letzeburgesch", "my": "burmese",
    "ht": "haitian,haitian creole", "tl": "filipino", "eu": "euskara", "gl": "galego", "km": "khmer,cambodian",
}  # fmt: skip

# Countries whose code is given in place of a language's. They are guesses only: `br` and `se` are codes of other languages.
_COUNTRIES = {
    "us": "en", "usa": "en", "gb": "en", "gbr": "en", "au": "en", "jp": "ja", "cn": "zh", "chn": "zh", "tw": "zh", "kr": "ko",
    "cz": "cs", "dk": "da", "dnk": "da", "gr": "el", "grc": "el", "se": "sv", "ua": "uk", "vn": "vi", "ir": "fa", "il": "he",
    "rs": "sr", "si": "sl", "ee": "et", "at": "de", "mx": "es", "esp": "es", "bra": "pt", "prt": "pt", "nld": "nl", "ptbr": "pt",
    "ptb": "pt", "enus": "en", "zhcn": "zh", "hk": "yue", "sw": "sv", "pk": "ur", "bd": "bn", "ph": "tl", "my": "ms",
}  # fmt: skip

_SEPARATORS = re.compile(r"[-_.@]")
_NAME = re.compile(r"[\w\s().-]+")
_WORDS = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_TAG = re.compile(r"[a-z]{2,3}([-_.@][a-z0-9]{2,4})*")
# From here on, a part of a name is similar to the language that it is meant to be.
_SIMILARITY = 0.66


def language_code(text: str) -> str | None:
    """The code of a language; None for "", `auto`, `none` and `und`.

    Args:
        text: a code of ISO 639-1, 639-2 or 639-3, with or without region and script (`pt`, `por`, `pt-BR`, `zh_Hant_TW`), or the
            language's English or own name (`Portuguese`, `Brazilian Portuguese`, `português`).

    Raises:
        ValueError: for anything else; the message suggests the closest language.
    """
    name = _folded(text)
    if name in ("", "auto", "none", "und"):
        return None
    if (code := tag_code(name) or _name_code(name)) is not None:
        return code
    near = _guess(name)
    raise ValueError(f"unknown language {printable(text)[:100]!r}" + (f" (did you mean {near}?)" if near else ""))


def tag_code(text: str) -> str | None:
    """The code of a language given as a code, with or without region and script; None for anything else."""
    first, *rest = _SEPARATORS.split(_folded(text))
    if rest and (code := _codes().get(f"{first}-{rest[0]}")):
        return code
    return _codes().get(first)


def _name_code(name: str) -> str | None:
    """The code by a name, also with a country before or after it: `brazilian portuguese`, `english (us)`, `english-us`."""
    if name in _names():
        return _names()[name]
    words = _WORDS.findall(name) if _NAME.fullmatch(name) else []
    parts = [" ".join(words), *words, *(words[0].split("-")[:1] if words else ())]
    found = {_names()[part] for part in parts if part in _names()}
    return found.pop() if len(found) == 1 else None


def _guess(name: str) -> str | None:
    """The code of the language that is most similar; of equally similar ones, that with most speech in Whisper's training."""
    first = _SEPARATORS.split(name)[0] if _TAG.fullmatch(name) else name
    if first in _COUNTRIES:
        return _COUNTRIES[first]
    if len(first) < 3:
        return None
    if len(first) == 3 and first[:2] in LANGUAGES:
        return first[:2]
    known = _codes() if len(first) == 3 else _names()
    likely = [other for other in known if other[0] == first[0] and len(other) >= 3]
    best = max(likely, key=lambda other: _similarity(first, other), default=None)
    return known[best] if best is not None and _similarity(first, best) >= _SIMILARITY else None


def _similarity(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio()


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


@cache
def _codes() -> dict[str, str]:
    return {code: code for code in LANGUAGES} | {other: code for code, others in _OTHER_CODES.items() for other in others.split()}


@cache
def _names() -> dict[str, str]:
    own = {name: code for code, name in LANGUAGES.items()}
    return own | {_folded(other): code for code, others in _OTHER_NAMES.items() for other in others.split(",")}
