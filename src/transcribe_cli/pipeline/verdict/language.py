"""The language: doubtful, not the one that is spoken, or a text in a script that the language is not written in."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping

from transcribe_cli.pipeline.verdict.spans import of_segments, places
from transcribe_cli.text.languages import LANGUAGES
from transcribe_cli.transcript import HeardLanguages, Reason, Segment, Transcript

# A clip is in another language if the model hears its own one with less than this probability, and another one with at least that.
OWN_PROBABILITY, OTHER_PROBABILITY = 0.20, 0.60
# From this share of the clips in another language on, the text as a whole is not what was said.
LOST_SHARE = 0.3
# Shorter clips are too short to tell languages apart, in seconds.
MIN_SECONDS = 2.0
# Languages that the model confuses, because they are close or the same: neither hides that a text is wrong.
_CLOSE = (
    {"pt", "gl"}, {"es", "gl", "ca"}, {"no", "nn", "da", "sv", "fo"}, {"hr", "sr", "bs", "sl", "mk", "bg"}, {"cs", "sk"},
    {"id", "ms", "jw", "su"}, {"ru", "uk", "be"}, {"hi", "ur", "ne", "pa", "mr", "sa"}, {"zh", "yue"}, {"de", "yi", "lb"},
    {"tr", "az"}, {"fa", "tg", "ps"}, {"en", "cy"}, {"af", "nl"}, {"kk", "ba", "tt"},
)  # fmt: skip

# Scripts of languages that are not written in Latin, by the first word of the Unicode names of their letters.
_SCRIPTS: Mapping[str, frozenset[str]] = {
    code: frozenset(scripts.split())
    for codes, scripts in {
        "ru uk bg mk be ba": "CYRILLIC",
        "sr bs az uz tk mn kk tt tg": "CYRILLIC LATIN",
        "zh yue": "CJK",
        "ja": "CJK HIRAGANA KATAKANA",
        "ko": "HANGUL CJK",
        "ar fa ur ps sd": "ARABIC",
        "pa": "GURMUKHI ARABIC",
        "he yi": "HEBREW",
        "el": "GREEK",
        "hi mr ne sa": "DEVANAGARI",
        "ta": "TAMIL",
        "th": "THAI",
        "te": "TELUGU",
        "kn": "KANNADA",
        "ml": "MALAYALAM",
        "bn as": "BENGALI",
        "gu": "GUJARATI",
        "si": "SINHALA",
        "km": "KHMER",
        "lo": "LAO",
        "my": "MYANMAR",
        "bo": "TIBETAN",
        "am": "ETHIOPIC",
        "ka": "GEORGIAN",
        "hy": "ARMENIAN",
    }.items()
    for code in codes.split()
}
_LATIN = frozenset({"LATIN"})
_KNOWN_SCRIPTS = frozenset().union(_LATIN, *_SCRIPTS.values())
# From this share of a text's letters on, it is in another script than its language; names and quotations are less.
SCRIPT_SHARE = 0.3
# A segment with fewer letters in another script may be a name or a quotation.
SCRIPT_LETTERS = 8


def doubtful_language(transcript: Transcript) -> Iterator[Reason]:
    """The vote was not clear."""
    if "language_doubtful" in transcript.flags:
        detail = (
            f"The language is doubtful: {_name(transcript.language)} with a probability of {transcript.language_probability:.0%}."
        )
        yield Reason(code="language_doubtful", level="check", detail=detail)


def other_language(transcript: Transcript) -> Iterator[Reason]:
    """The model hears another language than the one that it was made to write."""
    heard = [clip for clip in transcript.quality.heard if clip.end - clip.start >= MIN_SECONDS]
    if transcript.job.spec.get("multilingual") or not transcript.segments:
        return
    others = [clip for clip in heard if _is_other(clip, transcript.language)]
    if not others:
        return
    counts = Counter(next(iter(clip.languages)) for clip in others)
    code = max(counts, key=lambda language: (counts[language], language))
    share = len(others) / len(heard)
    where = "The recording" if share > 0.5 else "Part of the recording"
    detail = f"{where} sounds {_name(code)}, and was transcribed as {_name(transcript.language)}."
    spans = places((clip.start, clip.end) for clip in others)
    yield Reason(code="language", level="bad" if share >= LOST_SHARE else "check", detail=detail, spans=spans)


def other_script(transcript: Transcript) -> Iterator[Reason]:
    """The text, or a part of it, is in a script that its language is not written in."""
    language = "en" if transcript.job.spec.get("task") == "translate" else transcript.language
    if language not in LANGUAGES:
        return
    counts = Counter(script for char in transcript.text if (script := _script(char)))
    foreign = sum(count for script, count in counts.items() if not _is_written_in(language, script))
    odd = [segment for segment in transcript.segments if _is_odd(segment, language)]
    is_most = foreign >= SCRIPT_LETTERS and foreign >= SCRIPT_SHARE * counts.total()
    if is_most or odd:
        where = "The text" if is_most else "Part of the text"
        detail = f"{where} is not in the script of {_name(language)}."
        yield Reason(code="script", level="bad" if is_most else "check", detail=detail, spans=of_segments(odd))


def _is_other(clip: HeardLanguages, language: str) -> bool:
    """Whether the model hears another language in a clip: one that is not close to the transcript's."""
    (likeliest, probability), *_ = clip.languages.items()
    own = max(
        share for code, share in [(language, 0.0), *clip.languages.items()] if code == language or _are_close(code, language)
    )
    return probability >= OTHER_PROBABILITY and own < OWN_PROBABILITY and not _are_close(likeliest, language)


def _are_close(one: str, other: str) -> bool:
    return one == other or any(one in group and other in group for group in _CLOSE)


def _is_odd(segment: Segment, language: str) -> bool:
    """Whether most letters of a segment are in a foreign script; Latin letters are names and words of other languages."""
    scripts = [script for char in segment.text if (script := _script(char))]
    foreign = sum(script != "LATIN" and not _is_written_in(segment.language or language, script) for script in scripts)
    return foreign >= SCRIPT_LETTERS and foreign > len(scripts) / 2


def _is_written_in(language: str, script: str) -> bool:
    return script in _SCRIPTS.get(language, _LATIN)


def _script(char: str) -> str | None:
    """The script of a letter, if it is one that a language here is written in."""
    if not char.isalpha():
        return None
    script = unicodedata.name(char, "").partition(" ")[0]
    return script if script in _KNOWN_SCRIPTS else None


def _name(code: str) -> str:
    return LANGUAGES.get(code, code).title()
