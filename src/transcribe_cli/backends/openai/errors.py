"""Maps error responses of any shape to errors: of the recording, of the backend, or of the setup.

OpenAI and Groq send `{"error": {"message", "type", "code"}}`. Servers made with FastAPI send `{"detail": …}` with a text, a list of invalid
fields, or OpenAI's object. whisper.cpp sends plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from transcribe_cli.backends.http import retry_after
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.errors import BackendFailed, NotReady, RecordingError, TranscribeError
from transcribe_cli.text.credentials import shown_url
from transcribe_cli.text.json_data import parse_json

# Longest quoted message, in characters.
_MAX_QUOTE = 200
# Codes of a 429 that waiting does not change: the account has no credit.
_OUT_OF_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"})
_NO_MODEL = re.compile(
    r"model_not_found|(unknown|invalid|no such) model|model\b.*\b(not|no)\b.*\b(exist|found|access|support)", re.IGNORECASE
)
_FORMAT = re.compile(r"response_format|timestamp_granularit|unsupported response", re.IGNORECASE)
_AUDIO = re.compile(
    r"decod|audio (file|data|format)|file format|media type|unsupported (file|media|format)|invalid (file|data)", re.IGNORECASE
)
_LENGTH = re.compile(r"longer than|too long|too large|maximum (duration|content|file|clip)|exceeds", re.IGNORECASE)


@dataclass(frozen=True)
class ServerMessage:
    """The message of an error response. `code` is the server's error code, or ""."""

    message: str
    code: str = ""

    @classmethod
    def of(cls, response: httpx.Response, key: str | None = None) -> ServerMessage:
        """From the body of a response that was read; the key is removed if the server repeats it."""
        try:
            document: Any = parse_json(response.content)
        except ValueError:
            document = response.text if "html" not in response.headers.get("content-type", "") else ""
        message, code = _message_and_code(document)
        line = " ".join(message.split())
        if key:
            line = line.replace(key, "…")
        return cls(line if len(line) <= _MAX_QUOTE else f"{line[:_MAX_QUOTE]}…", code)

    @property
    def quoted(self) -> str:
        """In brackets, to follow a sentence; "" without a message."""
        return f" ({self.message.rstrip('.')})" if self.message else ""


def _message_and_code(document: Any, depth: int = 0) -> tuple[str, str]:  # noqa: ANN401 - any JSON
    if depth > 4:
        return "", ""
    if isinstance(document, str):
        return document, ""
    if isinstance(document, list):
        return "; ".join(filter(None, (_message_and_code(item, depth + 1)[0] for item in document))), ""
    if not isinstance(document, dict):
        return "", ""
    for key in ("error", "detail"):
        if document.get(key):
            message, code = _message_and_code(document[key], depth + 1)
            return message, code or _text(document.get("code"))
    field = ".".join(str(part) for part in document.get("loc") or () if part != "body")
    message = next((_text(document[key]) for key in ("message", "msg") if document.get(key)), "")
    return (f"{field}: {message}" if field else message), _text(document.get("code")) or _text(document.get("type"))


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    return "" if value is None else str(value)


def is_out_of_credit(response: httpx.Response) -> bool:
    """Whether a 429 response, which was read, says that the account has no credit."""
    said = ServerMessage.of(response)
    return said.code in _OUT_OF_CREDIT or any(code in said.message for code in _OUT_OF_CREDIT)


def error_for(response: httpx.Response, server: Server, model: str, key: str | None, size: int = 0) -> TranscribeError:
    """The error for a response without success.

    Args:
        response: whose body was read.
        server: that sent it.
        model: the requested one, by the server's name.
        key: that was sent; it is not repeated.
        size: bytes of audio that were sent.
    """
    status, said = response.status_code, ServerMessage.of(response, key)
    name = server.service.name if server.service else server.host
    if status == httpx.codes.UNAUTHORIZED:
        problem = "does not accept the key" if key else "requires a key"
        return NotReady(f"{name} {problem} (HTTP 401).", f"Set {key_variable(server)}.")
    if status == httpx.codes.PAYMENT_REQUIRED or (status == httpx.codes.TOO_MANY_REQUESTS and is_out_of_credit(response)):
        return NotReady(f"The account at {name} has no credit left{said.quoted}.", "Add credit there, or raise its limit.")
    if status == httpx.codes.FORBIDDEN:
        hint = f"Check the permissions of the key in {key_variable(server)}."
        return NotReady(f"{name} denies access{said.quoted or ' (HTTP 403)'}.", hint)
    if model and status in (400, 404, 422) and _NO_MODEL.search(f"{said.code} {said.message}"):
        return NotReady(f"{name} has no model {model}{said.quoted}.", "Set --model to the server's name for it.")
    if status in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.NOT_IMPLEMENTED):
        hint = "--base-url is the part before /audio/transcriptions; it usually ends in /v1."
        return NotReady(f"There is no transcription API at {shown_url(server.base_url)} (HTTP {status}).", hint)
    if response.is_redirect:  # the key must not follow a redirect
        return NotReady(
            f"{shown_url(server.base_url)} redirects to another address (HTTP {status}).", "Set --base-url to that address."
        )
    if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        hint = "Use --upload opus, or raise the limit of the server or its proxy."
        return NotReady(f"{name} does not accept {size / 1e6:.1f} MB of audio in a request{said.quoted}.", hint)
    if response.is_client_error and status not in (
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_EARLY,
        httpx.codes.TOO_MANY_REQUESTS,
    ):
        return _error_for_request(status, said, name)
    return BackendFailed(f"{name} answered HTTP {status}{said.quoted}.", retry_after=retry_after(response))


def _error_for_request(status: int, said: ServerMessage, name: str) -> TranscribeError:
    """The error for a refused request. Most reasons apply to every request."""
    if _FORMAT.search(said.message):
        hint = "Set the timestamps that it supports: --api-times segment, or none."
        return NotReady(f"{name} does not support this response format{said.quoted}.", hint)
    if _LENGTH.search(said.message):
        hint = "--api-times none sends 20 seconds at a time."
        return NotReady(f"{name} does not accept audio of this length{said.quoted}.", hint)
    if status == httpx.codes.UNSUPPORTED_MEDIA_TYPE or _AUDIO.search(said.message):
        return NotReady(f"{name} cannot read the audio{said.quoted}.", "--upload original sends WAV, --upload opus WebM.")
    if status == httpx.codes.UNPROCESSABLE_ENTITY:
        hint = "Check that it is a server of the OpenAI API."
        return NotReady(f"{name} does not understand the request{said.quoted}.", hint)
    return RecordingError(f"{name} refuses a part of the recording (HTTP {status}){said.quoted}.")


def key_variable(server: Server) -> str:
    """The environment variable of the server's key."""
    return server.service.key_variable if server.service else "TRANSCRIBE_API_KEY"
