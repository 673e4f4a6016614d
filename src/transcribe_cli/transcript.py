"""The transcript: segments of timed words, stored as a JSON document. All other output formats are rendered from it.

The document (schema_version 1) is a superset of the JSON of openai/whisper and whisperX, and their readers accept it. Its keys have a
fixed order with the provenance first, so that `plan` can decide from the first few KiB of a file whether a recording is done.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, computed_field

from transcribe_cli.errors import TranscribeError
from transcribe_cli.text.first_fault import FirstFaultModel
from transcribe_cli.text.json_data import json_text, parse_json, rounded
from transcribe_cli.text.numbers import MAX_COUNT, MAX_NUMBER, MAX_SECONDS

SCHEMA_VERSION = 1
# Words with a lower probability have low confidence.
LOW_CONFIDENCE = 0.5

# Every number has a range, because anybody may have written the file: sums, clock times and rendered files stay finite.
Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Measure = Annotated[float, Field(ge=-MAX_NUMBER, le=MAX_NUMBER)]
# Codes and names of flags have a length, because they are printed with each recording.
Label = Annotated[str, Field(max_length=100)]
Flags = Annotated[tuple[Label, ...], Field(max_length=100)]


class _Document(FirstFaultModel):
    """A part of the document. Frozen. Unknown keys are ignored, so that older versions can read newer files."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Word(_Document):
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


class Segment(_Document):
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


class Turn(_Document):
    """One turn of a speaker."""

    start: Seconds = Field(description="seconds from the start of the recording")
    end: Seconds = Field(description="seconds; never before start")
    speaker: str = Field(description="SPEAKER_00 or a display name")


class Source(_Document):
    """The recording of this transcript: the identity that the done test compares."""

    name: str = Field(description="file name with extension; undecodable bytes as \\xNN")
    uri: str = Field(description="URL of the recording, without credentials or query")
    size: Count = Field(description="bytes")
    modified: str | None = Field(default=None, description="UTC, ISO 8601 with microseconds")
    etag: str | None = Field(default=None, description="object stores only: a checksum of the content, or its version")
    digest: str | None = Field(
        default=None, description="SHA-256 of the content, as sha256: and hex digits; absent if it was not computed"
    )
    duration: Seconds | None = Field(default=None, description="duration in the file's header, in seconds, if present")

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """Name, size, and etag or modification time; equal as long as the recording is unchanged."""
        return self.name, self.size, self.etag or self.modified


class JobRecord(_Document):
    """How the transcript was made."""

    fingerprint: str = Field(description="hash of the spec, which holds the options that change the text")
    spec: dict[str, Any]
    tool: str = Field(description="transcribe-cli X.Y.Z")
    backend: str
    device: Label = Field(description="such as cpu/int8 or cuda/float16")
    finished_at: str = Field(description="UTC, ISO 8601")
    model_revision: str | None = Field(
        default=None, description="commit of the hub repository that the model is from; null for other models"
    )
    diarizer_revision: str | None = Field(
        default=None, description="commits of the hub repositories that the diarizer is from; null for other diarizers"
    )
    text_digest: str | None = Field(
        default=None, description="SHA-256 of the words, times and speakers as they were recognized; other ones are a person's"
    )


class Correction(_Document):
    """That a person corrected the text."""

    at: str = Field(description="UTC, ISO 8601: when the latest correction was made or found")
    digest: str = Field(description="SHA-256 of the corrected words, times and speakers")
    files: tuple[str, ...] = Field(default=(), description="names of the files that the corrections were made in")
    words: Count = Field(default=0, description="words that were replaced, added or removed; 0 if the old ones are not known")


class Original(_Document):
    """What was recognized, where a correction replaced it."""

    segments: tuple[Count | Segment, ...] = Field(description="each segment, or its index in `segments` if it was not corrected")
    speakers: tuple[str, ...] = Field(default=(), description="as in the transcript")
    speaker_names: dict[str, str] = Field(default_factory=dict, description="as in the transcript")


class VoiceMatch(_Document):
    """A speaker whose voice is similar to an enrolled voice."""

    speaker: str = Field(description="speaker label")
    name: str = Field(description="name of the enrolled voice")
    similarity: Measure = Field(description="cosine similarity of the two embeddings; 1 if they are equal")
    sure: bool = Field(description="true if the speaker got this name; false if a person has to decide")


class Reason(_Document):
    """Why a transcript is not to be trusted without a look, and where."""

    code: str = Field(description="name of the check, such as language or missing_text")
    level: Literal["check", "bad"] = Field(description="bad: the text is probably wrong; check: a person should look")
    detail: str = Field(description="one sentence for people, in English")
    spans: tuple[tuple[Seconds, Seconds], ...] = Field(default=(), description="where: start, end; empty: the whole recording")


class HeardLanguages(_Document):
    """The languages that the model hears in a part of the audio, whatever language was requested."""

    start: Seconds = Field(description="seconds from the start of the recording")
    end: Seconds = Field(description="seconds; never before start")
    languages: dict[str, Measure] = Field(description="up to three language codes with their probabilities, the likeliest first")


class Quality(_Document):
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


