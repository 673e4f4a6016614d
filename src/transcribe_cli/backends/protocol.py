"""The JSON documents that a client and a worker of `transcribe remote` exchange. Both sides validate what they receive.

Both travel through a queue whose requests are limited to 10 MB, so long texts are sent as base64 of gzip. The transcript keeps all digits
of its numbers: files rendered from it are byte for byte those that the worker would have rendered.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from transcribe_cli.errors import TranscribeError, UsageError
from transcribe_cli.spec import JobSpec
from transcribe_cli.text.first_fault import FirstFaultModel
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Seconds, Transcript, Turn

VERSION: Literal[1] = 1
# Longer texts are compressed. A hosted queue limits results to 20 MB; an hour of words with times is 1 MB.
COMPRESS_BYTES = 1_000_000
# Protects against decompression bombs: 10 MB of gzip are 10 GB of text. The longest transcripts, 16 h of speech, unpack to 40 MB.
MAX_UNPACKED_BYTES = 128 * 1024 * 1024
# How many defects of a job the answer names, and how many characters of a key or a reason, which the client chose.
_MAX_PROBLEMS = 10
_MAX_CHARACTERS = 200
# Of a message or hint of a worker.
_MAX_SENTENCE = 600


class PackedText(BaseModel):
    """A text, either plain or compressed: exactly one of the two fields is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str | None = None
    gzip: str | None = Field(default=None, description="base64 of the gzip of its UTF-8")

    @classmethod
    def pack(cls, text: str) -> Self:
        """Pack a text, compressed if it is long."""
        data = text.encode()
        if len(data) <= COMPRESS_BYTES:
            return cls(text=text)
        return cls(gzip=base64.b64encode(gzip.compress(data, mtime=0)).decode())

    def unpack(self) -> str:
        """Return the text.

        Raises:
            ValueError: the compressed text is damaged or too long.
        """
        return self.text if self.text is not None else decompress(base64.b64decode(self.gzip or "", validate=True))


def decompress(data: bytes) -> str:
    """Return the text in a gzip.

    Raises:
        ValueError: the gzip is damaged, or longer than `MAX_UNPACKED_BYTES`.
    """
    inflate = zlib.decompressobj(wbits=31)
    try:
        text = inflate.decompress(data, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise ValueError(f"not a gzip ({error})") from error
    if not inflate.eof:
        raise ValueError("the gzip is truncated or too long")
    return text.decode()


class RemoteJob(FirstFaultModel):
    """One recording to transcribe: the `input` of a request.

    Attributes:
        name: file name of the recording, for messages; its extension may identify the format.
        audio_url: URL from which the worker fetches the audio with GET; or
        audio_base64: the file itself.
        text: the existing transcript, if only diarization is requested.
        turns: the RTTM file, if the user supplies the speaker turns.
        result_url: URL to which the worker PUTs the result, as gzip of its JSON; None returns the result inline.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = VERSION
    name: str = Field(min_length=1, max_length=1024)
    spec: JobSpec
    audio_url: str | None = None
    audio_base64: str | None = None
    text: PackedText | None = None
    turns: PackedText | None = None
    result_url: str | None = None

    @model_validator(mode="after")
    def _check_audio(self) -> Self:
        if (self.audio_url is None) == (self.audio_base64 is None):
            raise ValueError("exactly one of audio_url and audio_base64 is required")
        return self

    @classmethod
    def parse(cls, document: object) -> Self:
        """Validate the input of a request.

        Raises:
            UsageError: it is invalid. The message names each key, but no values, which may be secrets.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise UsageError(f"The job is invalid: {'; '.join(_problems(error))}.") from error


# Messages are printed; a worker may return any length.
_Sentence = Annotated[str, AfterValidator(lambda text: text[:_MAX_SENTENCE])]


class Failure(BaseModel):
    """Why there is no transcript, or no speakers in it.

    `of` says what failed: the recording; the place (the worker), where a retry here or elsewhere may help; or the setup, if this worker
    does not accept such jobs at all.
    """

    model_config = ConfigDict(frozen=True)

    of: Literal["recording", "place", "setup"]
    code: _Sentence
    message: _Sentence
    hint: _Sentence = ""

    @classmethod
    def from_error(cls, error: TranscribeError, of: Literal["recording", "place", "setup"]) -> Self:
        """Convert an error of this package."""
        return cls(of=of, code=error.code, message=error.message, hint=error.hint)


class RemoteDiarization(FirstFaultModel):
    """Speaker turns and voice embeddings, as in `diarizers.Diarization`."""

    model_config = ConfigDict(frozen=True)

    turns: tuple[Turn, ...]
    embeddings: dict[str, list[float]] = Field(default_factory=dict)
    embedded_by: str = ""


class RemoteResult(FirstFaultModel):
    """The result of a job: the `output` of a response. If `stored` is true, the full result is at `result_url`."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = VERSION
    stored: bool = False
    transcript: PackedText | None = None
    failure: Failure | None = None
    voices: RemoteDiarization | None = None
    seconds: Seconds = Field(default=0.0, description="time spent on the job")

    def to_document(self) -> dict[str, Any]:
        """Convert to JSON, without fields that are None."""
        return self.model_dump(mode="json", exclude_none=True)

    def compress(self) -> bytes:
        """Return the content of the object at `result_url`."""
        return gzip.compress(json.dumps(self.to_document(), ensure_ascii=False).encode(), mtime=0)

    def parse_transcript(self) -> Transcript | None:
        """Return the transcript; None if there is none.

        Raises:
            ValueError: the transcript is damaged.
        """
        if self.transcript is None:
            return None
        try:
            return Transcript.loads(self.transcript.unpack(), "the result")
        except TranscribeError as error:
            raise ValueError(str(error)) from error


def _problems(error: ValidationError) -> list[str]:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [
        f"{_shown('.'.join(map(str, problem['loc'])) or 'input')}: {_shown(_describe(problem['type'], problem['msg']))}"
        for problem in problems[:_MAX_PROBLEMS]
    ]
    return lines if len(problems) <= _MAX_PROBLEMS else [*lines, f"and {len(problems) - _MAX_PROBLEMS} more"]


def _shown(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"


def _describe(kind: str, message: str) -> str:
    return "unknown key" if kind == "extra_forbidden" else message.removeprefix("Value error, ")
