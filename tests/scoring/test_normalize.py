"""Text normalization. The table is also the list of rules that docs/scoring.md describes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcribe_cli.scoring.normalize import collapse_spaces, normalizer

UNITS = [
    *("zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez", "onze", "doze", "treze", "catorze"),
    *("quinze", "dezesseis", "dezessete", "dezoito", "dezenove"),
]
TENS = ["", "", "vinte", "trinta", "quarenta", "cinquenta", "sessenta", "setenta", "oitenta", "noventa"]
HUNDREDS = ["", "cento", *(f"{stem}entos" for stem in ("duz", "trez", "quatroc", "quinh", "seisc", "setec", "oitoc", "novec"))]


def below_a_thousand(number: int) -> str:
    """Spelled by the rules of grammar, without the library."""
    if number == 100:
        return "cem"
    parts = [HUNDREDS[number // 100]] if number >= 100 else []
    rest = number % 100
    if rest >= 20:
        parts += [TENS[rest // 10]] + ([UNITS[rest % 10]] if rest % 10 else [])
    elif rest:
        parts.append(UNITS[rest])
    return " e ".join(parts)


def in_portuguese(number: int) -> str:
    """`e` follows the thousands if the rest is below a hundred or ends in two zeros."""
    thousands, rest = divmod(number, 1000)
    if not thousands:
        return below_a_thousand(rest) or "zero"
    prefix = "mil" if thousands == 1 else f"{below_a_thousand(thousands)} mil"
    if not rest:
        return prefix
    return f"{prefix}{' e ' if rest < 100 or rest % 100 == 0 else ' '}{below_a_thousand(rest)}"


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 999_999))
def test_a_number_is_the_same_in_digits_and_in_words(number):
    """Also with points between the thousands."""
    normalize = normalizer("pt")
    assert normalize(str(number)) == normalize(in_portuguese(number)) == in_portuguese(number)
    assert normalize(f"{number:,}".replace(",", ".")) == in_portuguese(number)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("42", "quarenta e dois"),
        ("1.500", "mil e quinhentos"),
        ("3,5", "três vírgula cinco"),
        ("3,14", "três vírgula catorze"),
        ("3,05", "três vírgula zero cinco"),
        ("1.5", "um ponto cinco"),
        ("1.500,75", "mil e quinhentos vírgula setenta e cinco"),
        ("1.2.3", "um dois três"),
        ("007", "zero zero sete"),
        ("12345678901234567890", "um dois três quatro cinco seis sete oito nove zero " * 2),
        ("COVID-19", "covid dezenove"),
        ("4２", "quarenta e dois"),
        ("duas mil e uma pessoas", "2001 pessoas"),
        ("vinte e uma", "21"),
        ("dezasseis, dezassete, dezanove, quatorze", "16, 17, 19, 14"),
        ("1 mil", "mil"),
        ("vinte e um mil", "21 mil"),
        ("1º", "primeiro"),
        ("21ª", "vigésima primeira"),
        ("Art. 5º, § 2º", "artigo quinto, parágrafo segundo"),
        ("10%", "dez por cento"),
        ("R$ 3,50", "três reais e cinquenta centavos"),
        ("R$ 1.500,00", "mil e quinhentos reais"),
        ("R$ 1,01", "um real e um centavo"),
        ("R$ 0,50", "cinquenta centavos"),
        ("R$5 milhões", "cinco milhões de reais"),
        ("R$ 2.000.000,00", "dois milhões de reais"),
        ("R$ 10 mil", "dez mil reais"),
        ("às 14h30", "às catorze horas e trinta"),
        ("à 1h", "à uma hora"),
        ("10:30", "dez trinta"),
        ("Sr. João e Sra. Ana", "senhor joão e senhora ana"),
        ("Dr.ª Bia, Dr Caio, Profª Cida, o prof. Davi", "doutora bia doutor caio professora cida o professor davi"),
        ("V. Exa. e V.Ex.ª", "vossa excelência e vossa excelência"),
        ("nº 7", "número sete"),
        ("guarda-chuva", "guarda chuva"),
        ("d’água", "d'água"),
        ("“Olá” — disse… ele!", "olá disse ele"),
        ("[risos] sim [inaudível 0:42]", "sim"),
        ("soft\u00adhyphen", "softhyphen"),
        ("A\u0301gua", "água"),
        ("ＡＢＣ ﬁm", "abc fim"),
        ("\x1b[31mvermelho", "trinta e um mvermelho"),
    ],
)
def test_spellings_of_the_same_speech_are_equal(written, said):
    """In Portuguese."""
    assert normalizer("pt")(written) == normalizer("pt")(said)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("e", "é"),
        ("pra", "para"),
        ("tá", "está"),
        ("1 pessoa", "uma pessoa"),
        ("profeta", "professor eta"),
        ("dr", "dra"),
        ("um", "1,0"),
    ],
)
def test_audible_differences_are_kept(one, other):
    """Accents and colloquial forms are audible. `uma` alone is more likely the article."""
    assert normalizer("pt")(one) != normalizer("pt")(other)


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "1,500", "one thousand, five hundred"),
        ("en", "in 1999", "in nineteen ninety-nine"),
        ("en", "101", "one hundred one"),
        ("en", "3.14", "three point one four"),
        ("en", "$3.50", "three dollars and fifty cents"),
        ("en", "the 22nd, 5%", "the twenty-second five percent"),
        ("en", "Mr. Smith doesn’t", "mister smith doesn't"),
        ("es", "1.500 y 1,500", "mil quinientos y mil quinientos"),
        ("es", "21 años", "veintiún años"),
        ("es", "el Sr. Pérez, 1ª vez", "el señor pérez primera vez"),
        ("fr", "Été : 42 !", "été 42"),
        ("zh", "你好，世界", "你好世界"),
        ("xx", "A  b.", "a b"),
    ],
)
def test_other_languages_have_their_own_conventions(language, written, said):
    """Those without a table keep their digits; those without spaces are split into characters."""
    assert normalizer(language)(written) == normalizer(language)(said)


def test_languages_without_spaces_are_counted_by_character():
    """Otherwise a whole sentence would be one word."""
    assert normalizer("ja")("日本 語。") == "日 本 語"


def test_without_normalization_only_spaces_change():
    """Runs of spaces become one."""
    assert collapse_spaces(" Sr.  João,\n42 ") == "Sr. João, 42"


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=60), st.sampled_from(["pt", "en", "es", "fr", "zh"]))
def test_any_text_becomes_words(text, language):
    """With single spaces, and without control characters."""
    once = normalizer(language)(text)
    assert once == " ".join(once.split())
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in once)


@pytest.mark.parametrize(
    "hostile", ["9" * 200_000, "1." * 100_000, "[" * 200_000, "r$ " * 70_000, "v. " * 70_000, "<a" * 100_000, "1 " * 100_000]
)
def test_hostile_text_is_normalized_quickly(hostile):
    """No pattern backtracks excessively."""
    started = time.monotonic()
    normalizer("pt")(hostile)
    assert time.monotonic() - started < 20
