"""The cost of ending a line or a cue after a word, from 0 (after a sentence) to 14 (after an article).

The order follows Netflix and the BBC: after punctuation, before conjunctions and prepositions; never between article and noun,
preposition and its object, pronoun or auxiliary and verb, first and last name; seldom between adjective and noun, or before `of`.
https://partnerhelp.netflixstudios.com/hc/en-us/articles/215758617 https://www.bbc.co.uk/accessibility/forproducts/guides/subtitles
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from transcribe_cli.formats.cues.cue import CueWord
from transcribe_cli.formats.cues.phrase_words import (
    ANYWHERE,
    BEFORE_GROUP,
    BEFORE_PHRASE,
    CLAUSE,
    CONTINUES,
    INSIDE_PHRASE,
    NEVER,
    PHRASE_WORDS,
    SENTENCE,
    SHORT_WORD,
    PhraseWords,
)
from transcribe_cli.formats.cues.words import UNSPACED
from transcribe_cli.text.sentences import ABBREVIATIONS, ends_sentence

# A pause of half a second halves the cost of any break that is allowed.
_PAUSE_MS = 500
_CLAUSE_ENDS = (",", ";", ":", "—", "–", "、", "，", "；", "：", "،")
_QUOTES = "\"'”’»)]"
_PUNCTUATION_AROUND = f" {_QUOTES}«“‘([¿¡"
_UNSPACED = re.compile(f"[{UNSPACED}]")
_UNSPACED_SENTENCE_END = re.compile("[。？！]")
# A longer word of a language without lists is not an article.
_SHORT_CHARACTERS = 3
_ELISION = re.compile("(.*?')(?=.)(.*)")


class _Kind(NamedTuple):
    """What a word says about the breaks before and after it.

    Attributes:
        punctuation: cost of a break after it, if it ends with punctuation.
        binds: it is never separated from the next word.
        before: cost of a break before it.
        begins_sentence: it is written like the first word of a sentence.
        is_name: it has a capital.
        is_pronoun: it does not bind after a preposition.
        is_auxiliary: a preposition after its verb begins a phrase, also `of`.
        precedes_noun: it is a number or an adjective that precedes its noun.
        may_precede_noun: it ends like such an adjective.
        precedes_capital: it ends like such an adjective, if the next word has a capital (German nouns).
        follows_noun: it ends like an adjective that follows its noun.
        is_plural: it ends like a plural.
        is_of_head: it binds if `of` follows.
        begins_with_digit: it may be the number of what is named before it.
        is_short: it may be an article, in a language without lists.
    """

    punctuation: float | None
    is_name: bool
    is_plural: bool
    precedes_noun: bool
    begins_with_digit: bool
    binds: bool = False
    before: float = ANYWHERE
    begins_sentence: bool = False
    is_pronoun: bool = False
    is_preposition: bool = False
    is_genitive: bool = False
    is_auxiliary: bool = False
    precedes_capital: bool = False
    follows_noun: bool = False
    may_precede_noun: bool = False
    is_of_head: bool = False
    is_short: bool = False


def break_costs(words: Sequence[CueWord], language: str) -> list[float]:
    """The cost of a break after each word of a run; 0 after a sentence and after the last word.

    Args:
        words: one run.
        language: code. Six languages have word lists (`phrase_words`); in others, short words are treated like articles.
    """
    kinds = [_kind(word.text, language) for word in words]
    costs = [SENTENCE] * len(words)
    for index in range(len(words) - 1):
        kind, following = kinds[index], kinds[index + 1]
        text, next_text = words[index].text, words[index + 1].text
        if kind.punctuation is not None:
            cost = kind.punctuation
        elif kind.binds and not (kind.is_pronoun and index and kinds[index - 1].is_preposition):
            costs[index] = NEVER
            continue
        elif not next_text.startswith(" ") and (_UNSPACED.match(text[-1]) or _UNSPACED.match(next_text[0])):
            cost = _between_characters(text[-1], next_text[0])
        else:
            cost = _between_words(kinds[index - 1] if index else None, kind, following, kinds[index + 2 : index + 3])
        pause = min(max(words[index + 1].start_ms - words[index].end_ms, 0), _PAUSE_MS)
        costs[index] = cost * (1 - pause / _PAUSE_MS / 2)
    return costs


def _between_words(before: _Kind | None, kind: _Kind, following: _Kind, second: Sequence[_Kind]) -> float:
    """Between `kind` and `following`, which may be separated. `before` and `second` are the words beside them, if any."""
    if following.begins_sentence and not kind.is_name:
        return CLAUSE
    name_continues = following.is_genitive and any(word.is_name for word in second)
    if kind.is_name and (following.is_name or following.begins_with_digit or name_continues):
        return INSIDE_PHRASE
    if (kind.precedes_capital and following.is_name) or (kind.is_of_head and following.is_genitive):
        return INSIDE_PHRASE
    if following.is_genitive and before is not None and before.is_auxiliary:
        return BEFORE_PHRASE
    continues = following.before >= CONTINUES
    if kind.precedes_noun:
        return INSIDE_PHRASE if continues else CONTINUES
    is_adjective = kind.may_precede_noun and continues
    if kind.is_short or is_adjective or (following.follows_noun and kind.is_plural == following.is_plural):
        return SHORT_WORD
    return following.before


@lru_cache(maxsize=1 << 16)
def _kind(text: str, language: str) -> _Kind:
    """Of a word with its punctuation."""
    lists = PHRASE_WORDS.get(language)
    stripped = text.strip(_PUNCTUATION_AROUND).replace("’", "'")
    folded = stripped.lower()
    is_abbreviation = folded in ABBREVIATIONS
    kind = _Kind(
        punctuation=None if is_abbreviation else _punctuation(text),
        is_name=stripped[:1].isupper() and len(stripped) > 1,
        is_plural=folded.endswith(("s", "x")),
        precedes_noun=text[-1:].isdigit(),
        begins_with_digit=stripped[:1].isdigit(),
        binds=is_abbreviation,
        is_short=lists is None and len(folded) <= _SHORT_CHARACTERS and not _UNSPACED.match(text[-1]),
    )
    return kind if lists is None or is_abbreviation else _listed_kind(kind, folded, lists, is_capital=stripped[:1].isupper())


def _punctuation(text: str) -> float | None:
    if ends_sentence(text) or _UNSPACED_SENTENCE_END.match(text[-1]):
        return SENTENCE
    return CLAUSE if text.rstrip(_QUOTES).endswith(_CLAUSE_ENDS) else None


def _listed_kind(kind: _Kind, folded: str, lists: PhraseWords, *, is_capital: bool) -> _Kind:
    """The same, of a word of a language with lists. `l'aula` begins like an article and ends like a noun."""
    elided = _ELISION.fullmatch(folded)
    begin, end = elided.groups() if elided and elided[1] in lists.binding else (folded, folded)
    is_verb = lists.verb is not None and lists.verb.fullmatch(begin) is not None
    before = lists.costs_before.get(begin, BEFORE_GROUP if is_verb else ANYWHERE)
    is_open_class = not is_verb and begin not in lists.binding and begin not in lists.adjectives
    precedes = lists.before_noun is not None and lists.before_noun.fullmatch(end) is not None and end not in lists.binding
    return kind._replace(
        binds=end in lists.binding,
        before=before,
        begins_sentence=is_capital and not lists.nouns_capitalized and begin in lists.sentence_starts,
        is_pronoun=end in lists.strong_pronouns,
        is_preposition=end in lists.prepositions or end in lists.genitives,
        is_genitive=begin in lists.genitives,
        is_auxiliary=end in lists.auxiliaries,
        precedes_noun=kind.precedes_noun or end in lists.adjectives,
        may_precede_noun=precedes and not lists.nouns_capitalized,
        is_of_head=end in lists.of_heads,
        precedes_capital=precedes and lists.nouns_capitalized and not kind.is_name,
        follows_noun=is_open_class and lists.after_noun is not None and lists.after_noun.fullmatch(begin) is not None,
    )


def _between_characters(before: str, after: str) -> float:
    """Scripts without spaces: best where a Japanese particle precedes a new word, worst inside a word of one script."""
    if "\u3040" <= before <= "\u309f" and not "\u3040" <= after <= "\u309f":
        return BEFORE_PHRASE
    return INSIDE_PHRASE if "\u0e00" <= before <= "\u17ff" or _script(before) == _script(after) else SHORT_WORD


def _script(char: str) -> str:
    return "kana" if "\u3040" <= char <= "\u30ff" else "ideograph" if _UNSPACED.match(char) else "other"
