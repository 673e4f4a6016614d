"""The audio of a job, on scratch: out of the request, or fetched by URL, within a limit and with patience for dropped connections."""

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
from transcribe_cli.errors import BackendFailed, StorageNotReady, TranscribeError, Unreadable, UsageError
from transcribe_cli.worker.addresses import PublicTransport

# Without a byte for so long, a connection is given up; in seconds.
_SILENCE = 30.0
_TRIES = 6
_PIECE_BYTES = 1 << 20
# What a server says that may be otherwise in a moment.
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


def client(*, allow_private: bool) -> httpx.Client:
    """What fetches audio and puts results; follows redirects, and looks at every address unless told otherwise."""
    transport = httpx.HTTPTransport(trust_env=False) if allow_private else PublicTransport()
    return httpx.Client(transport=transport, timeout=httpx.Timeout(_SILENCE), follow_redirects=True, max_redirects=5)


def put_on_disk(job: RemoteJob, path: Path, http: httpx.Client, max_bytes: int, stopped: Callable[[], bool]) -> None:
    """Write the audio of a job to `path`; `stopped` is asked between two pieces, and once it is true there is an end to it.

    Raises:
        Unreadable: it cannot be had, or is larger than `max_bytes`.
        BackendFailed: the scratch disk is full.
    """
    try:
        if job.audio_base64 is not None:
            _unpack(job.audio_base64, path, max_bytes)
        else:
            _Download(job.audio_url or "", path, http, max_bytes, stopped).run()
    except OSError as error:
        raise BackendFailed(f"The worker's disk cannot take the audio ({error.strerror}).") from error


def put_result(http: httpx.Client, url: str, data: bytes) -> None:
    """Put a result to where the client wants it.

    Raises:
        UsageError: that is no place to put it.
        BackendFailed: it is not taken there, after a few tries.
    """
    for attempt in range(_TRIES):
        try:
            # Azure wants to know what kind of object it is; others do not mind.
            answer = http.put(url, content=data, headers={"x-ms-blob-type": "BlockBlob"})
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, Unreadable) as error:
            raise UsageError(f"The result cannot be put where it is wanted: {error}") from error
        except httpx.TransportError as error:
            said = type(error).__name__
        else:
            if answer.is_success:
                return
            said = f"HTTP {answer.status_code}"
            if answer.status_code not in _LATER:
                break
        time.sleep(min(2.0**attempt, 10.0))
    raise BackendFailed(f"The result cannot be put where it is wanted ({said}).")


def _unpack(text: str, path: Path, max_bytes: int) -> None:
    if len(text) * 3 // 4 > max_bytes:
        raise too_large(max_bytes)
    try:
        path.write_bytes(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise Unreadable("The audio in the request is not base64.") from error


def too_large(max_bytes: int) -> Unreadable:
    """The error of an audio file of more bytes than the worker takes."""
    return Unreadable(f"The audio is larger than this worker takes, {max_bytes / 1e9:g} GB.", "Its --max-download says how much.")


class _Download:
    """A URL on its way to a file; resumed after a connection drops, where the server can."""

    def __init__(self, url: str, path: Path, http: httpx.Client, max_bytes: int, stopped: Callable[[], bool]) -> None:
        self._url = url
        self._path = path
        self._http = http
        self._most = max_bytes
        self._stopped = stopped
        self._have = 0

    def run(self) -> None:
        if not self._url.lower().startswith(("http://", "https://")):
            raise Unreadable("The audio's URL is neither http:// nor https://.")
        if not urlsplit(self._url).netloc:
            raise Unreadable("The audio's URL names no server.")
        tries = _TRIES
        said = ""
        while tries:
            before = self._have
            try:
                if said := self._more():
                    tries -= 1
                else:
                    return
            except httpx.TransportError as error:
                said = type(error).__name__
                tries = _TRIES if self._have > before else tries - 1
            except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
                raise Unreadable("The audio's URL leads nowhere.") from error
            if self._stopped():
                break
            time.sleep(min(0.5 * 2.0 ** (_TRIES - tries), 8.0))
        raise Unreadable(f"The audio cannot be fetched from its URL ({said or 'stopped'}).")

    def _more(self) -> str:
        """Fetch the rest; says what was wrong when another try may help."""
        headers = {"range": f"bytes={self._have}-"} if self._have else {}
        with self._http.stream("GET", self._url, headers={**headers, "accept-encoding": "identity"}) as answer:
            if answer.status_code in _LATER:
                return f"HTTP {answer.status_code}"
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and self._have:
                return ""
            if not answer.is_success:
                hint = "Has the signed URL expired?" if answer.status_code in (400, 401, 403) else ""
                raise Unreadable(f"The audio cannot be fetched from its URL (HTTP {answer.status_code}).", hint)
            whole = answer.status_code != httpx.codes.PARTIAL_CONTENT
            if whole:
                self._have = 0
            with contextlib.suppress(ValueError):
                if self._have + int(answer.headers.get("content-length", 0)) > self._most:
                    raise too_large(self._most)
            with self._path.open("wb" if whole else "ab") as file:
                for piece in answer.iter_raw(_PIECE_BYTES):
                    file.write(piece)
                    self._have += len(piece)
                    if self._have > self._most:
                        raise too_large(self._most)
                    if self._stopped():
                        raise Unreadable("The job was cancelled.")
        return ""


def as_ours(error: BaseException) -> TranscribeError:
    """Whatever went wrong, as an error that a client understands."""
    if isinstance(error, TranscribeError):
        return error
    if isinstance(error, OSError):
        return StorageNotReady(f"The worker's disk failed ({error.strerror}).")
    return BackendFailed(f"Unexpected {type(error).__name__} in the worker: {error}.")
