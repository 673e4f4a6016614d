"""Tables of the NIST evaluations, a line for each turn: RTTM (who spoke when) and STM (who said what when).

One file may hold many recordings; each line begins with the recording's name. https://github.com/usnistgov/SCTK/blob/master/doc/infmts.htm
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from transcribe_cli.errors import Unreadable
from transcribe_cli.scoring.document import Document, Utterance, spoken
from transcribe_cli.transcript import Turn

_LABEL = re.compile(r"<[^<>]*>(?:\s+|$)")  # <o,f0,male>: conditions of the recording, which may stand before the text
_UNSCORED = "ignore_time_segment_in_scoring"


def read_rttm(text: str, name: str) -> Mapping[str, Document]:
    """Turns; an empty file is a recording in which nobody speaks.

    Raises:
        Unreadable: a line that is none of the format, by its number.
    """
    turns: defaultdict[str, list[Turn]] = defaultdict(list)
    for where, line in _lines(text, name):
        fields = line.split()
        if fields[0] != "SPEAKER":  # SPKR-INFO, NON-SPEECH, LEXEME: nothing about turns
            if not fields[0].isupper():
                raise Unreadable(
                    f"{where} is not RTTM.", "Lines look like SPEAKER name 1 start duration <NA> <NA> who <NA> <NA>."
                )
            continue
        if len(fields) < 8:
            raise Unreadable(f"{where} has {len(fields)} fields; a SPEAKER line has 8 at least.")
        start, duration = _number(fields[3], where), _number(fields[4], where)
        turns[fields[1]].append(Turn(start=start, end=start + duration, speaker=fields[7]))
    return {key: Document(None, tuple(found)) for key, found in turns.items()} or {"": Document(None, ())}


def read_stm(text: str, name: str) -> Mapping[str, Document]:
    """Utterances; the gaps that STM marks as not to be scored are left out.

    Raises:
        Unreadable: a line that is none of the format, by its number.
    """
    said: defaultdict[str, list[Utterance]] = defaultdict(list)
    for where, line in _lines(text, name):
        fields = line.split(maxsplit=5)
        if len(fields) < 5:
            raise Unreadable(f"{where} is not STM.", "Lines look like: name channel who start end words.")
        recording, _, speaker, begin, finish = fields[:5]
        words = _LABEL.sub("", fields[5], count=1) if len(fields) > 5 and fields[5].startswith("<") else "".join(fields[5:])
        start, end = _number(begin, where), _number(finish, where)
        if end < start:
            raise Unreadable(f"{where} ends before it starts.")
        if words.strip().lower() != _UNSCORED:
            said[recording].append(Utterance(words, speaker, start, end))
    return {key: spoken(found) for key, found in said.items()} or {"": spoken([], turns=())}


def _lines(text: str, name: str) -> Iterator[tuple[str, str]]:
    """The lines that say something, each with its place for messages."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith(";"):
            yield f"{name}, line {number}", line


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise Unreadable(f"{where}: {text[:40]!r} is not a time in seconds.")
    return value
