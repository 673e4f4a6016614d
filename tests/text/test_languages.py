"""Languages by code, name, region: whatever people call them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran
from transcribe_cli.scoring.options import COLLAR, Options
from transcribe_cli.sources.lists import manifest_lines
from transcribe_cli.spec import JobSpec
from transcribe_cli.subtitles.lint.files import SubtitleFile
from transcribe_cli.text.languages import LANGUAGES, language_code, tag_code

NAMES = {
    "pt": ["pt", "PT", "por", "pt-BR", "pt_BR", "pt_BR.UTF-8", "Portuguese", "português", "portugue\u0302s", "Brazilian Portuguese",
           "Portuguese (Brazil)", " portuguese "],
    "de": ["deu", "ger", "de-AT", "Deutsch", "swiss german", "gsw"],
    "zh": ["zh-TW", "zh_Hant_TW", "zho", "chi", "cmn", "cmn-Hans-CN", "Mandarin Chinese", "中文"],
    "yue": ["yue", "zh-yue", "yue-HK", "cantonese"],
    "en": ["eng", "en-US", "en_GB.UTF-8", "English-US"],
    "no": ["nb", "nob", "nor", "nb-NO", "norsk"], "nn": ["nno", "Norwegian Nynorsk"],
    "he": ["iw", "heb"], "id": ["in", "ind"], "jw": ["jv", "jav", "jw"], "tl": ["fil", "tgl", "filipino"],
    "el": ["ell", "gre"], "fr": ["fra", "fre", "fr-CA"], "nl": ["nld", "dut", "flemish"], "fa": ["fas", "per", "farsi", "prs"],
    "sr": ["srp", "scc"], "haw": ["haw"], "ht": ["Haitian Creole", "hat"],
}  # fmt: skip


@pytest.mark.parametrize(("code", "name"), [(code, name) for code, names in NAMES.items() for name in names])
def test_codes_names_and_regions_are_understood(code: str, name: str) -> None:
    """Of all parts of ISO 639, in any case."""
    assert language_code(name) == code


def test_each_language_is_known_by_its_code_and_name() -> None:
    """And no other code or name takes their place."""
    assert {language_code(code) for code in LANGUAGES} == set(LANGUAGES)
    assert [language_code(name) for name in LANGUAGES.values()] == list(LANGUAGES)
    assert all(language_code(text) is None for text in ("", "auto", "none", "und"))


@pytest.mark.parametrize(
    ("wrong", "guess"),
    [
        *[(wrong, "pt") for wrong in ("portugese", "ptbr", "prt", "ptt", "bra", "pot")],
        *[("jp", "ja"), ("cn", "zh"), ("us", "en"), ("gb", "en"), ("dk", "da"), ("cz", "cs"), ("se-SE", "sv"), ("kr", "ko")],
        *[("spn", "es"), ("germn", "de"), ("frnch", "fr"), ("englsh", "en"), ("japones", "ja"), ("deutch", "de")],
        *[
            ("xx", None),
            ("klingon", None),
            ("zzz", None),
            ("1", None),
            ("en,pt", None),
            ("english german", "en"),
            ("english\x1b[2J", "en"),
        ],
    ],
)
def test_the_guess_for_a_wrong_one_is_right(wrong: str, guess: str | None) -> None:
    """The language that was meant, by its code; none where nothing is similar."""
    with pytest.raises(ValueError, match="unknown language") as caught:
        language_code(wrong)
    assert str(caught.value).partition(" (")[2] == (f"did you mean {guess}?)" if guess else "")
    assert "\x1b" not in str(caught.value)


def test_every_place_understands_them(tmp_path: Path) -> None:
    """The spec, so flags and configuration; manifests; scores; names of subtitle files."""
    assert JobSpec(language="por").fingerprint == JobSpec(language="pt-BR").fingerprint == JobSpec(language="pt").fingerprint
    assert JobSpec.model_validate({"languages": ("eng", "pt_BR", "Deutsch")}).languages == ("de", "en", "pt")
    [line] = manifest_lines(json.dumps({"uri": "a.mp3", "language": "deu", "languages": ["ger", "en-GB"]}).encode(), "m.jsonl")
    spec = JobSpec().model_copy(update=dict(line.overrides))
    assert (spec.language, spec.languages) == ("de", ("de", "en"))
    assert Options.parse("por", COLLAR, "", normalize=True, differences=0).language == "pt"
    for name, code in (
        ("a.por.srt", "pt"),
        ("a.pt-BR.srt", "pt"),
        ("a.pt_BR.vtt", "pt"),
        ("a.final.srt", ""),
        ("a.polish.srt", ""),
    ):
        assert SubtitleFile(tmp_path / name).language() == code
    assert tag_code("polish") is None


def test_the_command_line_understands_them(transcribe: Callable[..., Ran], say: Callable[..., Path], tmp_path: Path) -> None:
    """The transcript has the model's code."""
    say(tmp_path / "in" / "a.wav")
    ran = transcribe("run", tmp_path / "in", "--model", "demo", "--language", "pt_BR", "--languages", "por,eng", "-f", "json")
    assert ran.code == 0, ran.err
    assert json.loads((tmp_path / "in" / "a.json").read_text())["language"] == "pt"
    assert "did you mean pt?" in transcribe("run", tmp_path / "in", "--model", "demo", "--language", "portugese").err
