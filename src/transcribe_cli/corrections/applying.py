"""Applies changed words to the segments. Words that did not change keep their times and probabilities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from transcribe_cli.corrections.tokens import Place, Token
from transcribe_cli.formats.word_spans import word_spans
from transcribe_cli.transcript import Segment, Word


@dataclass(frozen=True)
class Edit:
    """Words `start` up to `end` of a transcript are replaced by others; for added words, `start` is `end`."""

    start: int
    end: int
    words: tuple[Token, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The new words."""
        return tuple(word.text for word in self.words)


@dataclass(frozen=True)
class _Piece:
    """A part of a new segment: a word that stays, by its index, or the text of a new one. `source` is the new word as given."""

    text: str
    space: bool
    kept: int | None = None
    source: Token | None = None
    replaced: int | None = None


def apply_edits(segments: Sequence[Segment], words: Sequence[Place], edits: Sequence[Edit]) -> list[Segment]:
    """The segments with the edits, which are ordered and do not overlap. Segments without words left are dropped."""
    removed = {index for edit in edits for index in range(edit.start, edit.end)}
    added: defaultdict[int, list[tuple[int, Token]]] = defaultdict(list)
    own_segments: list[Segment] = []
    for edit in edits:
        for index, target in enumerate(_targets(edit, segments, words)):
            if target is None:
                own_segments += _own_segment(segments, words, edit)
                break
            added[target].append((edit.start, edit.words[index]))
    by_segment: defaultdict[int, list[int]] = defaultdict(list)
    for index, place in enumerate(words):
        by_segment[place.segment].append(index)
    result = []
    for number, segment in enumerate(segments):
        indexes = by_segment[number]
        if number in added or any(index in removed for index in indexes):
            changed = _rebuilt(segment, [(index, words[index]) for index in indexes], removed, added[number])
            result += [changed] if changed is not None else []
        else:
            result.append(segment)
    result = sorted([*result, *own_segments], key=lambda segment: segment.start) if own_segments else result
    return [segment.model_copy(update={"id": number}) for number, segment in enumerate(result)]


