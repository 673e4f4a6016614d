"""Speakers that were renamed, or words that were given to another speaker, in an edited file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from transcribe_cli.corrections.alignment import equal_pairs
from transcribe_cli.corrections.tokens import Place, Token
from transcribe_cli.transcript import Segment, Transcript, Word

# A speaker is renamed if at least this share of its words has another name, always the same one.
_RENAMED = 0.95


def changed_speakers(words: Sequence[Place], edited: Sequence[Token], rendered: Sequence[Token]) -> dict[int, str]:
    """The words of a transcript, by index, that have another speaker in the edited file than in a rendering of the transcript."""
    texts = [word.text for word in words]
    before = dict(equal_pairs(texts, [token.text for token in rendered]))
    after = dict(equal_pairs(texts, [token.text for token in edited]))
    changed = {}
    for index in before.keys() & after.keys():
        name = edited[after[index]].speaker
        if name is not None and name != rendered[before[index]].speaker:
            changed[index] = name
    return changed


def with_speakers(transcript: Transcript, words: Sequence[Place], changed: Mapping[int, str]) -> Transcript:
    """The transcript with these speakers: a name for a label that changed everywhere, else another label for the words."""
    # A label instead of its name is only older than the name.
    changed = {index: name for index, name in changed.items() if name != _label(transcript, words[index])}
    totals = Counter(_label(transcript, place) for place in words)
    names: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for index, name in changed.items():
        names[_label(transcript, words[index])][name] += 1
    renamed = {
        label: name
        for label, counts in names.items()
        for name, count in counts.most_common(1)
        if label is not None and count >= _RENAMED * totals[label]
    }
    transcript = transcript.model_copy(update={"speaker_names": {**transcript.speaker_names, **renamed}})
    moved = {index: name for index, name in changed.items() if renamed.get(_label(transcript, words[index]) or "") != name}
    return _with_moved(transcript, words, moved) if moved else transcript


def _with_moved(transcript: Transcript, words: Sequence[Place], moved: Mapping[int, str]) -> Transcript:
    labels = {name: label for label, name in reversed(transcript.speaker_names.items())}
    by_segment: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for index, name in moved.items():
        place = words[index]
        label = labels.get(name, name)
        by_segment[place.segment].update(dict.fromkeys(range(place.first, place.last + 1), label))
    sizes = Counter(place.segment for place in words)
    moves = Counter(words[index].segment for index in moved)
    segments = tuple(
        _given_to(segment, by_segment[number], is_whole=2 * moves[number] > sizes[number]) if number in by_segment else segment
        for number, segment in enumerate(transcript.segments)
    )
    added = (label for labels in by_segment.values() for label in labels.values())
    speakers = tuple(dict.fromkeys([*transcript.speakers, *added]))
    return transcript.model_copy(update={"segments": segments, "speakers": speakers})


def _given_to(segment: Segment, labels: Mapping[int, str], *, is_whole: bool) -> Segment:
    def given(number: int, word: Word) -> Word:
        return word.model_copy(update={"speaker": labels[number]}) if number in labels else word

    words = segment.words and tuple(given(number, word) for number, word in enumerate(segment.words))
    speaker = Counter(labels.values()).most_common(1)[0][0] if is_whole else segment.speaker
    return segment.model_copy(update={"words": words, "speaker": speaker})


def _label(transcript: Transcript, place: Place) -> str | None:
    segment = transcript.segments[place.segment]
    word = segment.words[place.first] if segment.words and place.first < len(segment.words) else None
    return (word.speaker if word is not None else None) or segment.speaker
