"""Written and spoken forms of numbers, money and titles in Portuguese, Spanish and English: the tables for normalization.

Both sides are converted to words, never to digits: `um` is an article as often as a number, so converting words to digits would require
guessing. num2words spells the integers; its Portuguese was compared with the rules of the language for 0 to 999,999, without a
difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Singular and plural of the currency, then of its hundredth part.
Money = tuple[str, str, str, str]
Folds = tuple[tuple[re.Pattern[str], str], ...]


@dataclass(frozen=True)
class Conventions:
    """The conventions of one language.

    Attributes:
        name: the language code of num2words.
        grouped: pattern of a number with grouped thousands, such as 1.500 or 1,500.
        separators: the words for a decimal comma and a decimal point.
        fraction_as_number: whether 3,14 is read "three comma fourteen" rather than "three comma one four".
        ordinals: suffixes of ordinals in digits; True for a feminine one.
        largest_ordinal: larger ones are read as cardinals, or num2words invents a word.
        hours: the noun for 14h30, singular and plural; None if that is not written.
        abbreviations: abbreviation -> words. A full stop at the end is optional if the key has none.
        signs: single characters -> words.
        money: the sign before an amount -> names of the currency.
        scales: words allowed between an amount in digits and its currency; True if "of" follows.
        of, with_parts: the words between millions and the currency, and between the currency and its hundredth parts.
        folds: replacements for variants that sound the same, or differ by the gender of a numeral.
    """

    name: str
    grouped: re.Pattern[str]
    separators: Mapping[str, str]
    fraction_as_number: bool
    ordinals: Mapping[str, bool]
    largest_ordinal: int
    hours: tuple[str, str] | None
    abbreviations: Mapping[str, str]
    signs: Mapping[str, str]
    money: Mapping[str, Money]
    scales: Mapping[str, bool]
    of: str
    with_parts: str
    folds: Folds


def _folds(*pairs: tuple[str, str]) -> Folds:
    return tuple((re.compile(rf"\b(?:{pattern})\b"), replacement) for pattern, replacement in pairs)


_BY_POINT = r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]+)?"
_BY_COMMA = r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?"
_PT_HUNDREDS = "(?:duz|trez|quatroc|quinh|seisc|setec|oitoc|novec)entos"
_PT_BEFORE_ONE = f"vinte|trinta|quarenta|cinquenta|sessenta|setenta|oitenta|noventa|cento|{_PT_HUNDREDS}|mil"
_ES_TENS = "treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa"

PORTUGUESE = Conventions(
    name="pt_BR",
    grouped=re.compile(_BY_POINT),
    separators={",": "vírgula", ".": "ponto"},
    fraction_as_number=True,
    ordinals={"º": False, "°": False, "ª": True},
    largest_ordinal=999,
    hours=("hora", "horas"),
    abbreviations={
        "sr": "senhor", "sra": "senhora", "srs": "senhores", "sras": "senhoras", "srta": "senhorita", "sr.ª": "senhora", "srª": "senhora",
        "dr": "doutor", "dra": "doutora", "drs": "doutores", "dras": "doutoras", "dr.ª": "doutora", "drª": "doutora",
        "prof.": "professor", "profs.": "professores", "profa": "professora", "prof.ª": "professora", "profª": "professora",
        "exmo": "excelentíssimo", "exma": "excelentíssima", "ilmo": "ilustríssimo", "ilma": "ilustríssima",
        "v. exa": "vossa excelência", "v. ex.ª": "vossa excelência", "v. ex.a": "vossa excelência", "s. exa": "sua excelência",
        "nº": "número", "n.º": "número", "n°": "número", "av.": "avenida", "art.": "artigo", "arts.": "artigos",
        "pág.": "página", "págs.": "páginas",
    },
    signs={"%": "por cento", "&": "e", "§": "parágrafo"},
    money={
        "r$": ("real", "reais", "centavo", "centavos"), "us$": ("dólar", "dólares", "centavo", "centavos"),
        "€": ("euro", "euros", "cêntimo", "cêntimos"), "$": ("dólar", "dólares", "centavo", "centavos"),
    },
    scales={"mil": False, "milhão": True, "milhões": True, "bilhão": True, "bilhões": True, "trilhão": True, "trilhões": True},
    of="de",
    with_parts="e",
    folds=_folds(
        ("dezasseis", "dezesseis"), ("dezassete", "dezessete"), ("dezanove", "dezenove"), ("quatorze", "catorze"),
        ("cinqüenta", "cinquenta"), ("duas", "dois"), ("(duz|trez|quatroc|quinh|seisc|setec|oitoc|novec)entas", r"\1entos"),
        (f"({_PT_BEFORE_ONE}) e uma", r"\1 e um"), (r"(?<!\be )um mil", "mil"),
    ),
)  # fmt: skip

SPANISH = Conventions(
    name="es",
    grouped=re.compile(f"{_BY_POINT}|{_BY_COMMA}"),  # Spain groups by points, Mexico by commas
    separators={",": "coma", ".": "punto"},
    fraction_as_number=True,
    ordinals={"º": False, "°": False, "ª": True},
    largest_ordinal=10,
    hours=None,
    abbreviations={
        "sr": "señor", "sra": "señora", "sres": "señores", "sras": "señoras", "srta": "señorita", "sr.ª": "señora", "srª": "señora",
        "dr": "doctor", "dra": "doctora", "dr.ª": "doctora", "drª": "doctora",
        "prof.": "profesor", "profa": "profesora", "ud": "usted", "uds": "ustedes", "nº": "número", "n.º": "número", "n°": "número",
        "art.": "artículo", "pág.": "página",
    },
    signs={"%": "por ciento", "&": "y", "§": "párrafo"},
    money={
        "us$": ("dólar", "dólares", "centavo", "centavos"), "€": ("euro", "euros", "céntimo", "céntimos"),
        "$": ("peso", "pesos", "centavo", "centavos"),
    },
    scales={"mil": False, "millón": True, "millones": True},
    of="de",
    with_parts="con",
    folds=_folds(
        ("veintiuno|veintiuna", "veintiún"), ("uno", "un"), (f"({_ES_TENS}) y una", r"\1 y un"),
        ("(dosc|tresc|cuatroc|quin|seisc|setec|ochoc|novec)ientas", r"\1ientos"),
    ),
)  # fmt: skip

ENGLISH = Conventions(
    name="en",
    grouped=re.compile(_BY_COMMA),
    separators={",": "point", ".": "point"},
    fraction_as_number=False,
    ordinals={"st": False, "nd": False, "rd": False, "th": False},
    largest_ordinal=999_999,
    hours=None,
    abbreviations={"mr": "mister", "mrs": "missus", "dr": "doctor", "prof.": "professor"},
    signs={"%": "percent", "&": "and", "§": "section"},
    money={
        "us$": ("dollar", "dollars", "cent", "cents"), "$": ("dollar", "dollars", "cent", "cents"),
        "€": ("euro", "euros", "cent", "cents"), "£": ("pound", "pounds", "penny", "pence"),
    },
    scales={"thousand": False, "million": False, "billion": False, "trillion": False},
    of="",
    with_parts="and",
    folds=_folds(("(hundred|thousand|million|billion) and", r"\1"), ("per cent", "percent")),
)  # fmt: skip

CONVENTIONS: Mapping[str, Conventions] = {"pt": PORTUGUESE, "es": SPANISH, "en": ENGLISH}
