"""What the speakers are called: `SPEAKER_00` is Ana.

Names are said on the command line, or in a TOML file next to the recording or its transcript, a line for each label:

    SPEAKER_00 = "Ana Souza"

`aula.speakers.toml` is about `aula.mp3` alone, `speakers.toml` about all recordings of its folder. What was said last counts, for each
label on its own: the transcript itself, `speakers.toml`, `aula.speakers.toml`, the command line. An empty name takes the name away.

In the transcript the labels stay and `speaker_names` says what they mean, so that names can be changed again; all other formats show
the names. Two labels may have one name: then they are one speaker there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import TypeVar

import tomli

from transcribe_cli.errors import ConfigError, UsageError
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Segment, Transcript, Turn, Word

Said = TypeVar("Said", Segment, Word, Turn)

FILE_NAME = "speakers.toml"
OPTION = "--speaker-names"
# A longer text is no name.
NAME_CHARACTERS = 80
MOST_SHOWN = 10  # labels in a message


def parse_names(texts: Iterable[str]) -> dict[str, str]:
    """Label -> name, from texts such as `SPEAKER_00=Ana,SPEAKER_01=Rui`.

    Raises:
        UsageError: a text that is something else, a label that is named twice, or a name that cannot be shown.
    """
    names: dict[str, str] = {}
    for item in (item for text in texts for item in text.split(",") if item.strip()):
        label, equals, name = (part.strip() for part in item.partition("="))
        if not (label and equals):
            hint = f"Write SPEAKER_00=Ana,SPEAKER_01=Rui; a name with a comma can stand in {FILE_NAME}."
            raise UsageError(f"{OPTION} takes LABEL=NAME, not {item.strip()!r}.", hint)
        if names.get(label, name) != name:
            raise UsageError(f"{OPTION} has two names for {label}, {names[label]!r} and {name!r}.")
        if reason := name_error(name):
            raise UsageError(f"{OPTION}: the name of {label} {reason}.")
        names[label] = name
    return names


def read_name_files(
    *paths: AnyPath, labels: Collection[str] = (), exists: Callable[[Location], bool] | None = None
) -> dict[str, str]:
    """Label -> name, from the files next to a recording and next to its transcript; empty when there are none.

    Args:
        paths: of the recording, of the transcript, or of both; what stands next to the last one counts more.
        labels: the speakers of the transcript, if it has any: a file that is about it alone may name no others.
        exists: says whether a file is in a store, from a listing for example; None asks for each. Web servers are not asked.

    Raises:
        ConfigError: a file that cannot be read, or that says something else than names.
        StorageNotReady: a store cannot be asked.
    """
    names: dict[str, str] = {}
    for file in _files(paths, exists):
        said = _read(file)
        if labels and file.name != FILE_NAME:
            check_labels_exist(said, labels, f"{file.name} names")
        names |= said
    return names


def check_labels_exist(names: Iterable[str], labels: Collection[str], who_says: str) -> None:
    """That each of these is one of the labels.

    Raises:
        ConfigError: one is not; the message begins with `who_says` and lists the labels.
    """
    for label in names:
        if label not in labels:
            near = get_close_matches(label, labels, n=1)
            shown = ", ".join(sorted(labels)[:MOST_SHOWN])
            there_are = f"There are: {shown}." if labels else "There are none: run with --diarize finds them."
            raise ConfigError(
                f"{who_says} {label!r}, who is no speaker there.", f"Did you mean {near[0]}?" if near else there_are
            )


def add_names(transcript: Transcript, names: Mapping[str, str]) -> Transcript:
    """The transcript with these names added to its own; labels that are not in it are passed over, an empty name is taken away."""
    known = {**transcript.speaker_names, **{label: name for label, name in names.items() if label in transcript.speakers}}
    return transcript.model_copy(update={"speaker_names": {label: name for label, name in known.items() if name}})


def replace_labels(transcript: Transcript) -> Transcript:
    """The transcript with names in the place of labels, for renderings."""
    names = transcript.speaker_names
    if not names:
        return transcript
    segments = (
        part.model_copy(update={"words": part.words and tuple(_renamed(word, names) for word in part.words)})
        for part in transcript.segments
    )
    return transcript.model_copy(
        update={
            "speakers": tuple(dict.fromkeys(names.get(label, label) for label in transcript.speakers)),
            "segments": tuple(_renamed(segment, names) for segment in segments),
            "turns": tuple(_renamed(turn, names) for turn in transcript.turns),
        }
    )


def _renamed(said: Said, names: Mapping[str, str]) -> Said:
    return said if said.speaker is None else said.model_copy(update={"speaker": names.get(said.speaker, said.speaker)})


def _files(paths: Sequence[AnyPath], exists: Callable[[Location], bool] | None) -> Iterator[AnyPath]:
    """Those that are there, what counts more last. A file that shares its stem with another one has `aula.mp3.speakers.toml`."""
    own = [path.with_name(f"{name}.{FILE_NAME}") for path in paths for name in (path.stem, path.name)]
    for file in dict.fromkeys([*(path.with_name(FILE_NAME) for path in paths), *own]):
        with suppress(OSError, ValueError):  # too long a name, a folder that may not be searched, a NUL
            if _holds(file, exists) if isinstance(file, Location) else file.is_file():
                yield file


def _holds(file: Location, exists: Callable[[Location], bool] | None) -> bool:
    return file.store.kind.can_list and (exists or file.store.exists)(file)


def _read(file: AnyPath) -> dict[str, str]:
    try:
        document = tomli.loads((file.store.read(file) if isinstance(file, Location) else file.read_bytes()).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file.name} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file.name} is not UTF-8 text (byte {error.start}).") from error
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{file.name} is not TOML: {error}.") from error
    names: dict[str, str] = {}
    for label, name in document.items():
        if not isinstance(name, str):
            raise ConfigError(f"{file.name} has no text for {label!r}.", 'Write lines such as SPEAKER_00 = "Ana".')
        if reason := name_error(name.strip()):
            raise ConfigError(f"{file.name}: the name of {label!r} {reason}.")
        names[label] = name.strip()
    return names


def name_error(name: str) -> str:
    """Why this cannot be a name, as the end of a sentence about it, or ""."""
    if len(name) > NAME_CHARACTERS:
        return f"is longer than {NAME_CHARACTERS} characters"
    return "" if printable(name) == name else "has a line break or another character that cannot be shown"
