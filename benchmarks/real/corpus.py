"""A corpus: a folder with a manifest of recordings, what is said in them, and who speaks when.

`manifest.jsonl` has one JSON object per line. Required: `uri`, the path relative to the folder. Optional: `language` (a code; `zxx` for no
speech, `mul` for several languages), `text` (unknown if empty), `rttm` (a path relative to the folder), `speaker`, `kind`, `seconds`.
"""

from __future__ import annotations

import fnmatch
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from transcribe_cli.errors import TranscribeError
from transcribe_cli.scoring.document import Utterance
from transcribe_cli.scoring.normalize import collapse_spaces
from transcribe_cli.scoring.readers import read
from transcribe_cli.text.languages import language_code
from transcribe_cli.transcript import Turn

MANIFEST = "manifest.jsonl"
NO_SPEECH, SEVERAL = "zxx", "mul"
# Seconds. A recording without `kind` is a sentence below the first, and long from the second on.
SENTENCE, LONG = 30.0, 600.0


class BadCorpus(Exception):
    """The corpus cannot be used; the message is for people."""


@dataclass(frozen=True)
class Recording:
    """One recording and what is known of it.

    Attributes:
        uri: its path in the corpus.
        language: code, `zxx` or `mul`; "" if unknown.
        text: what is said; None if unknown, "" if nobody speaks.
        turns: who speaks when; None if unknown.
        utterances: what each speaker says; () if unknown.
        seconds: its length; 0 if unknown.
    """

    uri: str
    path: Path
    language: str
    kind: str
    text: str | None = None
    turns: tuple[Turn, ...] | None = None
    utterances: tuple[Utterance, ...] = ()
    speaker: str = ""
    seconds: float = 0.0

    @property
    def has_one_language(self) -> bool:
        """Whether a user would give its language, and a detected one can be wrong."""
        return self.language not in ("", NO_SPEECH, SEVERAL)

    @property
    def group(self) -> str:
        """The recordings of a group are transcribed by one command."""
        return f"{self.language or 'unknown'} {self.kind}"


@dataclass(frozen=True)
class Selection:
    """Which recordings to use: globs over `uri`, kinds, languages, and the largest number in each group; empty or 0 for all."""

    only: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sample: int = 0

    def groups(self, recordings: Iterable[Recording]) -> dict[str, list[Recording]]:
        """The selected recordings by group, in the order of the manifest."""
        found: defaultdict[str, list[Recording]] = defaultdict(list)
        for item in recordings:
            if (
                (not self.only or any(fnmatch.fnmatch(item.uri, pattern) for pattern in self.only))
                and (not self.kinds or item.kind in self.kinds)
                and (not self.languages or item.language in self.languages)
            ):
                found[item.group].append(item)
        return {name: _spread(items, self.sample) for name, items in found.items()}


def load(folders: Sequence[Path]) -> list[Recording]:
    """The recordings of these corpora.

    Raises:
        BadCorpus: there is no manifest, or it has an invalid line, or a file is missing.
    """
    found = [recording for folder in folders for recording in _in_folder(folder)]
    said: defaultdict[str, list[str]] = defaultdict(list)
    for item in found:
        if item.speaker:
            said[item.speaker].append(collapse_spaces(item.text or ""))
    return [replace(item, utterances=_utterances(item, said)) for item in found]


def _in_folder(folder: Path) -> list[Recording]:
    path = folder / MANIFEST
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise BadCorpus(f"{path} cannot be read ({error.strerror}). A corpus is a folder with {MANIFEST}.") from error
    return [_recording(folder, line, f"{path}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _recording(folder: Path, line: str, position: str) -> Recording:
    try:
        row = json.loads(line)
        uri = row["uri"]
        path = folder / uri
        turns = _turns(folder / row["rttm"], path.stem) if row.get("rttm") else None
        seconds = float(row.get("seconds") or 0)
        language = _language(row.get("language") or "")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadCorpus(f"{position} is not an entry of a manifest ({error!r}).") from error
    if not path.is_file():
        raise BadCorpus(f"{position}: there is no file {uri} in the corpus.")
    kind = row.get("kind") or _kind(language, seconds, turns)
    text = row.get("text") or ("" if language == NO_SPEECH else None)
    return Recording(uri, path, language, kind, text, turns, (), row.get("speaker") or "", seconds)


def _language(text: str) -> str:
    """The code of Whisper for it; `zxx`, `mul` and "" as they are. Raises ValueError for any other text."""
    return text if text in (NO_SPEECH, SEVERAL) else language_code(text) or ""


def _kind(language: str, seconds: float, turns: Sequence[Turn] | None) -> str:
    if language == NO_SPEECH:
        return "nonspeech"
    if seconds >= LONG:
        return "long"
    if len({turn.speaker for turn in turns or ()}) > 1:
        return "conversation"
    return "sentence" if seconds < SENTENCE else "lecture"


def _turns(path: Path, name: str) -> tuple[Turn, ...]:
    try:
        documents = read(path)
    except (OSError, TranscribeError) as error:
        raise BadCorpus(f"{path} cannot be read: {error}") from error
    document = documents.get(name) or next(iter(documents.values()))
    return tuple(sorted(document.turns or (), key=lambda turn: turn.start))


def _utterances(item: Recording, said: Mapping[str, Sequence[str]]) -> tuple[Utterance, ...]:
    """Who says which part of the text, if every turn is a sentence that the corpora have from its speaker; otherwise ()."""
    rest, found = f"{collapse_spaces(item.text or '')} ", []
    for turn in item.turns or ():
        text = max((one for one in said.get(turn.speaker, ()) if one and rest.startswith(f"{one} ")), key=len, default="")
        if text:
            found.append(Utterance(text, turn.speaker, turn.start, turn.end))
            rest = rest[len(text) + 1 :]
        elif "" not in said.get(turn.speaker, ()):  # not a sentence without a text either
            return ()
    return () if rest.strip() else tuple(found)


def _spread(items: list[Recording], count: int) -> list[Recording]:
    """At most `count` of them, at equal distances in the manifest: it usually lists one speaker after the other."""
    if not count or len(items) <= count:
        return items
    return [items[place * len(items) // count] for place in range(count)]
