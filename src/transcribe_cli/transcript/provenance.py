"""Where the text is from: the recording, the job, its time and cost, and what a person changed."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from transcribe_cli.transcript.parts import Count, Label, Measure, Part, Seconds
from transcribe_cli.transcript.segments import Segment


class Source(Part):
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


class JobRecord(Part):
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


class Correction(Part):
    """That a person corrected the text."""

    at: str = Field(description="UTC, ISO 8601: when the latest correction was made or found")
    digest: str = Field(description="SHA-256 of the corrected words, times and speakers")
    files: tuple[str, ...] = Field(default=(), description="names of the files that the corrections were made in")
    words: Count = Field(default=0, description="words that were replaced, added or removed; 0 if the old ones are not known")


class Original(Part):
    """What was recognized, where a correction replaced it."""

    segments: tuple[Count | Segment, ...] = Field(description="each segment, or its index in `segments` if it was not corrected")
    speakers: tuple[str, ...] = Field(default=(), description="as in the transcript")
    speaker_names: dict[str, str] = Field(default_factory=dict, description="as in the transcript")


class Timing(Part):
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


class Cost(Part):
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
