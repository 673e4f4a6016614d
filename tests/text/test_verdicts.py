"""Verdicts: which transcript is worse, and when `--fail-on` is reached."""

from __future__ import annotations

import pytest

from tests.verdicts import doubt, reason
from transcribe_cli.text.verdicts import MAX_CHARACTERS, MAX_REASONS, MAX_SPANS, Assessment, Verdict, worst_first


@pytest.mark.parametrize(
    ("verdict", "reached"), [(None, (False, False)), ("good", (False, False)), ("check", (True, False)), ("bad", (True, True))]
)
def test_a_level_is_reached_by_the_same_and_by_worse_verdicts(verdict: Verdict | None, reached: tuple[bool, bool]) -> None:
    """Never without a verdict, and never without a level."""
    found = Assessment(verdict)
    assert (found.reaches("check"), found.reaches("bad")) == reached
    assert not found.reaches(None)


def test_the_worst_is_first() -> None:
    """Bad ones, then those whose whole text is doubtful, then those with more doubtful seconds. Good ones are omitted."""
    assessed = {
        "good": Assessment("good"),
        "old": Assessment(None, (doubt("x"),)),
        "short": Assessment("check", (doubt("x", (0.0, 5.0)),)),
        "long": Assessment("check", (doubt("x", (0.0, 5.0), (10.0, 20.0)),)),
        "whole": Assessment("check", (doubt("x"),)),
        "bad": Assessment("bad", (doubt("x", (0.0, 1.0), level="bad"),)),
    }
    assert [name for name, _ in worst_first(assessed.items())] == ["bad", "whole", "long", "short"]


def test_the_worst_reason_is_first() -> None:
    """Whatever the order in the document; the first place is what to jump to."""
    found = Assessment.of("bad", [doubt("check", (1.0, 2.0)), doubt("bad", (9.0, 10.0), (3.0, 4.0), level="bad")])
    assert [one.detail for one in found.reasons] == ["bad", "check"]
    assert found.reasons[0].start == 3.0


def test_a_document_with_a_million_reasons_is_shown_by_its_worst() -> None:
    """Anybody may have written it, and the reasons go into every event, list and ledger."""
    reasons = [reason("d" * 5000, *[(0.0, 1.0)] * 5000, code="c" * 5000)] * 300 + [reason("bad", level="bad")] * 3
    assessment = Assessment.of("bad", reasons)
    assert len(assessment.reasons) == MAX_REASONS
    assert [one.level for one in assessment.reasons[:4]] == ["bad"] * 3 + ["check"]
    last = assessment.reasons[-1]
    assert (len(last.code), len(last.detail), len(last.spans)) == (MAX_CHARACTERS, MAX_CHARACTERS, MAX_SPANS)
