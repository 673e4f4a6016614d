"""Subtitle cues: the words of a transcript, cut, broken and timed under a standard, so that people can read them.

Reading order: `cue` (what there is in the end), `words` (timed words, in runs that no cue crosses), `breaks` (what a break costs after
each), `cuts` (which words make a cue), `rows` (its lines), `timing` (when it comes and goes).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transcribe_cli.formats.cues.break_costs import break_costs
from transcribe_cli.formats.cues.cue import Cue, CueWord
from transcribe_cli.formats.cues.cue_splitting import WEIGHTS, Weights, cut
from transcribe_cli.formats.cues.line_wrapping import rows
from transcribe_cli.formats.cues.timing import timed
from transcribe_cli.formats.cues.words import Run, runs
from transcribe_cli.subtitles.standards import Rules, Standard
from transcribe_cli.transcript import Transcript

__all__ = ["Cue", "CueWord", "make_cues"]

# Of a longer name only the beginning is written before the text: there must be room for words beside it.
LABEL_CHARACTERS, LABEL_SHARE = 30, 0.6
# Before the text of somebody unknown who speaks after somebody known; broadcasters mark a change of speaker with a dash.
UNKNOWN = "- "


def make_cues(transcript: Transcript, standard: Standard, label: str = "", weights: Weights = WEIGHTS) -> list[Cue]:
    """All text of the transcript as cues, in the order of their starts; they do not overlap, and each ends after it starts.

    Words are never changed, lost or reordered, but that those of people who speak at once are sorted by the starts of their cues.

    Args:
        transcript: with or without times of words.
        standard: how long lines and cues may be, and how fast.
        label: how a speaker is written before the first words after a change of speaker, such as `{}: `; it takes room in the lines.
            Without it the text says nothing of speakers.
        weights: what counts how much where words can be cut in several ways.
    """
    rules = standard.rules(transcript.language)
    spoken = list(runs(transcript, rules))
    if not spoken:
        return []
    labels = list(_labels(spoken, label, rules.max_chars))
    costs = [break_costs(run.words, run.language) for run in spoken]
    counts = cut(spoken, costs, [len(text) for text in labels], rules, weights)
    told = zip(spoken, costs, labels, counts, strict=True)
    made = [cue for run, of_run, text, sizes in told for cue in _cues_of(run, of_run, text, sizes, rules)]
    return timed(made, rules)


def _labels(spoken: Sequence[Run], label: str, max_chars: int | None) -> Iterator[str]:
    """What is written before each run: something where the speaker is another than before."""
    room = LABEL_CHARACTERS if max_chars is None else max(1, min(LABEL_CHARACTERS, int(max_chars * LABEL_SHARE)))
    before: str | None = None
    for run in spoken:
        speaker = run.speaker
        if not label or speaker == before:
            yield ""
        elif speaker is None:
            yield UNKNOWN
        else:
            yield label.format(speaker if len(speaker) <= room else f"{speaker[: room - 1]}…")
        before = speaker


def _cues_of(run: Run, costs: Sequence[float], label: str, sizes: Sequence[int], rules: Rules) -> Iterator[Cue]:
    begin = 0
    for size in sizes:
        words = run.words[begin : begin + size]
        text = label if begin == 0 else ""
        lines = rows(words, costs[begin : begin + size], len(text), rules.max_chars)
        yield Cue(words[0].start_ms, max(word.end_ms for word in words), lines, run.speaker, text)
        begin += size
