"""The verdict in files: documents for people say it, subtitles and tables do not change."""

from __future__ import annotations

import pytest

from tests.formats.documents import DIALOGUE, shown
from tests.verdicts import HOSTILE, quality, reason
from transcribe_cli.formats import render
from transcribe_cli.registry import FORMATS

DOUBTFUL = DIALOGUE.model_copy(
    update={
        "quality": quality(reason("Loops were removed.", (3725.4, 3730.0), (1.0, 2.0), (5.0, 6.0)), reason(HOSTILE, level="bad"))
    }
)
GOOD = DIALOGUE.model_copy(update={"quality": quality()})
WITH_NOTICE = {"md", "docx", "html"}


@pytest.mark.parametrize("name", sorted(set(FORMATS.names()) - {"json"} - WITH_NOTICE))
def test_other_formats_are_the_same_for_every_verdict(name: str) -> None:
    """Byte by byte."""
    assert render(name, DOUBTFUL) == render(name, GOOD) == render(name, DIALOGUE)


@pytest.mark.parametrize("name", sorted(WITH_NOTICE))
def test_a_good_document_has_no_notice(name: str) -> None:
    """It is the same as that of an earlier version."""
    assert render(name, GOOD) == render(name, DIALOGUE)


@pytest.mark.parametrize("name", ["md", "docx"])
def test_a_doubtful_document_says_why_and_where(name: str) -> None:
    """In a line below the summary, as plain text."""
    lines = [line for line in shown(name, DOUBTFUL).splitlines() if line]
    assert lines[2] == (
        "Probably wrong: Loops]52;c;aGk= <script>alert(1)</script>\u202e; Loops were removed (1:02:05-1:02:10, 0:01-0:02 and 1 more)."
    )
    check = DIALOGUE.model_copy(update={"quality": quality(reason("Loops."), *[reason("Gaps.", (3.0, 4.0))] * 3)})
    assert "To check: Loops; Gaps (0:03-0:04); 2 more reasons" in shown(name, check)
