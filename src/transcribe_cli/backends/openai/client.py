"""The OpenAI transcription API over HTTP: multipart requests, patience, and the end of waiting when the run is stopped.

https://developers.openai.com/api/reference/resources/audio. The SDK is not used: a request is one form, and all places share one way of
trying again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import httpx

from transcribe_cli import __version__
from transcribe_cli.backends.http import RetryTransport
from transcribe_cli.backends.openai.errors import failure, is_exhausted
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.errors import BackendFailed, NotReady

T = TypeVar("T")
# Until a service answers, in seconds; on a processor of one's own an hour of audio may take hours.
_SERVICE_SECONDS = 600.0
_OWN_SLOWEST = 10.0
_CHECK_SECONDS = 15.0
# How often somebody who waits for an answer looks whether the run was stopped, in seconds.
_LOOK_SECONDS = 0.2


class Dropped(BackendFailed):
    """A request was sent and nobody knows whether it was answered: it may be paid for."""

    code = "perhaps_sent"


class Client:
    """A server of the API. From any thread.

    Args:
        server: which one.
        key: in no message; None where none is needed.
        stop: ends all waiting.
    """

    def __init__(self, server: Server, key: str | None, stop: StopFlag) -> None:
        self._server = server
        self._key = key
        self._stop = stop
        self._http = httpx.Client(
            transport=RetryTransport(
                _Exhausted(httpx.HTTPTransport(limits=httpx.Limits(max_connections=256)), server, key), stop.wait
            ),
            headers={"user-agent": f"transcribe-cli/{__version__}", **({"authorization": f"Bearer {key}"} if key else {})},
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def models(self) -> list[Mapping[str, Any]] | None:
        """What the server says of its models; None where it does not say.

        Raises:
            NotReady: it cannot be reached, or does not accept the key.
        """
        url = f"{self._server.base_url}/models"
        try:
            with self._plain() as http:
                answer = http.get(url)
        except httpx.TransportError as error:
            message = f"{self._server.host} cannot be reached ({type(error).__name__})."
            raise NotReady(message, "Is the server running, and is --base-url right?") from error
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise failure(answer, self._server, "", self._key)
        if not answer.is_success:  # many servers have no such list; keys may be forbidden to see it
            return None
        try:
            listed = answer.json()["data"]
        except (ValueError, KeyError, TypeError):
            return None
        found: list[Mapping[str, Any]] = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        return found or None

    def check_address(self) -> None:
        """Whether there is a transcription API, for servers without a list of models: a form without a file is refused in its own way.

        Raises:
            NotReady: there is none, or the key is not accepted.
        """
        try:
            with self._plain() as http:
                answer = http.post(f"{self._server.base_url}/audio/transcriptions", data={"response_format": "json"})
        except httpx.TransportError:  # a list was refused a moment ago: it is there, and busy
            return
        error = failure(answer, self._server, "", self._key)
        if (answer.is_redirect or answer.status_code in (401, 403, 404, 405, 501)) and isinstance(error, NotReady):
            raise error

    def _plain(self) -> httpx.Client:
        """Without patience: somebody waits to hear whether the server is there."""
        return httpx.Client(headers=self._http.headers, timeout=_CHECK_SECONDS, transport=httpx.HTTPTransport(retries=1))

    def transcribe(
        self, fields: Sequence[tuple[str, str]], audio: tuple[str, bytes, str], *, seconds: float, translate: bool
    ) -> Mapping[str, Any]:
        """The answer to one form.

        Args:
            fields: of the form, but the file.
            audio: name, content and type of the file.
            seconds: how long it is.
            translate: into English.

        Raises:
            NotReady, RecordingError, BackendFailed: see `troubles`.
            Dropped: nobody knows whether it was done.
            Stopped: the run was stopped; the answer is not waited for.
        """
        url = f"{self._server.base_url}/audio/{'translations' if translate else 'transcriptions'}"
        patience = _SERVICE_SECONDS + (0.0 if self._server.service else _OWN_SLOWEST * seconds)
        form: dict[str, list[str]] = {}
        for name, value in fields:
            form.setdefault(name, []).append(value)

        def ask() -> httpx.Response:
            return self._http.post(url, data=form, files={"file": audio}, timeout=httpx.Timeout(60.0, read=patience, pool=None))

        try:
            answer = unless_stopped(ask, self._stop)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise BackendFailed(f"{self._server.host} cannot be reached ({type(error).__name__}).") from error
        except httpx.TransportError as error:
            raise Dropped(f"{self._server.host} took a request and gave no answer ({type(error).__name__}).") from error
        if not answer.is_success:
            model = next((value for name, value in fields if name == "model"), "")
            raise failure(answer, self._server, model, self._key, len(audio[1]))
        try:
            document = answer.json()
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise BackendFailed(f"{self._server.host} gave an answer that is no JSON.")
        return document


class _Exhausted(httpx.BaseTransport):
    """Tells an account that has nothing left from one that is too fast: nobody is patient with the first.

    Raises:
        NotReady: nothing is left.
    """

    def __init__(self, transport: httpx.BaseTransport, server: Server, key: str | None) -> None:
        self._transport = transport
        self._server = server
        self._key = key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        answer = self._transport.handle_request(request)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            answer.read()
            if is_exhausted(answer):
                raise failure(answer, self._server, "", self._key)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def unless_stopped(call: Callable[[], T], stop: StopFlag) -> T:
    """What a call gives, in a thread of its own that is left behind when the run is stopped.

    Raises:
        Stopped: the run was stopped meanwhile.
        BaseException: what the call raises.
    """
    stop.check()
    done: queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = queue.SimpleQueue()

    def work() -> None:
        try:
            done.put((call(), None))
        except BaseException as error:
            done.put((None, error))

    threading.Thread(target=work, name="request", daemon=True).start()
    while True:
        stop.check()
        try:
            found, error = done.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            continue
        if error is not None:
            raise error
        return found  # type: ignore[return-value]  # it is there where there is no error