class Timing(_Document):
    """The transcript's share of the wall time of its run, in seconds: the totals of all recordings of a run add up to its time.

    Threads that work at the same time share it equally, and recordings in the same batch by clip. Work done later, such as diarization,
    is added. Work of an interrupted run is not included, and a remote worker counts its own time.
    """

    fetch: Measure = Field(default=0.0, description="share of the time in which it was downloaded")
    decode: Measure = Field(default=0.0, description="share of the time in which it was decoded")
    vad: Measure = Field(default=0.0, description="share of the time in which its speech was detected")
    asr: Measure = Field(
        default=0.0, description="share of the time of its batches: language detection, retries and rescue included"
    )
    diarization: Measure = Field(default=0.0, description="share of the time in which its speakers were found")
    total: Measure = Field(default=0.0, description="all of the above, and a share of the time of loading and waiting")
    rtfx: Measure = Field(default=0.0, description="seconds of audio per second of total")

    def plus(self, more: Timing, duration: float) -> Timing:
        """This time and more of it, for a recording of this duration in seconds."""
        names = ("fetch", "decode", "vad", "asr", "diarization", "total")
        sums = {name: getattr(self, name) + getattr(more, name) for name in names}
        return Timing(**sums, rtfx=duration / sums["total"] if sums["total"] else 0.0)


class Cost(_Document):
    """Cost of the transcript. Work done later, such as diarization, is added; the price is that of the latest work."""

    amount: Measure = Field(ge=0, description="in the currency")
    currency: str
    seconds: Seconds | None = Field(
        default=None, description="machine time; a share of it if several recordings were processed in parallel"
    )
    per_hour: Measure | None = Field(default=None, description="price of the machine per hour")
    per_audio_hour: Measure | None = Field(default=None, description="price per hour of audio, if audio is billed")
    as_of: str | None = Field(default=None, description="date of the price, ISO 8601")
    source: str = Field(description="source of the price: a URL, a file or an option")

    def plus(self, previous: Cost | None) -> Cost:
        """This cost plus what was paid for the transcript previously. Costs in another currency are ignored."""
        if previous is None or previous.currency != self.currency:
            return self
        seconds = (previous.seconds or 0.0) + (self.seconds or 0.0)
        return self.model_copy(update={"amount": previous.amount + self.amount, "seconds": seconds or None})


class Transcript(_Document):
    """The transcript of a recording with its provenance. The fields are in the order of the file."""

    schema_version: int = SCHEMA_VERSION
    source: Source
    job: JobRecord
    outputs: dict[str, str] = Field(default_factory=dict, description="file name -> SHA-256 of the files rendered next to it")
    subtitles: dict[str, str] = Field(default_factory=dict, description="file name -> subtitle standard of its cues")
    correction: Correction | None = Field(default=None, description="absent unless a person corrected the text")
    language: Label
    language_probability: Measure
    duration: Seconds = Field(description="duration of the decoded audio, in seconds")
    flags: Flags = Field(
        default=(),
        description="flags of the whole recording: truncated, header_mismatch, damaged, channels_cancelled, no_speech, quiet, …",
    )
    speakers: tuple[str, ...] = Field(default=(), description="speaker labels, in the order of their first words")
    speaker_names: dict[str, str] = Field(default_factory=dict, description="label -> display name in the rendered files")
    quality: Quality
    text: str
    segments: tuple[Segment, ...]
    turns: tuple[Turn, ...] = Field(default=(), description="speaker turns, including those without words; they may overlap")
    timing: Timing = Timing()
    cost: Cost | None = Field(default=None, description="null if the price is unknown")
    original: Original | None = Field(default=None, description="absent unless a correction was taken over")

    def with_outputs(self, outputs: dict[str, str], subtitles: dict[str, str] | None = None) -> Self:
        """A copy that lists these rendered files, and the standards of those with cues."""
        return self.model_copy(update={"outputs": outputs, "subtitles": subtitles or {}})

    def dumps(self) -> str:
        """Serialize to JSON: unescaped UTF-8, floats with 3 decimals, one line per top-level key and per segment."""
        document = self.model_dump(mode="json")
        for key in ("correction", "original"):
            if document[key] is None:
                del document[key]
        if self.original is not None:
            document["original"]["segments"] = [
                part if isinstance(part, int) else _sparse(part) for part in document["original"]["segments"]
            ]
        document["segments"] = [_sparse(segment) for segment in document["segments"]]
        lines = []
        for key, exact in document.items():
            # The spec and the cost are not rounded: a threshold of 0.0005 is not 0.001.
            value = exact if key in ("job", "cost") else rounded(exact)
            one_per_line = "[\n" + ",\n".join(map(json_text, value)) + "]" if key == "segments" and value else None
            lines.append(f"{json_text(key)}: {one_per_line or json_text(value)}")
        return "{" + ",\n".join(lines) + "}\n"

    @classmethod
    def loads(cls, text: str | bytes, name: str = "the JSON") -> Self:
        """Read a document written by `dumps`.

        Raises:
            TranscribeError: the text is not such a document, or has a newer schema. `name` is used in the message.
        """
        try:
            document = parse_json(text)
        except ValueError as error:
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
            location = ".".join(str(part) for part in first["loc"])
            raise TranscribeError(f"{name} is not a complete transcript ({location}: {first['msg']}).") from error


def _sparse(segment: dict[str, Any]) -> dict[str, Any]:
    """Remove nulls: openai/whisper's readers expect any `words` to be a list, and whisperX's any `speaker` to be a name."""
    known = {key: value for key, value in segment.items() if value is not None}
    if "words" in known:
        known["words"] = [
            {key: value for key, value in word.items() if value is not None and not (key == "aligned" and value)}
            for word in known["words"]
        ]
    return known
