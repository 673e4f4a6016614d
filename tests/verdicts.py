"""Transcripts with a verdict, for tests of what shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transcribe_cli.text.verdicts import Doubt, Level, Span
from transcribe_cli.transcript import Quality, Reason

# What a document that anybody wrote may contain.
HOSTILE = "Loops\x1b]52;c;aGk=\x07\r\n<script>alert(1)</script>\u202e."


def reason(detail: str, *spans: Span, level: Level = "check", code: str = "loops") -> Reason:
    """A reason in a document."""
    return Reason(code=code, level=level, detail=detail, spans=spans)


def doubt(detail: str, *spans: Span, level: Level = "check", code: str = "loops") -> Doubt:
    """A reason in an event."""
    return Doubt(code, level, detail, spans)


def quality(*reasons: Reason, verdict: str | None = None) -> Quality:
    """The quality of a document with these reasons; by default the verdict is the worst of them, or good."""
    worst = "bad" if any(one.level == "bad" for one in reasons) else "check" if reasons else "good"
    return Quality.model_validate({"speech": 10.0, "covered": 1.0, "verdict": verdict or worst, "reasons": reasons})


def give_verdict(path: Path, verdict: object, *reasons: Reason | dict[str, Any]) -> None:
    """Write a verdict into a transcript, with `quality` before `text`."""
    document = json.loads(path.read_text("utf-8"))
    listed = [one.model_dump(mode="json") if isinstance(one, Reason) else one for one in reasons]
    rest = {key: value for key, value in document.pop("quality").items() if key not in ("verdict", "reasons")}
    head: dict[str, Any] = {}
    for key, value in document.items():
        if key == "text":
            head["quality"] = {"verdict": verdict, "reasons": listed, **rest}
        head[key] = value
    path.write_text(json.dumps(head, ensure_ascii=False), "utf-8")
