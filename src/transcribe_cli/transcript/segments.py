"""What was said: words in segments, and the turns of the speakers."""

from __future__ import annotations

from pydantic import Field, computed_field

from transcribe_cli.transcript.parts import Count, Flags, Label, Measure, Part, Seconds

# Words with a lower probability have low confidence.
LOW_CONFIDENCE = 0.5


class Word(Part):
    """One spoken word."""

    word: str = Field(description="with its leading space, as openai/whisper writes it")
    start: Seconds = Field(description="seconds from the start of the recording")
    end: Seconds = Field(description="seconds; never before start")
    probability: Measure = Field(description="mean probability of the word's tokens, 0 to 1")
    speaker: str | None = Field(default=None, description="SPEAKER_00 or a display name; absent if no speaker was found")
    aligned: bool = Field(default=True, description="false if the times were interpolated; absent if they were measured")

    @computed_field(description="same as probability, under whisperX's name")  # type: ignore[prop-decorator]
    @property
    def score(self) -> float:
        """Same as probability, under whisperX's name."""
        return self.probability


class Segment(Part):
    """Speech of one speaker, about a sentence long. The keys are those of openai/whisper, followed by ours."""

    id: Count = Field(description="counts from 0")
    seek: Count = Field(description="start of the decoded clip in frames, 100 a second")
    start: Seconds = Field(description="seconds")
    end: Seconds = Field(description="seconds; never before start")
    text: str = Field(description="with a leading space")
    tokens: tuple[Count, ...] = Field(default=(), description="the model's text tokens")
    temperature: Measure = Field(default=0.0, description="sampling temperature of this text")
    avg_logprob: Measure = Field(default=0.0, description="mean log-probability of the clip's tokens")
    compression_ratio: Measure = Field(default=1.0, description="zlib ratio of the clip's text; above 2.4 the text is repetitive")
    no_speech_prob: Measure = Field(default=0.0, description="the model's probability that there is no speech, 0 to 1")
    speaker: str | None = Field(default=None, description="SPEAKER_00 or a display name; absent if no speaker was found")
    language: Label | None = Field(default=None, description="language code, if it differs from the recording's")
    flags: Flags = Field(default=(), description="reasons to check the segment, such as low_confidence")
    words: tuple[Word, ...] | None = Field(default=None, description="absent if word timestamps are disabled")


class Turn(Part):
    """One turn of a speaker."""

    start: Seconds = Field(description="seconds from the start of the recording")
    end: Seconds = Field(description="seconds; never before start")
    speaker: str = Field(description="SPEAKER_00 or a display name")
