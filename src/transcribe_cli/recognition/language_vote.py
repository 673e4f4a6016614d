"""The language of a recording, by a vote over several of its clips: the first 30 s may be music, a greeting or another language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transcribe_cli.recognition.engines import Clip, ClipResult
from transcribe_cli.spec import JobSpec

MAX_VOTERS = 5
# Below this probability the language is uncertain.
MIN_PROBABILITY = 0.5
# ISO 639-2 for "undetermined": a recording without speech has no language.
UNKNOWN = "und"


@dataclass(frozen=True)
class Language:
    """A language code, and its share of the probability in the vote."""

    code: str
    probability: float

    @property
    def is_uncertain(self) -> bool:
        """Whether the language should be checked by a person."""
        return self.code != UNKNOWN and self.probability < MIN_PROBABILITY


def known_language(spec: JobSpec) -> Language | None:
    """The language that needs no vote: the spec's own, or the only one that it allows."""
    code = spec.language or (spec.languages[0] if len(spec.languages) == 1 else None)
    return Language(code, 1.0) if code else None


def select_voters(clips: Sequence[Clip]) -> list[Clip]:
    """Up to five clips spread over the recording."""
    step = max(1, len(clips) // MAX_VOTERS)
    return list(clips[step // 2 :: step][:MAX_VOTERS])


def elect_language(votes: Sequence[Mapping[str, float]], spec: JobSpec) -> Language:
    """The language with the highest probability over all votes; restricted to the spec's `languages` if it lists any."""
    totals: dict[str, float] = {}
    for vote in votes:
        allowed = {code: p for code, p in vote.items() if not spec.languages or code in spec.languages}
        whole = sum(allowed.values()) or 1.0
        for code, probability in allowed.items():
            totals[code] = totals.get(code, 0.0) + probability / whole / len(votes)
    if not totals:
        return Language(spec.languages[0] if spec.languages else UNKNOWN, 0.0)
    code = max(totals, key=lambda name: totals[name])
    return Language(code, totals[code])


def most_spoken_language(results: Sequence[ClipResult]) -> Language:
    """The language with the most speech in a recording whose clips each have their own language, and its share."""
    seconds: dict[str, float] = {}
    for result in results:
        if result.words or result.phrases:
            seconds[result.clip.language] = seconds.get(result.clip.language, 0.0) + result.clip.seconds
    if not seconds:
        return Language(UNKNOWN, 0.0)
    code = max(seconds, key=lambda name: seconds[name])
    return Language(code, seconds[code] / sum(seconds.values()))
