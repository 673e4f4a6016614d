"""Takes the corrections of several files of one transcript over at once: each is compared with what it was rendered from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transcribe_cli.corrections.alignment import changed_blocks
from transcribe_cli.corrections.applying import Edit, apply_edits
from transcribe_cli.corrections.original import undone, with_original
from transcribe_cli.corrections.reading import label_test, read_tokens
from transcribe_cli.corrections.speaker_changes import changed_speakers, with_speakers
from transcribe_cli.corrections.tokens import Place, Token, places
from transcribe_cli.errors import RecordingError
from transcribe_cli.formats import render
from transcribe_cli.formats.timestamps import short_clock
from transcribe_cli.transcript import Transcript


@dataclass(frozen=True)
class EditedFile:
    """A rendering that a person edited.

    Attributes:
        is_current: whether it was rendered from the text that the transcript has now; else it was from what was recognized.
    """

    name: str
    format: str
    text: str
    is_current: bool = True


@dataclass(frozen=True)
class Taken:
    """The result of taking corrections over.

    Attributes:
        transcript: with the corrections; the same one if there were none.
        taken: names of the files whose corrections it has, each with its number of changed words.
        refused: one line for each place that contradicts another correction; the files with such places are not taken.
    """

    transcript: Transcript
    taken: dict[str, int]
    refused: tuple[str, ...]


def take_over(transcript: Transcript, files: Sequence[EditedFile]) -> Taken:
    """The transcript with the corrections in these files.

    Raises:
        Unreadable: the times of a cue are invalid; the message has the file and the line.
        RecordingError: the edited words cannot be put in their places.
    """
    words = places(transcript.segments)
    edits: list[Edit] = []
    speakers: dict[int, str] = {}
    taken: dict[str, int] = {}
    refused: list[str] = []
    for file in files:
        own, own_speakers = _edits_of(transcript, words, file)
        conflicts = [_place(transcript, words, edit, file) for edit in own if _contradicts(edit, edits)]
        if conflicts:
            refused += conflicts
            continue
        known = {_key(edit) for edit in edits}
        new = [edit for edit in own if _key(edit) not in known]
        edits = sorted([*edits, *new], key=lambda edit: (edit.start, edit.end))
        speakers |= own_speakers
        taken[file.name] = sum(max(edit.end - edit.start, len(edit.words)) for edit in own) + len(own_speakers)
    if not edits and not speakers:
        return Taken(transcript, taken, tuple(refused))
    changed = with_speakers(transcript, words, speakers) if speakers else transcript
    segments = tuple(apply_edits(changed.segments, words, edits)) if edits else changed.segments
    changed = changed.model_copy(update={"segments": segments, "text": "".join(segment.text for segment in segments)})
    _check(words, edits, changed)
    return Taken(with_original(transcript, changed), taken, tuple(refused))


def _edits_of(transcript: Transcript, words: Sequence[Place], file: EditedFile) -> tuple[list[Edit], dict[int, str]]:
    """The edits in a file, and the words that have another speaker in it, both by the words of the transcript."""
    tokens = _read(transcript, words, file.text, file)
    if words and not tokens:
        raise RecordingError(f"{file.name} has no words, so it is not taken for a correction.", "Restore it, or remove it.")
    if file.is_current or transcript.original is None:
        edits = _edits([word.text for word in words], tokens)
        rendered = _read(transcript, words, str(render(file.format, transcript)), file) if transcript.speakers else []
        return edits, changed_speakers(words, tokens, rendered) if rendered else {}
    base = [place.text for place in places(undone(transcript).segments)]
    return _moved(_edits(base, tokens), base, [word.text for word in words], transcript, file), {}


def _read(transcript: Transcript, words: Sequence[Place], text: str, file: EditedFile) -> list[Token]:
    names = {*transcript.speakers, *transcript.speaker_names.values()}
    return read_tokens(file.format, text, file.name, label_test(names, {word.text for word in words}))


def _edits(old: Sequence[str], tokens: Sequence[Token]) -> list[Edit]:
    blocks = changed_blocks(old, [token.text for token in tokens])
    return [Edit(block.old_start, block.old_end, tuple(tokens[block.new_start : block.new_end])) for block in blocks]


def _moved(
    edits: Sequence[Edit], base: Sequence[str], current: Sequence[str], transcript: Transcript, file: EditedFile
) -> list[Edit]:
    """Edits of an earlier text, moved to the current one. The same correction counts once.

    Raises:
        RecordingError: a place was corrected otherwise since.
    """
    blocks = changed_blocks(base, current)
    moved = []
    for edit in edits:
        near = [block for block in blocks if block.old_start <= edit.end and edit.start <= block.old_end]
        if any(
            (block.old_start, block.old_end, tuple(current[block.new_start : block.new_end]))
            == (edit.start, edit.end, edit.texts)
            for block in near
        ):
            continue
        if near:
            words = places(transcript.segments)
            at = Edit(near[0].new_start, near[0].new_end, edit.words)
            raise RecordingError(
                _place(transcript, words, at, file), "Correct that place in the other file, or here in both ways alike."
            )
        shift = sum((b.new_end - b.new_start) - (b.old_end - b.old_start) for b in blocks if b.old_end <= edit.start)
        moved.append(Edit(edit.start + shift, edit.end + shift, edit.words))
    return moved


def _contradicts(edit: Edit, others: Sequence[Edit]) -> bool:
    """Whether another file has other words at the same place."""
    return any(other.start <= edit.end and edit.start <= other.end and _key(other) != _key(edit) for other in others)


def _key(edit: Edit) -> tuple[int, int, tuple[str, ...]]:
    return edit.start, edit.end, edit.texts


def _place(transcript: Transcript, words: Sequence[Place], edit: Edit, file: EditedFile) -> str:
    """A line about a place where two corrections differ."""
    index = min(edit.start, len(words) - 1)
    segment = transcript.segments[words[index].segment] if words else None
    time = short_clock(segment.start) if segment is not None else "0:00"
    return f"{file.name}, at {time}: {' '.join(edit.texts) or '(nothing)'!r} differs from another correction of the same words."


def _check(words: Sequence[Place], edits: Sequence[Edit], changed: Transcript) -> None:
    """Check that the changed transcript has exactly the edited words.

    Raises:
        RecordingError: it has not; nothing must be written.
    """
    expected, at = [], 0
    for edit in edits:
        expected += [word.text for word in words[at : edit.start]] + list(edit.texts)
        at = edit.end
    expected += [word.text for word in words[at:]]
    if expected != [place.text for place in places(changed.segments)]:
        raise RecordingError(
            "The edited words cannot be put in their places; nothing was changed.", "Please report it with the file."
        )
