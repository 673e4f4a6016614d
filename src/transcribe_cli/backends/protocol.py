"""What a client sends to a worker and what comes back: the documents of `transcribe remote`, both validated on arrival.

Both are JSON objects of a queue whose requests may have 10 MB; what is long is gzip in base64. The transcript travels with all digits of
its numbers, so that what is rendered from it is the same, byte for byte, as where it was made.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from transcribe_cli.errors import TranscribeError, UsageError
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Transcript, Turn

VERSION: Literal[1] = 1
# Longer texts are compressed. A result of a hosted queue may have 20 MB; an hour of words with times is 1 MB.
COMPRESS_BYTES = 1_000_000
# No transcript is longer unpacked: 16 h of speech have 40 MB. A bomb does.
MOST_BYTES = 512 * 1024 * 1024


class Packed(BaseModel):
    """A text, as it is or compressed: exactly one of the two."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str | None = None
    gzip: str | None = Field(default=None, description="base64 of the gzip of its UTF-8")

    @classmethod
    def of(cls, text: str) -> Self:
        """The text, compressed when it is long."""
        data = text.encode()
        if len(data) <= COMPRESS_BYTES:
            return cls(text=text)
        return cls(gzip=base64.b64encode(gzip.compress(data, mtime=0)).decode())

    def unpacked(self) -> str:
        """The text.

        Raises:
            ValueError: it is not what it says it is, or absurdly long.
        """
        return self.text if self.text is not None else unzipped(base64.b64decode(self.gzip or "", validate=True))


def unzipped(data: bytes) -> str:
    """A gzip's text.

    Raises:
        ValueError: it is damaged, or absurdly long.
    """
    inflate = zlib.decompressobj(wbits=31)
    try:
        text = inflate.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"not a gzip ({error})") from error
    if not inflate.eof:
        raise ValueError("the gzip is cut off or too long")
    return text.decode()


class RemoteJob(BaseModel):
    """One recording to transcribe, `input` of a request.

    Attributes:
        name: of the file, for messages; its ending may tell the format.
        audio_url: where to fetch it, by GET; or
        audio_base64: the file itself.
        text: the transcript that is there, when only who speaks is asked.
        turns: the RTTM file, when the user knows who speaks.
        result_url: where to PUT the result, gzip of its JSON; inline when there is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = VERSION
    name: str = Field(min_length=1, max_length=1024)
    spec: JobSpec
    audio_url: str | None = None
    audio_base64: str | None = None
    text: Packed | None = None
    turns: Packed | None = None
    result_url: str | None = None

    @model_validator(mode="after")
    def _one_audio(self) -> Self:
        if (self.audio_url is None) == (self.audio_base64 is None):
            raise ValueError("exactly one of audio_url and audio_base64 is needed")
        return self

    @classmethod
    def parsed(cls, document: object) -> Self:
        """A request's input.

        Raises:
            UsageError: what is wrong with it, key by key, without its values: they may be secrets.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise UsageError(f"This is not a job: {'; '.join(_faults(error))}.") from error


class Failure(BaseModel):
    """Why there is no transcript, or no speakers in it.

    `of` is whose failure it is: the recording's, or that of the place, where trying again or elsewhere may help; `setup` when the place
    does not do such jobs at all.
    """

    model_config = ConfigDict(frozen=True)

    of: Literal["recording", "place", "setup"]
    code: str
    message: str
    hint: str = ""

    @classmethod
    def because(cls, error: TranscribeError, of: Literal["recording", "place", "setup"]) -> Self:
        """A failure that an error of ours tells of."""
        return cls(of=of, code=error.code, message=error.message, hint=error.hint)


class Voices(BaseModel):
    """Who spoke when and how they sound, as `diarizers.Diarization` has it."""

    model_config = ConfigDict(frozen=True)

    turns: tuple[Turn, ...]
    embeddings: dict[str, list[float]] = Field(default_factory=dict)
    embedded_by: str = ""


class RemoteResult(BaseModel):
    """What became of a job, `output` of a response. `stored` says that the rest of it is at `result_url`."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = VERSION
    stored: bool = False
    transcript: Packed | None = None
    failure: Failure | None = None
    voices: Voices | None = None
    seconds: float = Field(default=0.0, description="spent on it")

    def document(self) -> dict[str, Any]:
        """As JSON, without what is not there."""
        return self.model_dump(mode="json", exclude_none=True)

    def zipped(self) -> bytes:
        """As the object at `result_url`."""
        return gzip.compress(json.dumps(self.document(), ensure_ascii=False).encode(), mtime=0)

    def read(self) -> Transcript | None:
        """The transcript, when there is one.

        Raises:
            ValueError: it is damaged.
        """
        if self.transcript is None:
            return None
        try:
            return Transcript.loads(self.transcript.unpacked(), "the result")
        except TranscribeError as error:
            raise ValueError(str(error)) from error


def _faults(error: ValidationError) -> list[str]:
    return [f"{'.'.join(map(str, fault['loc'])) or 'input'}: {_said(fault['type'], fault['msg'])}" for fault in error.errors()]


def _said(kind: str, message: str) -> str:
    return "there is no such key" if kind == "extra_forbidden" else message.removeprefix("Value error, ")
