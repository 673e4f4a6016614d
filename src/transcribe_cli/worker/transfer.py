"""Transfers of a job: the audio to disk, from the request or by URL; the result to the client's URL. With retries, redirects and limits."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from transcribe_cli import __version__
from transcribe_cli.backends.protocol import RemoteJob
from transcribe_cli.errors import BackendFailed, Unreadable, UsageError
from transcribe_cli.worker.connections import TIMEOUT, open_transport
from transcribe_cli.worker.limits import Deadline, WorkerLimits

_ATTEMPTS = 6
_MAX_REDIRECTS = 5
# HTTP statuses after which a retry may succeed.
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
# Redirects that keep the method. After the others (302, 303) a PUT would become a GET.
_REDIRECTS = {"GET": frozenset({301, 302, 303, 307, 308}), "PUT": frozenset({301, 307, 308})}
_HEADERS = {"accept": "*/*", "user-agent": f"transcribe-cli/{__version__}"}
_EXTENSIONS = {"timeout": httpx.Timeout(TIMEOUT).as_dict()}


class _InvalidUrl(Exception):
    """A URL of the job, or one that a server redirects to, cannot be used. The text is the reason, one sentence without the URL."""


def save_audio(job: RemoteJob, path: Path, limits: WorkerLimits, is_cancelled: Callable[[], bool]) -> None:
    """Write the audio of a job to `path`. `is_cancelled` is called after each chunk; True stops the download.

    Raises:
        Unreadable: the audio cannot be fetched, is too large, or arrives too slowly.
        BackendFailed: the disk cannot be written, for instance because it is full.
    """
    try:
        if job.audio_base64 is not None:
            _decode(job.audio_base64, path, limits.max_bytes)
        else:
            _Download(job.audio_url or "", path, limits, is_cancelled).run()
    except OSError as error:
        raise BackendFailed(f"The worker cannot write the audio to its disk ({error.strerror}).") from error


def upload_result(url: str, data: bytes, limits: WorkerLimits) -> None:
    """PUT a result to the URL that the client gave. The body of the answer is not read.

    Raises:
        UsageError: the URL cannot be used.
        BackendFailed: the server does not accept the result, also after retries, or accepts it too slowly.
    """
    deadline = Deadline(limits.max_transfer_seconds)
    reason = "too slow"
    for attempt in range(_ATTEMPTS):
        try:
            # Azure requires the type of the object; other stores ignore the header.
            with (
                open_transport(deadline, 0, allow_private=limits.allow_private) as transport,
                _request(transport, "PUT", url, {"x-ms-blob-type": "BlockBlob"}, data) as response,
            ):
                if response.is_success:
                    return
                reason = f"HTTP {response.status_code}"
                if response.status_code not in _RETRYABLE:
                    break
        except (_InvalidUrl, Unreadable) as error:
            raise UsageError(f"The result cannot be uploaded to the job's result URL: {error}") from error
        except httpx.TransportError as error:
            reason = "too slow" if deadline.is_over else type(error).__name__
        if deadline.is_over:
            break
        time.sleep(min(2.0**attempt, 10.0, deadline.seconds_left()))
    raise BackendFailed(f"The result cannot be uploaded to the job's result URL ({reason}).")


def _decode(text: str, path: Path, max_bytes: int) -> None:
    if len(text) * 3 // 4 > max_bytes:
        raise _too_large(max_bytes)
    try:
        path.write_bytes(base64.b64decode(text, validate=True))
    except ValueError as error:  # also for characters outside ASCII
        raise Unreadable("The audio in the request is not base64.") from error


def _too_large(max_bytes: int) -> Unreadable:
    message = f"The audio is larger than this worker accepts, {max_bytes / 1e9:g} GB."
    return Unreadable(message, "The limit is the worker's --max-download.")


@contextmanager
def _request(
    transport: httpx.BaseTransport, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None
) -> Iterator[httpx.Response]:
    """Send a request, and follow redirects. The body of the response is not read yet; those of redirects never are.

    The addresses of every hop are checked when the transport connects. A user name and password in the first URL go to its server only.

    Raises:
        _InvalidUrl: a URL cannot be used, or there are too many redirects.
        httpx.TransportError: the server cannot be reached, or does not answer.
    """
    target = _checked_url(url)
    for hop in range(_MAX_REDIRECTS + 1):
        request = httpx.Request(method, target, headers={**_HEADERS, **headers}, content=content, extensions=_EXTENSIONS)
        if not hop and target.userinfo:
            request = next(httpx.BasicAuth(target.username, target.password).auth_flow(request))
        with closing(transport.handle_request(request)) as response:
            if response.status_code not in _REDIRECTS[method] or "location" not in response.headers:
                yield response
                return
            target = _checked_url(response.headers["location"], target)
    raise _InvalidUrl("It redirects too often.")


def _checked_url(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """Parse a URL, relative to that of a redirect.

    Raises:
        _InvalidUrl: see there.
    """
    try:
        url = httpx.URL(text) if base is None else base.join(text)
        host = url.host
    except (httpx.InvalidURL, ValueError) as error:  # ValueError: a host name in wrong Punycode, a lone surrogate
        raise _InvalidUrl("It is invalid, or redirects to an invalid one.") from error
    if url.scheme not in ("http", "https"):
        raise _InvalidUrl("It, or one that it redirects to, is neither http:// nor https://.")
    if not host or not 0 <= (url.port or 0) < 1 << 16:
        raise _InvalidUrl("It, or one that it redirects to, has no host, or no port that exists.")
    return url


class _Download:
    """The download of a URL to a file. It resumes after a dropped connection if the server supports ranges."""

    def __init__(self, url: str, path: Path, limits: WorkerLimits, is_cancelled: Callable[[], bool]) -> None:
        self._url = url
        self._path = path
        self._limits = limits
        self._is_cancelled = is_cancelled
        self._deadline = Deadline(limits.max_transfer_seconds)
        self._received = 0

    def run(self) -> None:
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
            except _InvalidUrl as error:
                raise Unreadable(f"The audio's URL cannot be used. {error}") from error
            if self._deadline.is_over:
                raise Unreadable("The audio arrives too slowly from its URL.", "The limit is the worker's --max-transfer.")
            if self._is_cancelled():
                break
            time.sleep(min(0.5 * 2.0 ** (_ATTEMPTS - attempts_left), 8.0, self._deadline.seconds_left()))
        raise Unreadable(f"The audio cannot be fetched from its URL ({reason or 'cancelled'}).")

    def _fetch_rest(self) -> str:
        """Fetch the bytes that are missing. Returns "", or the reason of a failure after which a retry may succeed."""
        headers = {"range": f"bytes={self._received}-"} if self._received else {}
        with (
            open_transport(self._deadline, self._limits.max_bytes, allow_private=self._limits.allow_private) as transport,
            _request(transport, "GET", self._url, {**headers, "accept-encoding": "identity"}) as response,
        ):
            if response.status_code in _RETRYABLE:
                return f"HTTP {response.status_code}"
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and self._received:
                return ""
            if not response.is_success:
                hint = "Has the signed URL expired?" if response.status_code in (400, 401, 403) else ""
                raise Unreadable(f"The audio cannot be fetched from its URL (HTTP {response.status_code}).", hint)
            self._save(response)
        return ""

    def _save(self, response: httpx.Response) -> None:
        """Append the body to the file, as it was sent: nothing is decompressed here."""
        is_whole = response.status_code != httpx.codes.PARTIAL_CONTENT
        if is_whole:
            self._received = 0
        max_bytes = self._limits.max_bytes
        with contextlib.suppress(ValueError):
            if self._received + int(response.headers.get("content-length", 0)) > max_bytes:
                raise _too_large(max_bytes)
        with self._path.open("wb" if is_whole else "ab") as file:
            for chunk in response.iter_raw():
                self._received += len(chunk)
                if self._received > max_bytes:
                    raise _too_large(max_bytes)
                file.write(chunk)
                if self._is_cancelled():
                    raise Unreadable("The job was cancelled.")
