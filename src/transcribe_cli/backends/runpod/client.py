"""RunPod's REST API, as far as it is needed: the queue of an endpoint, and what is known about the endpoint.

https://docs.runpod.io/serverless/endpoints/operation-reference and https://docs.runpod.io/api-reference-v2. The SDK's client is not used:
it repeats nothing over https, never ends for a cancelled job, and cannot tell why a job failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from transcribe_cli import __version__
from transcribe_cli.backends.http import REFUSED, REPEATABLE, RetryTransport, retry_after
from transcribe_cli.backends.runpod.answer import Answer
from transcribe_cli.errors import BackendFailed, NotReady

# A request of `/run` may have so many bytes.
MOST_BYTES = 10_000_000
_TIMEOUT = httpx.Timeout(30.0, read=60.0)
_CANCEL_SECONDS = 3.0  # somebody pressed Ctrl-C


class Expired(Exception):
    """The queue knows no such job any more: its result was kept for half an hour, or its time to live is over."""


class PerhapsSent(BackendFailed):
    """A job may be in the queue, and nobody knows under which id."""

    code = "perhaps_sent"


class Client:
    """The queue of one endpoint. From any thread.

    Args:
        endpoint: its id.
        key: of the account; in no message.
        url: where queues are; `api_url`: where endpoints are told about.
        wait: waits so many seconds between two tries; may raise, to stop.
    """

    def __init__(self, endpoint: str, key: str, url: str, api_url: str, wait: Callable[[float], None]) -> None:
        self._endpoint = endpoint
        self._base = f"{url.rstrip('/')}/{quote(endpoint, safe='')}"
        self._about = f"{api_url.rstrip('/')}/serverless/{quote(endpoint, safe='')}"
        self._http = httpx.Client(
            transport=RetryTransport(httpx.HTTPTransport(limits=httpx.Limits(max_connections=64)), wait),
            headers={"authorization": f"Bearer {key}", "user-agent": f"transcribe-cli/{__version__}"},
            timeout=_TIMEOUT,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def submit(self, body: Mapping[str, Any]) -> str:
        """Put a job into the queue; its id.

        Raises:
            PerhapsSent: nobody knows whether it is there.
            BackendFailed: it is not, because the place failed.
            NotReady: the endpoint cannot be used.
        """
        try:
            answer = self._http.post(f"{self._base}/run", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._silent(error) from error
        except httpx.TransportError as error:
            raise PerhapsSent(f"RunPod took a job and gave no answer ({type(error).__name__}).") from error
        self._check(answer)
        if answer.status_code in REFUSED:
            raise BackendFailed(f"RunPod refuses jobs for now (HTTP {answer.status_code}).", retry_after=retry_after(answer))
        if answer.is_server_error:
            raise PerhapsSent(f"RunPod gave HTTP {answer.status_code} for a job.")
        if not answer.is_success:
            raise BackendFailed(f"RunPod does not take the job (HTTP {answer.status_code}).")
        if not (job_id := Answer.of(_document(answer)).id):
            raise PerhapsSent("RunPod took a job and told no id.")
        return job_id

    def status(self, job_id: str) -> Answer:
        """What became of a job.

        Raises:
            Expired: it is not known any more.
            BackendFailed: no answer for now.
            NotReady: the endpoint cannot be used.
        """
        answer = self._get(f"{self._base}/status/{quote(job_id, safe='')}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise Expired
        self._check(answer)
        if not answer.is_success:
            raise BackendFailed(f"RunPod gives HTTP {answer.status_code}.")
        return Answer.of(_document(answer))

    def cancel(self, job_id: str) -> bool:
        """Cancel a job, queued or running; whether that was heard. Never raises."""
        url = f"{self._base}/cancel/{quote(job_id, safe='')}"
        try:
            with httpx.Client(headers=self._http.headers, timeout=_CANCEL_SECONDS) as http:
                answer = http.post(url, extensions=REPEATABLE)
        except httpx.HTTPError:
            return False
        return answer.is_success or answer.status_code == httpx.codes.NOT_FOUND

    def workers(self) -> Mapping[str, int]:
        """How many workers are idle, running, throttled, unhealthy, …; empty when nobody says."""
        try:
            answer = self._get(f"{self._base}/health")
        except BackendFailed:
            return {}
        counts = _document(answer).get("workers") if answer.is_success else None
        return {name: count for name, count in counts.items() if isinstance(count, int)} if isinstance(counts, dict) else {}

    def about(self) -> Mapping[str, Any]:
        """The endpoint's configuration; empty when the key may not ask for it.

        Raises:
            NotReady: there is no such endpoint, or the key is wrong.
        """
        try:
            answer = self._get(self._about)
        except BackendFailed:
            return {}
        if answer.status_code == httpx.codes.NOT_FOUND:
            self._check(answer)
        return _document(answer) if answer.is_success else {}

    def check(self) -> None:
        """Whether key and endpoint are right, as the queue sees them.

        Raises:
            NotReady: they are not, or RunPod cannot be reached.
        """
        try:
            answer = self._get(f"{self._base}/health")
        except BackendFailed as error:
            raise NotReady(error.message, "Is this machine online?") from error
        self._check(answer)

    def _get(self, url: str) -> httpx.Response:
        try:
            return self._http.get(url)
        except httpx.TransportError as error:
            raise self._silent(error) from error

    def _silent(self, error: httpx.TransportError) -> BackendFailed:
        return BackendFailed(f"RunPod cannot be reached ({type(error).__name__}).")

    def _check(self, answer: httpx.Response) -> None:
        """What no other try would change."""
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise NotReady(
                f"RunPod does not accept the key for endpoint {self._endpoint} (HTTP {answer.status_code}).",
                "Set RUNPOD_API_KEY to a key that may use it.",
            )
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotReady(f"RunPod has no endpoint {self._endpoint}.", "Its id is in the console; --runpod-endpoint sets it.")


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
