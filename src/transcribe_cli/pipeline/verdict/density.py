"""Text that is far denser or thinner than speech can be: letters for each second of speech."""

from __future__ import annotations

from collections.abc import Iterator

from transcribe_cli.pipeline.verdict.spans import clock
from transcribe_cli.text.languages import LANGUAGES_WITHOUT_SPACES
from transcribe_cli.transcript import Reason, Transcript

# Letters and digits for each second of speech, in scripts that write sounds.
THIN, DENSE = 4.0, 25.0
# In scripts that write syllables or words with one sign each.
THIN_SIGNS, DENSE_SIGNS = 1.2, 12.0
# Less speech is too short to judge, in seconds.
MIN_SPEECH_SECONDS = 8.0


def density(transcript: Transcript) -> Iterator[Reason]:
    """The whole text against the whole speech; where there is no text at all, other checks say so."""
    speech = transcript.quality.speech
    signs = sum(char.isalnum() for char in transcript.text)
    if speech < MIN_SPEECH_SECONDS or not signs:
        return
    thin, dense = (THIN_SIGNS, DENSE_SIGNS) if transcript.language in LANGUAGES_WITHOUT_SPACES else (THIN, DENSE)
    pace = signs / speech
    if thin <= pace <= dense:
        return
    detail = (
        f"{pace:.0f} letters a second in {clock(speech)} of speech: the text is far too {'thin' if pace < thin else 'dense'}."
    )
    yield Reason(code="density", level="check", detail=detail)
