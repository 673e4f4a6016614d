"""Parses the formats of NIST evaluations, with one turn per line: RTTM (who spoke when) and STM (who said what when).

A file may contain many recordings; each line has the name of its recording. https://github.com/usnistgov/SCTK/blob/master/doc/infmts.htm
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from transcribe_cli.errors import Unreadable
from transcribe_cli.scoring.document import Document, Utterance, document_of
from transcribe_cli.text.numbers import MAX_SECONDS, parse_seconds
from transcribe_cli.transcript import Turn

_LABEL = re.compile(r"<[^<>]*>(?:\s+|$)")  # <o,f0,male>: optional conditions of the recording before the text
_UNSCORED = "ignore_time_segment_in_scoring"


def read_rttm(text: str, name: str) -> Mapping[str, Document]:
    """Parse turns. An empty file is a recording in which nobody speaks.

    Raises:
        Unreadable: a line is invalid; the message has its number.
    """
    turns: defaultdict[str, list[Turn]] = defaultdict(list)
    for position, line in _lines(text, name):
        fields = line.split()
        if fields[0] != "SPEAKER":  # SPKR-INFO, NON-SPEECH, LEXEME: no turns
            if not fields[0].isupper():
                raise Unreadable(
                    f"{position} is not RTTM.", "Expected: SPEAKER name 1 start duration <NA> <NA> speaker <NA> <NA>."
                )
            continue
        if len(fields) < 8:
            raise Unreadable(f"{position} has {len(fields)} fields; a SPEAKER line has at least 8.")
        start, duration = _number(fields[3], position), _number(fields[4], position)
        turns[fields[1]].append(Turn(start=start, end=min(start + duration, MAX_SECONDS), speaker=fields[7]))
    return {key: Document(None, tuple(found)) for key, found in turns.items()} or {"": Document(None, ())}


def read_stm(text: str, name: str) -> Mapping[str, Document]:
    """Parse utterances. Intervals that STM marks as not to be scored are left out.

    Raises:
        Unreadable: a line is invalid; the message has its number.
    """
    utterances: defaultdict[str, list[Utterance]] = defaultdict(list)
    for position, line in _lines(text, name):
        fields = line.split(maxsplit=5)
        if len(fields) < 5:
            raise Unreadable(f"{position} is not STM.", "Expected: name channel speaker start end words.")
        recording, _, speaker, begin, finish = fields[:5]
        words = _LABEL.sub("", fields[5], count=1) if len(fields) > 5 and fields[5].startswith("<") else "".join(fields[5:])
        start, end = _number(begin, position), _number(finish, position)
        if end < start:
            raise Unreadable(f"{position} ends before it starts.")
        if words.strip().lower() != _UNSCORED:
            utterances[recording].append(Utterance(words, speaker, start, end))
    return {key: document_of(found) for key, found in utterances.items()} or {"": document_of([], turns=())}


def _lines(text: str, name: str) -> Iterator[tuple[str, str]]:
    """The lines that are neither empty nor comments, each preceded by its position for messages."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith(";"):
            yield f"{name}, line {number}", line


def _number(text: str, position: str) -> float:
    try:
        return parse_seconds(text)
    except ValueError as error:
        raise Unreadable(f"{position}: {text[:40]!r} is not a time in seconds.") from error
