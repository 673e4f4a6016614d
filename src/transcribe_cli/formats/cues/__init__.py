"""Subtitle cues: the words of a transcript, split into cues and lines and timed according to a standard.

Reading order: `cue` (the result), `words` (timed words, in runs that no cue crosses), `phrase_words` (word lists by language),
`break_costs` (the cost of a line or cue end after each word), `cue_splitting` (the words of each cue), `line_wrapping` (its lines),
`timing` (its start and end).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transcribe_cli.formats.cues.break_costs import break_costs
from transcribe_cli.formats.cues.cue import Cue, CueWord
from transcribe_cli.formats.cues.cue_splitting import WEIGHTS, Weights, split_into_cues
from transcribe_cli.formats.cues.line_wrapping import wrap_lines
from transcribe_cli.formats.cues.timing import set_times
from transcribe_cli.formats.cues.words import Run, split_into_runs
from transcribe_cli.subtitles.standards import Rules, Standard
from transcribe_cli.transcript import Transcript

__all__ = ["Cue", "CueWord", "make_cues"]

# A longer name is shortened, so that words fit on the same line: in characters, and as a share of the line.
MAX_NAME_CHARACTERS, MAX_NAME_SHARE = 30, 0.6
# Label of an unknown speaker after a known one. Broadcasters mark a change of speaker with a dash.
UNKNOWN_LABEL = "- "


def make_cues(transcript: Transcript, standard: Standard, label: str = "", weights: Weights = WEIGHTS) -> list[Cue]:
    """All text of the transcript as cues, ordered by start. Cues do not overlap, and each ends after it starts.

    Words are never changed, lost or reordered, except that cues of simultaneous speakers are sorted by their starts.

    Args:
        transcript: with or without word times.
        standard: limits for lines, cues and reading speed.
        label: format of the speaker before the first words after a change of speaker, such as `{}: `. It counts toward the line
            length. If empty, the text contains no speakers.
        weights: costs that determine the best way to split words into cues.
    """
    rules = standard.rules(transcript.language)
    runs = list(split_into_runs(transcript, rules))
    if not runs:
        return []
    labels = list(_labels(runs, label, rules.max_chars))
    costs = [break_costs(run.words, run.language) for run in runs]
    sizes = split_into_cues(runs, costs, [len(text) for text in labels], rules, weights)
    cues = [cue for parts in zip(runs, costs, labels, sizes, strict=True) for cue in _cues_of_run(*parts, rules)]
    return set_times(cues, rules)


def _labels(runs: Sequence[Run], label: str, max_chars: int | None) -> Iterator[str]:
    """The label before each run; empty unless the speaker changes."""
    room = MAX_NAME_CHARACTERS if max_chars is None else max(1, min(MAX_NAME_CHARACTERS, int(max_chars * MAX_NAME_SHARE)))
    previous: str | None = None
    for run in runs:
        speaker = run.speaker
        if not label or speaker == previous:
            yield ""
        elif speaker is None:
            yield UNKNOWN_LABEL
        else:
            yield label.format(speaker if len(speaker) <= room else f"{speaker[: room - 1]}…")
        previous = speaker


def _cues_of_run(run: Run, costs: Sequence[float], label: str, sizes: Sequence[int], rules: Rules) -> Iterator[Cue]:
    first = 0
    for size in sizes:
        words = run.words[first : first + size]
        prefix = label if first == 0 else ""
        lines = wrap_lines(words, costs[first : first + size], len(prefix), rules.max_chars)
        yield Cue(words[0].start_ms, max(word.end_ms for word in words), lines, run.speaker, prefix)
        first += size
