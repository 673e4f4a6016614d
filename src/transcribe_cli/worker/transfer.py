"""Transfers of a job: the audio to disk, from the request or by URL, with retries and a size limit; the result to the client's URL."""

from __future__ import annotations

import base64
import binascii
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from transcribe_cli.backends.protocol import RemoteJob
from transcribe_cli.errors import BackendFailed, Unreadable, UsageError
from transcribe_cli.worker.addresses import PublicTransport

# A connection without a byte for this long is closed; in seconds.
_TIMEOUT = 30.0
_ATTEMPTS = 6
_CHUNK_BYTES = 1 << 20
# HTTP statuses after which a retry may succeed.
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})


def http_client(*, allow_private: bool) -> httpx.Client:
    """Return the client for audio and results. It follows redirects, and connects to public addresses only unless `allow_private`."""
    transport = httpx.HTTPTransport(trust_env=False) if allow_private else PublicTransport()
    return httpx.Client(transport=transport, timeout=httpx.Timeout(_TIMEOUT), follow_redirects=True, max_redirects=5)


def save_audio(job: RemoteJob, path: Path, http: httpx.Client, max_bytes: int, is_cancelled: Callable[[], bool]) -> None:
    """Write the audio of a job to `path`. `is_cancelled` is called after each chunk; True stops the download.

    Raises:
        Unreadable: the audio cannot be fetched, or is larger than `max_bytes`.
        BackendFailed: the disk cannot be written, for instance because it is full.
    """
    try:
        if job.audio_base64 is not None:
            _decode(job.audio_base64, path, max_bytes)
        else:
            _Download(job.audio_url or "", path, http, max_bytes, is_cancelled).run()
    except OSError as error:
        raise BackendFailed(f"The worker cannot write the audio to its disk ({error.strerror}).") from error


def upload_result(http: httpx.Client, url: str, data: bytes) -> None:
    """PUT a result to the URL that the client gave.

    Raises:
        UsageError: the URL cannot be used.
        BackendFailed: the server does not accept the result, also after retries.
    """
    for attempt in range(_ATTEMPTS):
        try:
            # Azure requires the type of the object; other stores ignore the header.
            response = http.put(url, content=data, headers={"x-ms-blob-type": "BlockBlob"})
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, Unreadable) as error:
            raise UsageError(f"The result cannot be uploaded to the job's result URL: {error}") from error
        except httpx.TransportError as error:
            reason = type(error).__name__
        else:
            if response.is_success:
                return
            reason = f"HTTP {response.status_code}"
            if response.status_code not in _RETRYABLE:
                break
        time.sleep(min(2.0**attempt, 10.0))
    raise BackendFailed(f"The result cannot be uploaded to the job's result URL ({reason}).")


def _decode(text: str, path: Path, max_bytes: int) -> None:
    if len(text) * 3 // 4 > max_bytes:
        raise _too_large(max_bytes)
    try:
        path.write_bytes(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise Unreadable("The audio in the request is not base64.") from error


def _too_large(max_bytes: int) -> Unreadable:
    message = f"The audio is larger than this worker accepts, {max_bytes / 1e9:g} GB."
    return Unreadable(message, "The limit is the worker's --max-download.")


class _Download:
    """The download of a URL to a file. It resumes after a dropped connection if the server supports ranges."""

    def __init__(self, url: str, path: Path, http: httpx.Client, max_bytes: int, is_cancelled: Callable[[], bool]) -> None:
        self._url = url
        self._path = path
        self._http = http
        self._max_bytes = max_bytes
        self._is_cancelled = is_cancelled
        self._received = 0

    def run(self) -> None:
        if not self._url.lower().startswith(("http://", "https://")):
            raise Unreadable("The audio's URL is neither http:// nor https://.")
        if not urlsplit(self._url).netloc:
            raise Unreadable("The audio's URL has no host.")
        attempts_left = _ATTEMPTS
        reason = ""
        while attempts_left:
            received_before = self._received
            try:
                if reason := self._fetch_rest():
                    attempts_left -= 1
                else:
                    return
            except httpx.TransportError as error:
                reason = type(error).__name__
                attempts_left = _ATTEMPTS if self._received > received_before else attempts_left - 1
            except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
                raise Unreadable("The audio's URL is invalid, or redirects too often.") from error
            if self._is_cancelled():
                break
            time.sleep(min(0.5 * 2.0 ** (_ATTEMPTS - attempts_left), 8.0))
        raise Unreadable(f"The audio cannot be fetched from its URL ({reason or 'cancelled'}).")

    def _fetch_rest(self) -> str:
        """Fetch the bytes that are missing. Returns "", or the reason of a failure after which a retry may succeed."""
        headers = {"range": f"bytes={self._received}-"} if self._received else {}
        with self._http.stream("GET", self._url, headers={**headers, "accept-encoding": "identity"}) as response:
            if response.status_code in _RETRYABLE:
                return f"HTTP {response.status_code}"
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and self._received:
                return ""
            if not response.is_success:
                hint = "Has the signed URL expired?" if response.status_code in (400, 401, 403) else ""
                raise Unreadable(f"The audio cannot be fetched from its URL (HTTP {response.status_code}).", hint)
            is_whole = response.status_code != httpx.codes.PARTIAL_CONTENT
            if is_whole:
                self._received = 0
            with contextlib.suppress(ValueError):
                if self._received + int(response.headers.get("content-length", 0)) > self._max_bytes:
                    raise _too_large(self._max_bytes)
            with self._path.open("wb" if is_whole else "ab") as file:
                for chunk in response.iter_raw(_CHUNK_BYTES):
                    file.write(chunk)
                    self._received += len(chunk)
                    if self._received > self._max_bytes:
                        raise _too_large(self._max_bytes)
                    if self._is_cancelled():
                        raise Unreadable("The job was cancelled.")
        return ""
