"""How far the text can be trusted: the verdict with its reasons, and figures that need no reference text."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from transcribe_cli.transcript.parts import Count, Measure, Part, Seconds


class VoiceMatch(Part):
    """A speaker whose voice is similar to an enrolled voice."""

    speaker: str = Field(description="speaker label")
    name: str = Field(description="name of the enrolled voice")
    similarity: Measure = Field(description="cosine similarity of the two embeddings; 1 if they are equal")
    sure: bool = Field(description="true if the speaker got this name; false if a person has to decide")


class Reason(Part):
    """Why a transcript is not to be trusted without a look, and where."""

    code: str = Field(description="name of the check, such as language or missing_text")
    level: Literal["check", "bad"] = Field(description="bad: the text is probably wrong; check: a person should look")
    detail: str = Field(description="one sentence for people, in English")
    spans: tuple[tuple[Seconds, Seconds], ...] = Field(default=(), description="where: start, end; empty: the whole recording")


class HeardLanguages(Part):
    """The languages that the model hears in a part of the audio, whatever language was requested."""

    start: Seconds = Field(description="seconds from the start of the recording")
    end: Seconds = Field(description="seconds; never before start")
    languages: dict[str, Measure] = Field(description="up to three language codes with their probabilities, the likeliest first")


class Quality(Part):
    """Quality metrics that need no reference text. Times in seconds."""

    verdict: Literal["good", "check", "bad"] | None = Field(
        default=None, description="whether the text can be trusted: the worst level of the reasons; null in older transcripts"
    )
    reasons: tuple[Reason, ...] = Field(default=(), description="of the verdict, the worst first")
    speech: Seconds = Field(description="seconds of speech found by VAD")
    covered: Measure = Field(description="share of that speech inside segments, 0 to 1")
    gaps: tuple[tuple[Seconds, Seconds], ...] = Field(default=(), description="speech of 2 s or more without text: start, end")
    repetitions: Count = Field(default=0, description="clips whose text is still repetitive at the highest temperature")
    invented: Count = Field(default=0, description="words dropped because their sentence lies where nobody speaks")
    rescued: Seconds = Field(default=0.0, description="seconds of speech that got words only when recognized a second time")
    low_confidence: Measure = Field(default=0.0, description="share of words with a probability under 0.5")
    skipped_packets: Count = Field(default=0, description="damaged packets that the decoder skipped")
    left_out: tuple[tuple[Seconds, Seconds], ...] = Field(
        default=(), description="where channels were left out of the mix, because they cancel others or hold noise: start, end"
    )
    quiet: tuple[tuple[Seconds, Seconds], ...] = Field(
        default=(), description="speech that is so far below the usual level that it was made louder: start, end"
    )
    sound: Seconds | None = Field(
        default=None, description="seconds that are not silent; measured only in recordings without any text, null in others"
    )
    voices: tuple[VoiceMatch, ...] = Field(default=(), description="speakers with a similar enrolled voice, sure or not")
    heard: tuple[HeardLanguages, ...] = Field(
        default=(), description="languages of some of the clips by ear: all of a short recording, every fourth one of a long one"
    )
