"""The language of a recording, by a vote over several of its clips: the first 30 s may be music, a greeting or another language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transcribe_cli.engines import Clip, Engine

VOTERS = 5
DOUBTFUL = 0.5
# ISO 639-2 for "undetermined": a recording without speech has no language.
UNKNOWN = "und"


@dataclass(frozen=True)
class Language:
    """A language code, and the share of the votes' probability that it has."""

    code: str
    probability: float

    @property
    def doubtful(self) -> bool:
        """Whether somebody should look."""
        return self.code != UNKNOWN and self.probability < DOUBTFUL


def language_of(clips: Sequence[Clip], engine: Engine) -> Language:
    """The given language, or the one that has most probability over up to five clips spread over the recording.

    Only the spec's `languages` take part, when it lists any.
    """
    if not clips:
        return Language(UNKNOWN, 0.0)
    spec = clips[0].spec
    if spec.language:
        return Language(spec.language, 1.0)
    if len(spec.languages) == 1:
        return Language(spec.languages[0], 1.0)
    step = max(1, len(clips) // VOTERS)
    votes = engine.languages(clips[step // 2 :: step][:VOTERS])
    totals: dict[str, float] = {}
    for vote in votes:
        allowed = {code: p for code, p in vote.items() if not spec.languages or code in spec.languages}
        whole = sum(allowed.values()) or 1.0
        for code, probability in allowed.items():
            totals[code] = totals.get(code, 0.0) + probability / whole / len(votes)
    if not totals:
        return Language(spec.languages[0], 0.0)
    code = max(totals, key=lambda name: totals[name])
    return Language(code, totals[code])
