"""The OpenAI transcription API over HTTP: multipart requests with retries that end when the run is stopped.

https://developers.openai.com/api/reference/resources/audio. The SDK is not used: a request is one form, and all backends share one retry
policy.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import httpx

from transcribe_cli import __version__
from transcribe_cli.backends.http import BoundedClient, RetryTransport, read_answer
from transcribe_cli.backends.openai.errors import error_for, is_out_of_credit
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.errors import BackendFailed, NotReady
from transcribe_cli.storage.http_deadline import DeadlineTransport
from transcribe_cli.text.json_data import parse_json

T = TypeVar("T")
# Read timeout for a service, in seconds. A server of one's own gets more per second of audio: on a CPU an hour may take hours.
_SERVICE_TIMEOUT_SECONDS = 600.0
_OWN_SECONDS_PER_AUDIO_SECOND = 10.0
# To connect, and for each write.
_CONNECT_SECONDS = 60.0
_CHECK_TIMEOUT_SECONDS = 15.0
# Interval at which a thread that waits for an answer checks whether the run was stopped, in seconds.
_POLL_SECONDS = 0.2


class AnswerLost(BackendFailed):
    """A request was sent and the connection broke before the answer: it may be charged."""

    code = "perhaps_sent"


class Client:
    """A server of the API. Thread-safe.

    Args:
        server: the server.
        key: the API key, which is in no message; None where none is needed.
        stop: ends all waiting.
    """

    def __init__(self, server: Server, key: str | None, stop: StopFlag) -> None:
        self._server = server
        self._key = key
        self._stop = stop
        transport = _OutOfCreditTransport(DeadlineTransport(limits=httpx.Limits(max_connections=256)), server, key)
        self._http = BoundedClient(
            transport=RetryTransport(transport, stop.wait),
            headers={"user-agent": f"transcribe-cli/{__version__}", **({"authorization": f"Bearer {key}"} if key else {})},
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def models(self) -> list[Mapping[str, Any]] | None:
        """The server's list of models; None where it has none.

        Raises:
            NotReady: it cannot be reached, or does not accept the key.
        """
        url = f"{self._server.base_url}/models"
        try:
            with self._check_client() as http:
                response = http.get(url)
        except httpx.TransportError as error:
            message = f"{self._server.host} cannot be reached ({type(error).__name__})."
            raise NotReady(message, "Check that the server is running and that --base-url is right.") from error
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise error_for(response, self._server, "", self._key)
        if not response.is_success:  # many servers have no such list; some keys may not read it
            return None
        try:
            data = parse_json(response.content)["data"]
        except (ValueError, KeyError, TypeError):
            return None
        models: list[Mapping[str, Any]] = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
        return models or None

    def check_address(self) -> None:
        """Check for a transcription API, on servers without a list of models: each refuses a form without a file in its own way.

        Raises:
            NotReady: there is none, or the key is not accepted.
        """
        try:
            with self._check_client() as http:
                response = http.post(f"{self._server.base_url}/audio/transcriptions", data={"response_format": "json"})
        except httpx.TransportError:  # the server answered the request for its models just before: it is busy
            return
        error = error_for(response, self._server, "", self._key)
        if (response.is_redirect or response.status_code in (401, 403, 404, 405, 501)) and isinstance(error, NotReady):
            raise error

    def _check_client(self) -> BoundedClient:
        """A client with a short timeout and one retry, for checks that the user waits for."""
        transport = DeadlineTransport(retries=1)
        return BoundedClient(headers=self._http.headers, timeout=_CHECK_TIMEOUT_SECONDS, transport=transport)

    def transcribe(
        self, fields: Sequence[tuple[str, str]], audio: tuple[str, bytes, str], *, seconds: float, translate: bool
    ) -> Mapping[str, Any]:
        """Send a form and return the answer.

        Args:
            fields: of the form, without the file.
            audio: name, content and media type of the file.
            seconds: duration of the audio.
            translate: into English.

        Raises:
            NotReady, RecordingError, BackendFailed: see `errors`.
            AnswerLost: the connection broke after the request was sent.
            Stopped: the run was stopped; the answer is abandoned.
        """
        url = f"{self._server.base_url}/audio/{'translations' if translate else 'transcriptions'}"
        own_seconds = 0.0 if self._server.service else _OWN_SECONDS_PER_AUDIO_SECOND * seconds
        timeout = httpx.Timeout(_CONNECT_SECONDS, read=_SERVICE_TIMEOUT_SECONDS + own_seconds, pool=None)
        form: dict[str, list[str]] = {}
        for name, value in fields:
            form.setdefault(name, []).append(value)
        try:
            response = call_unless_stopped(
                lambda: self._http.post(url, data=form, files={"file": audio}, timeout=timeout), self._stop
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise BackendFailed(f"{self._server.host} cannot be reached ({type(error).__name__}).") from error
        except httpx.TransportError as error:
            raise AnswerLost(f"{self._server.host} accepted a request and did not answer ({type(error).__name__}).") from error
        if not response.is_success:
            raise error_for(response, self._server, next(iter(form.get("model", [])), ""), self._key, len(audio[1]))
        try:
            answer = parse_json(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise BackendFailed(f"The answer of {self._server.host} is not a JSON object.")
        return answer


class _OutOfCreditTransport(httpx.BaseTransport):
    """Raises an error for a 429 of an account without credit, which must not be retried as a rate limit is.

    Raises:
        NotReady: the account has no credit.
    """

    def __init__(self, transport: httpx.BaseTransport, server: Server, key: str | None) -> None:
        self._transport = transport
        self._server = server
        self._key = key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request."""
        response = self._transport.handle_request(request)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            response = read_answer(response, request)
            if is_out_of_credit(response):
                raise error_for(response, self._server, "", self._key)
        return response

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def call_unless_stopped(call: Callable[[], T], stop: StopFlag) -> T:
    """Call in a thread of its own, which is abandoned when the run is stopped, and return the result.

    Raises:
        Stopped: the run was stopped meanwhile.
        BaseException: what the call raises.
    """
    stop.check()
    results: queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = queue.SimpleQueue()

    def work() -> None:
        try:
            results.put((call(), None))
        except BaseException as error:
            results.put((None, error))

    threading.Thread(target=work, name="request", daemon=True).start()
    while True:
        stop.check()
        try:
            result, error = results.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # None only with an error
