"""The transcript: segments of timed words, and the JSON document that is the product; every other file is rendered from it.

The document (schema_version 1) is a superset that readers of openai/whisper's and whisperX's JSON accept. Its keys are in a fixed
order, provenance first, so that `plan` can decide from the first few KiB of a file whether a recording is done.
"""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field

from transcribe_cli.errors import TranscribeError

SCHEMA_VERSION = 1
# A word of a lower probability is doubtful.
LOW_CONFIDENCE = 0.5


class _Document(BaseModel):
    """A part of the document: frozen; keys of later versions are let through, so that older tools can read newer files."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Word(_Document):
    """One word as spoken."""

    word: str = Field(description="with its leading space, as openai/whisper writes it")
    start: float = Field(ge=0, description="seconds from the start of the recording")
    end: float = Field(ge=0, description="seconds; never before start")
    probability: float = Field(description="mean probability of the word's tokens, 0 to 1")
    speaker: str | None = Field(default=None, description="SPEAKER_00 or a given name; absent when nobody was found")
    aligned: bool = Field(default=True, description="false when the times were interpolated; absent when they were measured")

    @computed_field(description="the same as probability, under whisperX's name")  # type: ignore[prop-decorator]
    @property
    def score(self) -> float:
        """The same as probability, under whisperX's name."""
        return self.probability


class Segment(_Document):
    """A stretch of speech, about a sentence, by one speaker. The keys are openai/whisper's, then ours."""

    id: int = Field(ge=0, description="counts from 0")
    seek: int = Field(ge=0, description="start of the decoded clip in frames, 100 a second")
    start: float = Field(ge=0, description="seconds")
    end: float = Field(ge=0, description="seconds; never before start")
    text: str = Field(description="with a leading space")
    tokens: tuple[int, ...] = Field(default=(), description="text tokens of the model")
    temperature: float = Field(default=0.0, description="sampling temperature that gave this text")
    avg_logprob: float = Field(default=0.0, description="mean log-probability of the clip's tokens")
    compression_ratio: float = Field(default=1.0, description="zlib ratio of the clip's text; above 2.4 it repeats itself")
    no_speech_prob: float = Field(default=0.0, description="the model's own doubt that there is speech, 0 to 1")
    speaker: str | None = Field(default=None, description="SPEAKER_00 or a given name; absent when nobody was found")
    language: str | None = Field(default=None, description="code, where it is another than the recording's")
    flags: tuple[str, ...] = Field(default=(), description="what to know before trusting it, such as low_confidence")
    words: tuple[Word, ...] | None = Field(default=None, description="absent when word times were switched off")


class Turn(_Document):
    """Somebody speaks."""

    start: float = Field(ge=0, description="seconds from the start of the recording")
    end: float = Field(ge=0, description="seconds; never before start")
    speaker: str = Field(description="SPEAKER_00 or a given name")


class Source(_Document):
    """Which recording this is the transcript of: the identity that the done test compares."""

    name: str = Field(description="file name with extension; undecodable bytes as \\xNN")
    uri: str = Field(description="where it was read, without credentials or query")
    size: int = Field(ge=0, description="bytes")
    modified: str | None = Field(default=None, description="UTC, ISO 8601 with microseconds")
    etag: str | None = Field(default=None, description="of object stores: a checksum of the content, or its version")
    duration: float | None = Field(default=None, description="seconds that the header promises, when it does")

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """What is equal as long as the recording is the same, unchanged."""
        return self.name, self.size, self.etag or self.modified


class JobRecord(_Document):
    """How the transcript came about."""

    fingerprint: str = Field(description="hash of the spec: everything that changes the text")
    spec: dict[str, Any]
    tool: str = Field(description="transcribe-cli X.Y.Z")
    backend: str
    device: str = Field(description="such as cpu/int8 or cuda/float16")
    finished_at: str = Field(description="UTC, ISO 8601")


class VoiceMatch(_Document):
    """A speaker sounds like somebody whose voice was enrolled."""

    speaker: str = Field(description="label")
    name: str = Field(description="whom the speaker sounds like")
    similarity: float = Field(description="cosine between the two embeddings, 1 for the same")
    sure: bool = Field(description="true when the speaker was named after it, false when it is for people to decide")


class Quality(_Document):
    """What can be said about the transcript without a reference text. Times in seconds."""

    speech: float = Field(description="seconds of speech that VAD found")
    covered: float = Field(description="share of that speech inside segments, 0 to 1")
    gaps: tuple[tuple[float, float], ...] = Field(default=(), description="speech of 2 s or more without text: start, end")
    repetitions: int = Field(default=0, description="clips whose text still goes round in circles after the whole ladder")
    invented: int = Field(default=0, description="words that were dropped because nobody spoke where their sentence lies")
    rescued: float = Field(default=0.0, description="seconds of speech that got words only when it was heard once more")
    low_confidence: float = Field(default=0.0, description="share of words with a probability under 0.5")
    skipped_packets: int = Field(default=0, description="damaged packets that the decoder left out")
    voices: tuple[VoiceMatch, ...] = Field(default=(), description="speakers who sound like an enrolled voice, sure or not")


