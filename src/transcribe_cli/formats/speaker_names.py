"""Names for speaker labels: `SPEAKER_00` is Ana.

Names come from the command line, or from a TOML file next to the recording or its transcript, with one line per label:

    SPEAKER_00 = "Ana Souza"

`aula.speakers.toml` applies to `aula.mp3`, `speakers.toml` to all recordings of its folder. The last source that names a label wins:
the transcript itself, `speakers.toml`, `aula.speakers.toml`, the command line. An empty name removes the name.

The transcript keeps the labels and maps them to names in `speaker_names`, so names can be changed later. All other formats show the
names. Two labels with the same name are one speaker there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import TypeVar

from transcribe_cli.errors import ConfigError, UsageError
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.text.links import FOLLOW_LINKS, Tree, leads_out
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import read_regular_file
from transcribe_cli.text.toml_data import parse_toml
from transcribe_cli.transcript import Segment, Transcript, Turn, Word

Spoken = TypeVar("Spoken", Segment, Word, Turn)

FILE_NAME = "speakers.toml"
OPTION = "--speaker-names"
MAX_NAME_CHARACTERS = 80
MAX_FILE_BYTES = 1_000_000  # thousands of names
MAX_LISTED_LABELS = 10  # in an error message


def parse_names(texts: Iterable[str]) -> dict[str, str]:
    """Label -> name, from texts such as `SPEAKER_00=Ana,SPEAKER_01=Rui`.

    Raises:
        UsageError: a text has another form, a label has two names, or a name cannot be displayed.
    """
    names: dict[str, str] = {}
    for item in (item for text in texts for item in text.split(",") if item.strip()):
        label, equals, name = (part.strip() for part in item.partition("="))
        if not (label and equals):
            hint = f"Example: SPEAKER_00=Ana,SPEAKER_01=Rui. Put a name that contains a comma in {FILE_NAME}."
            raise UsageError(f"{OPTION} takes LABEL=NAME, not {item.strip()!r}.", hint)
        if names.get(label, name) != name:
            raise UsageError(f"{OPTION} has two names for {label}, {names[label]!r} and {name!r}.")
        if reason := name_error(name):
            raise UsageError(f"{OPTION}: the name of {label} {reason}.")
        names[label] = name
    return names


def read_name_files(
    *paths: AnyPath,
    labels: Collection[str] = (),
    exists: Callable[[Location], bool] | None = None,
    trees: Sequence[Tree | None] = (),
) -> dict[str, str]:
    """Label -> name, from the files next to a recording and next to its transcript; empty if there are none.

    Args:
        paths: of the recording, the transcript, or both. Files next to a later path take precedence.
        labels: the speakers of the transcript, if known. A file that applies to it alone may not name others.
        exists: whether a file exists in a store, for example from a listing. Default: request each file. Web servers are skipped.
        trees: for each path, where links beside it must stay. Default: they may lead anywhere.

    Raises:
        ConfigError: a file cannot be read, is a link out of its tree, or contains anything but names.
        StorageNotReady: a store cannot be reached.
    """
    names: dict[str, str] = {}
    tree_of = {path.parent: tree for path, tree in zip(paths, trees, strict=False)}
    for file in _files(paths, exists):
        if leads_out(file, tree_of.get(file.parent)):
            raise ConfigError(
                f"{file.name} is a link out of its tree, so it is not read.", f"If you trust where it leads: {FOLLOW_LINKS}"
            )
        file_names = _read(file)
        if labels and file.name != FILE_NAME:
            check_labels_exist(file_names, labels, f"{file.name} names")
        names |= file_names
    return names


def check_labels_exist(names: Iterable[str], labels: Collection[str], message_start: str) -> None:
    """Check that each named label is one of `labels`.

    Raises:
        ConfigError: one is not. The message begins with `message_start` and lists the labels.
    """
    for label in names:
        if label not in labels:
            similar = [known for known in labels if len(known) <= MAX_NAME_CHARACTERS]  # comparing takes the square of the length
            matches = get_close_matches(label, similar, n=1) if len(label) <= MAX_NAME_CHARACTERS else []
            listed = ", ".join(sorted(labels)[:MAX_LISTED_LABELS])
            hint = f"Speakers: {listed}." if labels else "There are no speakers: use `run --diarize` to identify them."
            raise ConfigError(
                f"{message_start} {label!r}, but there is no such speaker.", f"Did you mean {matches[0]}?" if matches else hint
            )


def add_names(transcript: Transcript, names: Mapping[str, str]) -> Transcript:
    """The transcript with these names added to its own. Unknown labels are ignored; an empty name removes the name."""
    merged = {**transcript.speaker_names, **{label: name for label, name in names.items() if label in transcript.speakers}}
    return transcript.model_copy(update={"speaker_names": {label: name for label, name in merged.items() if name}})


def replace_labels(transcript: Transcript) -> Transcript:
    """The transcript with labels replaced by names, for rendering."""
    names = transcript.speaker_names
    if not names:
        return transcript
    segments = (
        segment.model_copy(update={"words": segment.words and tuple(_renamed(word, names) for word in segment.words)})
        for segment in transcript.segments
    )
    return transcript.model_copy(
        update={
            "speakers": tuple(dict.fromkeys(names.get(label, label) for label in transcript.speakers)),
            "segments": tuple(_renamed(segment, names) for segment in segments),
            "turns": tuple(_renamed(turn, names) for turn in transcript.turns),
        }
    )


def _renamed(part: Spoken, names: Mapping[str, str]) -> Spoken:
    return part if part.speaker is None else part.model_copy(update={"speaker": names.get(part.speaker, part.speaker)})


def _files(paths: Sequence[AnyPath], exists: Callable[[Location], bool] | None) -> Iterator[AnyPath]:
    """The existing files, in ascending precedence. Recordings that share a stem have `aula.mp3.speakers.toml` and so on."""
    own = [path.with_name(f"{name}.{FILE_NAME}") for path in paths for name in (path.stem, path.name)]
    for file in dict.fromkeys([*(path.with_name(FILE_NAME) for path in paths), *own]):
        with suppress(OSError, ValueError):  # the name is too long or contains a NUL, or the folder is not searchable
            if _exists_in_store(file, exists) if isinstance(file, Location) else file.is_file():
                yield file


def _exists_in_store(file: Location, exists: Callable[[Location], bool] | None) -> bool:
    return file.store.kind.can_list and (exists or file.store.exists)(file)


def _read(file: AnyPath) -> dict[str, str]:
    try:
        document = parse_toml(_content(file))
    except OSError as error:
        raise ConfigError(f"{file.name} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ConfigError(f"{file.name} {error}.") from error
    names: dict[str, str] = {}
    for label, name in document.items():
        if not isinstance(name, str):
            raise ConfigError(f"{file.name}: the name of {label!r} is not a string.", 'Example: SPEAKER_00 = "Ana".')
        if reason := name_error(name.strip()):
            raise ConfigError(f"{file.name}: the name of {label!r} {reason}.")
        names[label] = name.strip()
    return names


def _content(file: AnyPath) -> bytes:
    return (
        file.store.read(file, max_bytes=MAX_FILE_BYTES) if isinstance(file, Location) else read_regular_file(file, MAX_FILE_BYTES)
    )


def name_error(name: str) -> str:
    """Why this is not a valid name, as a predicate such as "is longer than …"; "" if it is valid."""
    if len(name) > MAX_NAME_CHARACTERS:
        return f"is longer than {MAX_NAME_CHARACTERS} characters"
    return "" if printable(name) == name else "contains a line break or another character that cannot be shown"
