"""The subtitle linter: each rule, and agreement with an independent check."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import srt
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.documents import PATIENT, spoken, talk, transcript
from tests.subtitles.lint.independent_check import independent_violations
from transcribe_cli.formats import render
from transcribe_cli.subtitles.lint import DisplayedCue, find_violations
from transcribe_cli.subtitles.lint.rules import RULES
from transcribe_cli.subtitles.parser import read_cues
from transcribe_cli.subtitles.standards import Standard, SubtitleStyle
from transcribe_cli.transcript import Transcript

# Rule -> standard, cues as (start, end, lines), expected text.
BROKEN: dict[str, tuple[str, list[tuple[int, int, str]], str]] = {
    "line-length": ("netflix", [(0, 6000, "x" * 10 + "\n" + "y" * 43)], "43 characters in line 2, at most 42"),
    "lines": ("netflix", [(0, 2000, "a\nb\nc")], "3 lines, at most 2"),
    "words": ("netflix,max_words=2", [(0, 2000, "um dois\ntrês")], "3 words, at most 2"),
    "speed": ("netflix", [(0, 1000, "Bom dia a todos aí!")], "19.0 characters per second, at most 17"),
    "too-short": ("netflix", [(0, 832, "Sim.")], "0.832 s, at least 0.833 s"),
    "too-long": ("netflix", [(0, 7001, "Sim.")], "7.001 s, at most 7.000 s"),
    "gap": ("netflix", [(0, 1000, "Sim."), (1082, 2000, "Não.")], "0.082 s after the previous cue, at least 0.083 s"),
    "overlap": ("plain", [(0, 1000, "Sim."), (999, 2000, "Não.")], "starts 0.001 s before the previous cue ends"),
    "order": ("plain", [(5000, 6000, "Sim."), (0, 2000, "Não.")], "starts before the previous cue"),
    "empty": ("plain", [(0, 1000, "")], "no visible text"),
}


def cues(*said: tuple[int, int, str]) -> list[DisplayedCue]:
    """From start, end and text."""
    return [DisplayedCue(number, start, end, tuple(text.split("\n"))) for number, (start, end, text) in enumerate(said, start=1)]


def violations(standard: str, *said: tuple[int, int, str], language: str = "pt") -> list[tuple[int, str, str]]:
    """Cue, rule and text of each violation."""
    found = find_violations(cues(*said), Standard.model_validate(standard).rules(language))
    return [(one.cue.number, one.rule, one.text) for one in found]


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_be_broken_alone(rule: str) -> None:
    """The violation has the measured value and the limit, and belongs to the later of two cues."""
    standard, said, text = BROKEN[rule]
    assert violations(standard, *said) == [(len(said), rule, text)]


def test_cues_that_keep_the_rules_have_no_violations() -> None:
    """At each limit."""
    assert violations("netflix", (0, 7000, "x" * 42 + "\n" + "y" * 42), (7083, 7916, "Sim."), (8416, 9416, "z" * 17)) == []


def test_a_gap_that_should_have_been_closed_is_a_violation() -> None:
    """3 to 11 frames at Netflix, less than a second at the BBC; a rounding difference is not reported."""
    closed = "at least 0.500 s or exactly 0.083 s"
    assert violations("netflix", (0, 1000, "Sim."), (1125, 2000, "Não.")) == [
        (2, "gap", f"0.125 s after the previous cue, {closed}")
    ]
    assert violations("netflix", (0, 1000, "Sim."), (1084, 2000, "Não.")) == []
    assert violations("bbc", (0, 1000, "Sim."), (1000, 2000, "Não."), (3000, 4000, "Sim.")) == []
    assert [rule for _, rule, _ in violations("bbc", (0, 1000, "Sim."), (1001, 2000, "Não."))] == ["gap"]


def test_reading_speed_depends_on_language_and_words() -> None:
    """20 characters per second in English, 4 in Japanese; 180 words per minute at the BBC."""
    assert violations("netflix", (0, 1000, "x" * 20), language="en") == []
    assert violations("netflix", (0, 1000, "x" * 20)) == [(1, "speed", "20.0 characters per second, at most 17")]
    assert violations("netflix", (0, 1000, "空は青い海"), language="ja") == [(1, "speed", "5.0 characters per second, at most 4")]
    assert violations("bbc", (0, 1000, "a b c d")) == [(1, "speed", "240.0 words per minute, at most 180")]


def test_a_cue_that_ends_before_it_begins_has_no_speed() -> None:
    """Nor a duration."""
    assert violations("netflix", (1000, 900, "Sim.")) == [(1, "order", "ends before it starts")]
    assert violations("netflix", (1000, 1000, "Sim.")) == [(1, "order", "ends when it starts")]


def lint(text: str, standard: str, language: str) -> set[tuple[int, str]]:
    """Cue and rule of each violation of a SubRip file that the linter finds."""
    shown = [DisplayedCue(n, cue.start_ms, cue.end_ms, tuple(cue.lines)) for n, cue in enumerate(read_cues(text, "x"), start=1)]
    return {(one.cue.number, one.rule) for one in find_violations(shown, Standard.model_validate(standard).rules(language))}


@pytest.mark.parametrize("standard", ["netflix", "bbc", "ted"])
@PATIENT
@given(document=talk(), made=st.sampled_from(["netflix", "bbc", "ted", "plain"]))
def test_both_checks_agree_on_rendered_subtitles(document: Transcript, standard: str, made: str) -> None:
    """Rendered with this standard or another."""
    text = render("srt", document, SubtitleStyle(Standard.model_validate(made)))
    assert lint(text, standard, document.language) == independent_violations(text, standard, document.language)


@pytest.mark.parametrize("standard", ["netflix", "bbc", "ted"])
@PATIENT
@given(
    said=st.lists(
        st.tuples(st.integers(-700, 3000), st.integers(1, 8000), st.text("abc \n", min_size=1, max_size=100).filter(str.strip)),
        max_size=12,
    ),
    language=st.sampled_from(["pt", "en"]),
)
def test_both_checks_agree_on_any_subtitles(said: list[tuple[int, int, str]], standard: str, language: str) -> None:
    """Also where cues overlap, or come in the wrong order."""
    position = 5000
    composed = []
    for gap, length, words in said:
        start = max(position + gap, 0)
        position = start + length
        content = "\n".join(line.strip() for line in words.split("\n") if line.strip())
        times = (timedelta(milliseconds=start), timedelta(milliseconds=position))
        composed.append(srt.Subtitle(None, *times, content))
    text = "".join(subtitle.to_srt() for subtitle in composed)
    assert lint(text, standard, language) == independent_violations(text, standard, language)


def test_the_example_lectures_break_no_rule() -> None:
    """Portuguese and Spanish, at normal speaking speed; with every standard that has rules."""
    for path in sorted((Path(__file__).parents[3] / "examples" / "references").glob("*.txt")):
        text = path.read_text(encoding="utf-8").strip()
        if not text:
            continue
        document = transcript(spoken(" ".join(text.split()), each=0.42))
        for name in ("netflix", "ted", "bbc"):
            assert lint(render("srt", document, SubtitleStyle(Standard.model_validate(name))), name, "pt") == set(), (
                path.name,
                name,
            )
