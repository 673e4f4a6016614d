"""The parts of RunPod's REST API that are needed: the queue of an endpoint, and the endpoint's configuration.

https://docs.runpod.io/serverless/endpoints/operation-reference and https://docs.runpod.io/api-reference-v2. The SDK's client is not used:
it does not retry over https, waits forever for a cancelled job, and does not report why a job failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from transcribe_cli import __version__
from transcribe_cli.backends.http import REFUSED, REPEATABLE, BoundedClient, RetryTransport, retry_after
from transcribe_cli.backends.runpod.job_status import JobStatus
from transcribe_cli.errors import BackendFailed, NotReady
from transcribe_cli.storage.http_deadline import DeadlineTransport
from transcribe_cli.text.json_data import parse_json

# The size limit of a `/run` request.
MAX_REQUEST_BYTES = 10_000_000
_TIMEOUT = httpx.Timeout(30.0, read=60.0)
_CANCEL_SECONDS = 3.0  # short, because the user pressed Ctrl-C


class JobExpired(Exception):
    """The queue no longer knows the job: its result was kept for half an hour, or its time to live is over."""


class SubmissionUncertain(BackendFailed):
    """A job may have been queued, but its id is not known."""

    code = "perhaps_sent"


class Client:
    """The queue of one endpoint. Thread-safe.

    Args:
        endpoint: id of the endpoint.
        key: API key of the account; it appears in no message.
        url: base URL of the queues.
        api_url: base URL of the API that describes endpoints.
        wait: sleeps for a number of seconds between two attempts; raises an exception to stop.
    """

    def __init__(self, endpoint: str, key: str, url: str, api_url: str, wait: Callable[[float], None]) -> None:
        self._endpoint = endpoint
        self._queue_url = f"{url.rstrip('/')}/{quote(endpoint, safe='')}"
        self._config_url = f"{api_url.rstrip('/')}/serverless/{quote(endpoint, safe='')}"
        self._http = BoundedClient(
            transport=RetryTransport(DeadlineTransport(limits=httpx.Limits(max_connections=64)), wait),
            headers={"authorization": f"Bearer {key}", "user-agent": f"transcribe-cli/{__version__}"},
            timeout=_TIMEOUT,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def submit(self, body: Mapping[str, Any]) -> str:
        """Queue a job and return its id.

        Raises:
            SubmissionUncertain: it is not known whether the job was queued.
            BackendFailed: the job was not queued, because RunPod failed.
            NotReady: the endpoint cannot be used.
        """
        try:
            response = self._http.post(f"{self._queue_url}/run", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _unreachable(error) from error
        except httpx.TransportError as error:
            raise SubmissionUncertain(f"RunPod did not answer after a job was sent ({type(error).__name__}).") from error
        self._check(response)
        if response.status_code in REFUSED:
            message = f"RunPod temporarily refuses jobs (HTTP {response.status_code})."
            raise BackendFailed(message, retry_after=retry_after(response))
        if response.is_server_error:
            raise SubmissionUncertain(f"RunPod answered HTTP {response.status_code} when a job was sent.")
        if not response.is_success:
            raise BackendFailed(f"RunPod rejected the job (HTTP {response.status_code}).")
        if not (job_id := JobStatus.parse(_json_object(response)).id):
            raise SubmissionUncertain("RunPod accepted a job, but returned no id.")
        return job_id

    def status(self, job_id: str) -> JobStatus:
        """Return the status of a job.

        Raises:
            JobExpired: the queue no longer knows the job.
            BackendFailed: RunPod gave no usable answer.
            NotReady: the endpoint cannot be used.
        """
        response = self._get(f"{self._queue_url}/status/{quote(job_id, safe='')}")
        if response.status_code == httpx.codes.NOT_FOUND:
            raise JobExpired
        self._check(response)
        if not response.is_success:
            raise BackendFailed(f"RunPod answered HTTP {response.status_code}.")
        return JobStatus.parse(_json_object(response))

    def cancel(self, job_id: str) -> bool:
        """Cancel a queued or running job. Returns whether RunPod confirmed it; never raises."""
        url = f"{self._queue_url}/cancel/{quote(job_id, safe='')}"
        try:
            with BoundedClient(headers=self._http.headers, timeout=_CANCEL_SECONDS) as http:
                response = http.post(url, extensions=REPEATABLE)
        except httpx.HTTPError:
            return False
        return response.is_success or response.status_code == httpx.codes.NOT_FOUND

    def worker_counts(self) -> Mapping[str, int]:
        """Return the number of workers by state (idle, running, throttled, unhealthy, …); empty if RunPod does not report them."""
        try:
            response = self._get(f"{self._queue_url}/health")
        except BackendFailed:
            return {}
        counts = _json_object(response).get("workers") if response.is_success else None
        return {state: count for state, count in counts.items() if isinstance(count, int)} if isinstance(counts, dict) else {}

    def endpoint_config(self) -> Mapping[str, Any]:
        """Return the endpoint's configuration; empty if the key has no permission to read it.

        Raises:
            NotReady: the endpoint does not exist, or the key is wrong.
        """
        try:
            response = self._get(self._config_url)
        except BackendFailed:
            return {}
        if response.status_code == httpx.codes.NOT_FOUND:
            self._check(response)
        return _json_object(response) if response.is_success else {}

    def check(self) -> None:
        """Check that the queue accepts the key and the endpoint.

        Raises:
            NotReady: it does not, or RunPod cannot be reached.
        """
        try:
            response = self._get(f"{self._queue_url}/health")
        except BackendFailed as error:
            raise NotReady(error.message, "Is this machine online?") from error
        self._check(response)

    def _get(self, url: str) -> httpx.Response:
        try:
            return self._http.get(url)
        except httpx.TransportError as error:
            raise _unreachable(error) from error

    def _check(self, response: httpx.Response) -> None:
        """Raise NotReady for errors that a retry would not change."""
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise NotReady(
                f"RunPod does not accept the key for endpoint {self._endpoint} (HTTP {response.status_code}).",
                "Set RUNPOD_API_KEY to a key that has access to it.",
            )
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotReady(
                f"RunPod has no endpoint {self._endpoint}.", "Copy its id from the console and set it with --runpod-endpoint."
            )


def _unreachable(error: httpx.TransportError) -> BackendFailed:
    return BackendFailed(f"RunPod cannot be reached ({type(error).__name__}).")


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        document = parse_json(response.content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