class Timing(_Document):
    """Seconds of wall time in each stage, and audio seconds per wall second."""

    fetch: float = 0.0
    decode: float = 0.0
    vad: float = 0.0
    asr: float = 0.0
    diarization: float = 0.0
    total: float = 0.0
    rtfx: float = 0.0


class Cost(_Document):
    """What the transcript cost. Work that was added later, such as its speakers, is added to it; the price is then the last one."""

    amount: float = Field(ge=0, description="in the currency")
    currency: str
    seconds: float | None = Field(
        default=None, description="of a machine, its share where recordings were worked on side by side"
    )
    per_hour: float | None = Field(default=None, description="price of the machine")
    per_audio_hour: float | None = Field(default=None, description="price of the audio, where that is what is paid for")
    as_of: str | None = Field(default=None, description="day from which the price is known, ISO 8601")
    source: str = Field(description="who says the price: an address, a file, an option")

    def plus(self, previous: Cost | None) -> Cost:
        """The same with what was paid for the transcript before; in another currency that cannot be told."""
        if previous is None or previous.currency != self.currency:
            return self
        seconds = (previous.seconds or 0.0) + (self.seconds or 0.0)
        return self.model_copy(update={"amount": previous.amount + self.amount, "seconds": seconds or None})


class Transcript(_Document):
    """One recording's transcript with its provenance. The order of the fields is the order of the file."""

    schema_version: int = SCHEMA_VERSION
    source: Source
    job: JobRecord
    outputs: dict[str, str] = Field(default_factory=dict, description="file name -> sha256 of the files rendered beside it")
    subtitles: dict[str, str] = Field(default_factory=dict, description="file name -> the standard that its cues were made under")
    language: str
    language_probability: float
    duration: float = Field(description="decoded seconds")
    flags: tuple[str, ...] = Field(
        default=(), description="of the whole recording: truncated, damaged, no_speech, channels_alike, …"
    )
    speakers: tuple[str, ...] = Field(default=(), description="labels of who speaks, in the order in which they are first heard")
    speaker_names: dict[str, str] = Field(default_factory=dict, description="label -> name that renderings show instead")
    text: str
    segments: tuple[Segment, ...]
    turns: tuple[Turn, ...] = Field(default=(), description="who spoke when, also where no words were found; they may overlap")
    quality: Quality
    timing: Timing = Timing()
    cost: Cost | None = Field(default=None, description="null where nobody said what the place costs")

    def with_outputs(self, outputs: dict[str, str], subtitles: dict[str, str] | None = None) -> Self:
        """The same transcript that lists these rendered files, and the standards of those which are made of cues."""
        return self.model_copy(update={"outputs": outputs, "subtitles": subtitles or {}})

    def dumps(self) -> str:
        """The JSON text: UTF-8 unescaped, floats of 3 decimals, a line for each top-level key and each segment."""
        document = self.model_dump(mode="json")
        document["segments"] = [_sparse(segment) for segment in document["segments"]]
        lines = []
        for key, exact in document.items():
            # The spec and the cost are told as they are: a threshold of 0.0005 is not 0.001.
            value = exact if key in ("job", "cost") else _rounded(exact)
            one_a_line = "[\n" + ",\n".join(map(_json, value)) + "]" if key == "segments" and value else None
            lines.append(f"{_json(key)}: {one_a_line or _json(value)}")
        return "{" + ",\n".join(lines) + "}\n"

    @classmethod
    def loads(cls, text: str | bytes, name: str = "the JSON") -> Self:
        """Read a document written by `dumps`.

        Raises:
            TranscribeError: when it is not such a document, or one of a newer schema; `name` is used in the message.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TranscribeError(f"{name} is not JSON ({error}).") from error
        if not isinstance(document, dict) or "schema_version" not in document:
            raise TranscribeError(f"{name} is not a transcript of this tool.")
        if document["schema_version"] != SCHEMA_VERSION:
            version = document["schema_version"]
            raise TranscribeError(f"{name} has schema version {version}; this version of the tool reads {SCHEMA_VERSION}.")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise TranscribeError(f"{name} is not a whole transcript ({where}: {first['msg']}).") from error


def _sparse(segment: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known: openai/whisper's readers take any `words` for a list, whisperX's any `speaker` for a name."""
    said = {key: value for key, value in segment.items() if value is not None}
    if "words" in said:
        said["words"] = [
            {key: value for key, value in word.items() if value is not None and not (key == "aligned" and value)}
            for word in said["words"]
        ]
    return said


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _rounded(value: Any) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
