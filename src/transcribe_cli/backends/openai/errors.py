"""What a server says when it does not transcribe, in whatever shape, and whose failure it is.

OpenAI and Groq say `{"error": {"message", "type", "code"}}`; servers made with FastAPI `{"detail": …}`, which is a text, a list of what is
wrong with the fields, or OpenAI's object; whisper.cpp says it in plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from transcribe_cli.backends.http import retry_after
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.errors import BackendFailed, NotReady, RecordingError, TranscribeError

_LONGEST = 200
# 429 of an account that has no money left, which no waiting changes.
_QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"})
_NO_MODEL = re.compile(
    r"model_not_found|(unknown|invalid|no such) model|model\b.*\b(not|no)\b.*\b(exist|found|access|support)", re.IGNORECASE
)
_FORMAT = re.compile(r"response_format|timestamp_granularit|unsupported response", re.IGNORECASE)
_AUDIO = re.compile(
    r"decod|audio (file|data|format)|file format|media type|unsupported (file|media|format)|invalid (file|data)", re.IGNORECASE
)
_LENGTH = re.compile(r"longer than|too long|too large|maximum (duration|content|file|clip)|exceeds", re.IGNORECASE)


@dataclass(frozen=True)
class Complaint:
    """What a server says. `code` is its own name for it, or ""."""

    message: str
    code: str = ""

    @classmethod
    def of(cls, answer: httpx.Response, key: str | None = None) -> Complaint:
        """From the body of an answer that was read; the key is not in it, should the server repeat it."""
        try:
            document: Any = answer.json()
        except (ValueError, RecursionError):
            document = answer.text if "html" not in answer.headers.get("content-type", "") else ""
        message, code = _said(document)
        line = " ".join(message.split())
        if key:
            line = line.replace(key, "…")
        return cls(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…", code)

    @property
    def quoted(self) -> str:
        """In brackets, after a sentence of ours; "" where nothing is said."""
        return f" ({self.message.rstrip('.')})" if self.message else ""


def _said(document: Any, depth: int = 0) -> tuple[str, str]:  # noqa: ANN401 - any JSON
    if depth > 4:
        return "", ""
    if isinstance(document, str):
        return document, ""
    if isinstance(document, list):
        return "; ".join(filter(None, (_said(item, depth + 1)[0] for item in document))), ""
    if not isinstance(document, dict):
        return "", ""
    for key in ("error", "detail"):
        if document.get(key):
            message, code = _said(document[key], depth + 1)
            return message, code or _text(document.get("code"))
    where = ".".join(str(part) for part in document.get("loc") or () if part != "body")
    message = next((_text(document[key]) for key in ("message", "msg") if document.get(key)), "")
    return (f"{where}: {message}" if where else message), _text(document.get("code")) or _text(document.get("type"))


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    return "" if value is None else str(value)


def is_exhausted(answer: httpx.Response) -> bool:
    """Whether an answer of 429, which was read, says that the account has nothing left."""
    complaint = Complaint.of(answer)
    return complaint.code in _QUOTA or any(word in complaint.message for word in _QUOTA)


def failure(answer: httpx.Response, server: Server, model: str, key: str | None, size: int = 0) -> TranscribeError:
    """The error that an answer other than success means.

    Args:
        answer: whose body was read.
        server: who said it.
        model: which was asked for, as the server calls it.
        key: that was sent; not repeated.
        size: bytes of audio that were sent.
    """
    status, said = answer.status_code, Complaint.of(answer, key)
    who = server.service.name if server.service else server.host
    if status == httpx.codes.UNAUTHORIZED:
        wants = "does not accept the key" if key else "wants a key"
        return NotReady(f"{who} {wants} (HTTP 401).", f"Set {variable(server)}.")
    if status == httpx.codes.PAYMENT_REQUIRED or (status == httpx.codes.TOO_MANY_REQUESTS and is_exhausted(answer)):
        return NotReady(f"The account at {who} has nothing left{said.quoted}.", "Add credit there, or raise its limit.")
    if status == httpx.codes.FORBIDDEN:
        return NotReady(f"{who} refuses this{said.quoted or ' (HTTP 403)'}.", f"May the key of {variable(server)} do it?")
    if model and status in (400, 404, 422) and _NO_MODEL.search(f"{said.code} {said.message}"):
        return NotReady(f"{who} has no model {model}{said.quoted}.", "--model takes the name that the server has for it.")
    if status in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.NOT_IMPLEMENTED):
        hint = "--base-url is what comes before /audio/transcriptions; mostly it ends in /v1."
        return NotReady(f"There is no transcription API at {server.base_url} (HTTP {status}).", hint)
    if answer.is_redirect:  # a key is not carried to wherever it leads
        return NotReady(f"{server.base_url} leads elsewhere (HTTP {status}).", "Use the address that it leads to as --base-url.")
    if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        hint = "Use --upload opus, or raise the limit of the server or of a proxy before it."
        return NotReady(f"{who} does not take {size / 1e6:.1f} MB of audio in a request{said.quoted}.", hint)
    if answer.is_client_error and status not in (
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_EARLY,
        httpx.codes.TOO_MANY_REQUESTS,
    ):
        return _refused(status, said, who)
    return BackendFailed(f"{who} gave HTTP {status}{said.quoted}.", retry_after=retry_after(answer))


def _refused(status: int, said: Complaint, who: str) -> TranscribeError:
    """What is wrong with a request: mostly with all of them."""
    if _FORMAT.search(said.message):
        return NotReady(f"{who} gives no such answers{said.quoted}.", "Say what times it can tell: --api-times segment, or none.")
    if _LENGTH.search(said.message):
        return NotReady(f"{who} does not take audio of this length{said.quoted}.", "--api-times none sends 20 seconds at a time.")
    if status == httpx.codes.UNSUPPORTED_MEDIA_TYPE or _AUDIO.search(said.message):
        return NotReady(f"{who} cannot read the audio{said.quoted}.", "--upload original sends WAV, --upload opus WebM.")
    if status == httpx.codes.UNPROCESSABLE_ENTITY:
        return NotReady(f"{who} does not understand the request{said.quoted}.", "Is it a server of the OpenAI API?")
    return RecordingError(f"{who} refuses a part of it (HTTP {status}){said.quoted}.")


def variable(server: Server) -> str:
    """Where people put the key for a server."""
    return server.service.variable if server.service else "TRANSCRIBE_API_KEY"
