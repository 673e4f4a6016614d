"""The cost of ending a line or a cue after a word, from 0 (after a sentence) to 12 (after an article).

The order follows Netflix and the BBC: after punctuation, before conjunctions and prepositions; never between article and noun,
preposition and its object, pronoun or auxiliary and verb, first and last name.
https://partnerhelp.netflixstudios.com/hc/en-us/articles/215758617 https://www.bbc.co.uk/accessibility/forproducts/guides/subtitles
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from transcribe_cli.formats.cues.cue import CueWord
from transcribe_cli.formats.cues.words import UNSPACED
from transcribe_cli.text.sentences import ABBREVIATIONS, ends_sentence

SENTENCE, CLAUSE, BEFORE_PHRASE, ANYWHERE, SHORT_WORD, NAME, NEVER = 0.0, 1.5, 3.5, 5.0, 7.0, 9.0, 12.0
# A pause of half a second halves the cost of any break that is allowed.
_PAUSE_MS = 500
_CLAUSE_ENDS = (",", ";", ":", "—", "–", "、", "，", "；", "：", "،")
_QUOTES = "\"'”’»)]"
_PUNCTUATION_AROUND = f" {_QUOTES}«“‘([¿¡"
_UNSPACED = re.compile(f"[{UNSPACED}]")
_UNSPACED_SENTENCE_END = re.compile("[。？！]")

# Neither a line nor a cue ends with these: articles, prepositions, conjunctions, pronouns and auxiliaries that belong to the next word.
_NO_BREAK_AFTER = {
    "pt": """
        o a os as um uma uns umas de do da dos das dum duma em no na nos nas num numa por pelo pela pelos pelas para pra pro com sem sob
        sobre entre até após desde contra ao à aos às e ou mas nem que se porque pois como quando onde quem qual cujo cuja não já só mais
        muito muita muitos muitas me te lhe lhes vos eu tu ele ela nós eles elas você vocês meu minha meus minhas teu tua seu sua seus suas
        nosso nossa nossos nossas este esta estes estas esse essa esses essas isto isso aquele aquela aqueles aquelas deste desta desse
        dessa neste nesta nesse nessa cada todo toda todos todas outro outra algum alguma nenhum nenhuma é são era eram foi foram ser está
        estão estava estavam tem têm tinha tinham há vai vão vou vamos pode podem deve devem sido tão""",
    "en": """
        the a an of to in on at by for with from into onto about as than over under between through without within after before during
        and or but nor that which who whom whose if because when where while though although so not no i you he she it we they my your his
        her its our their this these those each every some any all both another am is are was were be been being have has had do does did
        will would shall should can could may might must i'm you're we're they're it's don't doesn't didn't very more most let's""",
    "es": """
        el la los las un una unos unas lo de del a al en por para con sin sobre entre hasta desde hacia contra según tras y e o u pero ni
        que si porque pues como cuando donde quien cual cuyo cuya no ya muy más me te se le les nos os yo tú él ella usted nosotros ellos
        ellas ustedes mi mis tu tus su sus nuestro nuestra nuestros nuestras este esta estos estas ese esa esos esas esto eso aquel aquella
        cada todo toda todos todas otro otra algún alguna ningún ninguna es son era eran fue fueron ser está están estaba estaban ha han
        he hemos había habían va van voy vamos puede pueden debe deben sido tan""",
}
# A line can end before these.
_PHRASE_STARTS = {
    "pt": """e ou mas que porque pois quando enquanto embora como se de do da dos das em no na nos nas por pelo pela para pra com sem sobre
        entre até desde onde""",
    "en": "and or but because that which who when while where if though although as to of in on at by for with from into about than after "
    "before so",
    "es": "y e o u pero que porque pues cuando mientras aunque como si de del en por para con sin sobre entre hasta desde donde",
}
_NO_BREAK_WORDS = {language: frozenset(words.split()) for language, words in _NO_BREAK_AFTER.items()}
_PHRASE_START_WORDS = {language: frozenset(words.split()) for language, words in _PHRASE_STARTS.items()}
_NO_WORDS: frozenset[str] = frozenset()


def break_costs(words: Sequence[CueWord], language: str) -> list[float]:
    """The cost of a break after each word of a run; 0 after a sentence and after the last word.

    Args:
        words: one run.
        language: code. Portuguese, English and Spanish have word lists; in others, short words are treated like articles.
    """
    no_break_after, phrase_starts = _NO_BREAK_WORDS.get(language), _PHRASE_START_WORDS.get(language, _NO_WORDS)
    stripped = [word.text.strip(_PUNCTUATION_AROUND) for word in words]
    folded = [text.lower() for text in stripped]
    costs = [SENTENCE] * len(words)
    for index in range(len(words) - 1):
        text = words[index].text
        following = words[index + 1]
        if ends_sentence(text) or _UNSPACED_SENTENCE_END.match(text[-1]):
            continue
        if text.rstrip(_QUOTES).endswith(_CLAUSE_ENDS):
            cost = CLAUSE
        elif folded[index] in ABBREVIATIONS or (no_break_after is not None and folded[index] in no_break_after):
            costs[index] = NEVER
            continue
        elif not following.text.startswith(" ") and (_UNSPACED.match(text[-1]) or _UNSPACED.match(following.text[0])):
            cost = _between_characters(text[-1], following.text[0])
        elif _is_name(stripped[index]) and _is_name(stripped[index + 1]):
            cost = NAME
        elif text[-1:].isdigit() or (no_break_after is None and len(folded[index]) <= 3 and not _UNSPACED.match(text[-1])):
            cost = SHORT_WORD
        else:
            cost = BEFORE_PHRASE if folded[index + 1] in phrase_starts else ANYWHERE
        pause = min(max(following.start_ms - words[index].end_ms, 0), _PAUSE_MS)
        costs[index] = cost * (1 - pause / _PAUSE_MS / 2)
    return costs


def _is_name(word: str) -> bool:
    return word[:1].isupper() and len(word) > 1


def _between_characters(before: str, after: str) -> float:
    """Scripts without spaces: best where a Japanese particle precedes a new word, worst inside a word of one script."""
    if "\u3040" <= before <= "\u309f" and not "\u3040" <= after <= "\u309f":
        return BEFORE_PHRASE
    return NAME if "\u0e00" <= before <= "\u17ff" or _script(before) == _script(after) else SHORT_WORD


def _script(char: str) -> str:
    return "kana" if "\u3040" <= char <= "\u30ff" else "ideograph" if _UNSPACED.match(char) else "other"