def _targets(edit: Edit, segments: Sequence[Segment], words: Sequence[Place]) -> list[int | None]:
    """The segment of each new word; None for all if they need one of their own."""
    if edit.start < edit.end:
        old = [words[index].segment for index in range(edit.start, edit.end)]
        return [old[min(len(old) - 1, number * len(old) // len(edit.words))] for number in range(len(edit.words))]
    before = words[edit.start - 1].segment if edit.start else None
    after = words[edit.start].segment if edit.start < len(words) else None
    first = edit.words[0]
    if first.start is not None and before != after:
        low = segments[before].end if before is not None else 0.0
        high = segments[after].start if after is not None else float("inf")
        if before is None or (first.start >= low and (first.end or first.start) <= high):
            if first.start >= low and (first.end or first.start) <= high:
                return [None] * len(edit.words)
            return [after] * len(edit.words)
        if after is not None and first.start >= high - 0.05:
            return [after] * len(edit.words)
    target = before if before is not None else after
    return [target] * len(edit.words)


def _own_segment(segments: Sequence[Segment], words: Sequence[Place], edit: Edit) -> list[Segment]:
    """A segment for words that were added where there were none, with the times of their cue."""
    first, last = edit.words[0], edit.words[-1]
    before = segments[words[edit.start - 1].segment] if edit.start else None
    after = segments[words[edit.start].segment] if edit.start < len(words) else None
    start = max(first.start or 0.0, before.end if before else 0.0)
    end = max(start, min(last.end or start, after.start if after else last.end or start))
    near = before or after
    pieces = [_Piece(token.text, token.space, source=token) for token in edit.words]
    timed = _timed(pieces, [], start, end, first.speaker if near is None else near.speaker)
    return [
        Segment(
            id=0,
            seek=round(start * 100),
            start=start,
            end=end,
            text=_joined(pieces, " "),
            speaker=near.speaker if near else None,
            words=tuple(timed) if near is None or near.words is not None else None,
        )
    ]


def _rebuilt(
    segment: Segment, own: Sequence[tuple[int, Place]], removed: set[int], added: Sequence[tuple[int, Token]]
) -> Segment | None:
    """The segment with its new words; None if none are left."""
    touched = {number for index, place in own if index in removed for number in range(place.first, place.last + 1)}
    touched |= _split_by_added(own, [position for position, _ in added])
    pieces: list[_Piece] = []
    waiting = list(added)
    emitted: set[int] = set()
    for index, place in own:
        while waiting and waiting[0][0] <= index:
            token = waiting.pop(0)[1]
            pieces.append(_Piece(token.text, token.space, source=token))
        numbers = range(place.first, place.last + 1)
        if index in removed:
            pieces.append(_Piece("", False, replaced=place.first))
        elif touched.isdisjoint(numbers):
            pieces += [_Piece(place.text, place.space, kept=number) for number in numbers if number not in emitted][:1]
            pieces += [_Piece("", False, kept=number) for number in numbers if number not in emitted][1:]
            if all(number in emitted for number in numbers):
                pieces.append(_Piece(place.text, place.space, kept=place.last))
            emitted.update(numbers)
        else:
            pieces.append(_Piece(place.text, place.space, replaced=place.first))
    pieces += [_Piece(token.text, token.space, source=token) for _, token in waiting]
    if not any(piece.text for piece in pieces):
        return None
    lead = " " if segment.text.startswith(" ") else ""
    update = {
        "text": _joined(pieces, lead),
        "tokens": (),
        "words": segment.words and tuple(_words(segment, segment.words, pieces)),
    }
    return segment.model_copy(update=update)


def _split_by_added(own: Sequence[tuple[int, Place]], positions: Sequence[int]) -> set[int]:
    """The timed words inside which something is added, in scripts without spaces."""
    split = set()
    for (_, one), (index, other) in pairwise(own):
        if index in positions and one.last >= other.first:
            split.add(other.first)
    return split


def _words(segment: Segment, old: Sequence[Word], pieces: Sequence[_Piece]) -> list[Word]:
    """The timed words of a changed segment: kept ones as they were, new ones between them."""
    if len(word_spans(segment)) != len(old):  # its words are not those of its text
        return _timed([piece for piece in pieces if piece.text], [], segment.start, segment.end, segment.speaker)
    result: list[Word] = []
    fresh: list[_Piece] = []
    last_kept = -1
    for piece in [*pieces, None]:
        if piece is not None and piece.kept is None:
            fresh.append(piece)
            continue
        following = old[piece.kept].start if piece is not None and piece.kept is not None else max(segment.end, _end(result))
        if any(entry.text for entry in fresh):
            numbers = sorted({entry.replaced for entry in fresh if entry.replaced is not None})
            low = result[-1].end if result else min(segment.start, following)
            speaker = old[numbers[0]].speaker if numbers else (result[-1].speaker if result else segment.speaker)
            result += _timed([entry for entry in fresh if entry.text], [old[n] for n in numbers], low, following, speaker)
        fresh = []
        if piece is not None and piece.kept is not None and piece.kept != last_kept:
            result.append(old[piece.kept])
            last_kept = piece.kept
    return result


def _end(words: Sequence[Word]) -> float:
    return words[-1].end if words else 0.0


def _timed(pieces: Sequence[_Piece], replaced: Sequence[Word], low: float, high: float, speaker: str | None) -> list[Word]:
    """New words between two times: those of the words that they replace, or shares of the time between, by their length."""
    high = max(low, high)
    spans = [(word.start, word.end) for word in replaced]
    if len(spans) != len(pieces):
        start, end = (spans[0][0], spans[-1][1]) if spans else _in_cue(pieces, low, high)
        total = sum(len(piece.text) for piece in pieces)
        borders, done = [start], 0
        for piece in pieces:
            done += len(piece.text)
            borders.append(start + (end - start) * done / total)
        spans = list(pairwise(borders))
    words = []
    for piece, (start, end) in zip(pieces, spans, strict=True):
        low = min(max(start, low), high)
        end = min(max(end, low), high)
        text = f" {piece.text}" if piece.space else piece.text
        words.append(Word(word=text, start=low, end=end, probability=1.0, speaker=speaker, aligned=False))
        low = end
    return words


def _in_cue(pieces: Sequence[_Piece], low: float, high: float) -> tuple[float, float]:
    """The time between two words, as far as it is inside the cue of the new ones."""
    times = [piece.source for piece in pieces if piece.source is not None and piece.source.start is not None]
    if times:
        start, end = times[0].start or low, times[-1].end or high
        if max(low, start) < min(high, end):
            return max(low, start), min(high, end)
    return low, high


def _joined(pieces: Sequence[_Piece], lead: str) -> str:
    text = ""
    for piece in pieces:
        if piece.text:
            text += (" " if text and piece.space else "") + piece.text
    return lead + text
