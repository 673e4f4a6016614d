"""A local server that implements both sides of RunPod's queue: the API for clients, and the API that RunPod's SDK polls in a worker.

Based on https://docs.runpod.io (operation reference, job states, send requests) and on runpod-python. Tests can inject faults: the next
responses to a kind of request (`then`), how long results are kept, and whether results are lost.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

KEY = "rpa_KEY_OF_THE_TESTS_0123456789"
ENDPOINT = "ep-tests"
FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})
_LONG_POLL_SECONDS = 0.3  # of a worker; the hosted queue holds requests for longer
_MAX_REQUEST_BYTES = 10_000_000

# What can replace a response: a status code, optionally with the seconds of a Retry-After header; or a dropped connection, before or after
# the request was processed.
DROP_BEFORE, DROP_AFTER = "drop before", "drop after"
Fault = int | tuple[int, float] | str


@dataclass(eq=False)
class QueuedJob:
    """A job in the queue. Times are seconds since the epoch."""

    id: str
    body: dict[str, Any]
    submitted: float
    status: str = "IN_QUEUE"
    output: Any = None
    error: Any = None
    worker: str = ""
    started: float = 0.0
    ended: float = 0.0
    starts: int = 0

    @property
    def name(self) -> str:
        """The name of the recording."""
        return str(self.body["input"].get("name", ""))

    def view(self) -> dict[str, Any]:
        """The response of `/status`."""
        document: dict[str, Any] = {"id": self.id, "status": self.status}
        if self.started:
            document |= {"delayTime": int(1000 * (self.started - self.submitted)), "workerId": self.worker}
        if self.ended and self.started:
            document["executionTime"] = int(1000 * (self.ended - self.started))
        for key in ("output", "error"):
            if (value := getattr(self, key)) is not None:
                document[key] = value
        if self.starts > 1:
            document["retries"] = self.starts - 1
        return document


@dataclass(eq=False)
class Gateway:
    """The state and the settings of the queue.

    Attributes:
        then: kind of request (run, status, cancel, endpoint, job-done, …) -> faults that replace its next responses, in order.
        fault_for: returns a fault, or None, for each request whose `then` is empty.
        retention: seconds that results are kept.
        lose: whether the result of this job is lost, so that it is COMPLETED and has no output.
        pools: the GPU pools of the endpoint, with `cards` for each worker.
        catalogue: pool -> current price in USD per hour; if empty, there is no catalogue.
        asleep: whether the endpoint's max workers is 0.
        hold: whether workers get no jobs.
        workers: the counts that `/health` returns, if not the real ones.
        lost_after: a worker that has not pinged for this many seconds is dead, and its jobs return to the queue.
        log: kind and job id of every client request.
    """

    then: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    fault_for: Callable[[str], Fault | None] = lambda kind: None
    retention: float = 1800.0
    lose: Callable[[QueuedJob], bool] = lambda job: False
    pools: list[str] = field(default_factory=lambda: ["ADA_24"])
    cards: int = 1
    catalogue: dict[str, float] = field(default_factory=dict)
    asleep: bool = False
    lost_after: float = 60.0
    hold: bool = False
    workers: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, QueuedJob] = field(default_factory=dict)
    expired: dict[str, QueuedJob] = field(default_factory=dict)
    queue: list[str] = field(default_factory=list)
    stopping: list[str] = field(default_factory=list)
    pings: dict[str, float] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def all_jobs(self) -> list[QueuedJob]:
        """All jobs, including expired ones."""
        with self.changed:
            return [*self.expired.values(), *self.jobs.values()]

    def sweep(self) -> None:
        """Expire results, time out jobs, and requeue the jobs of dead workers. Call with `changed` held."""
        now = time.time()
        for job in list(self.jobs.values()):
            policy = job.body.get("policy", {})
            if now - job.submitted > policy.get("ttl", 86_400_000) / 1000 or (job.ended and now - job.ended > self.retention):
                self.expired[job.id] = self.jobs.pop(job.id)
                if job.id in self.queue:
                    self.queue.remove(job.id)
            elif job.status == "IN_PROGRESS":
                if now - job.started > policy.get("executionTimeout", 600_000) / 1000:
                    self.stopping.append(job.id)
                    job.status, job.ended, job.error = "TIMED_OUT", now, "job timed out"
                elif now - max(self.pings.get(job.worker, 0.0), job.started) > self.lost_after:
                    job.status, job.worker = "IN_QUEUE", ""
                    self.queue.append(job.id)
        self.changed.notify_all()


@contextmanager
def running(gateway: Gateway) -> Iterator[Gateway]:
    """Serve the queue on this machine."""
    handler = type("Handler", (_Handler,), {"gateway": gateway})
    with _Server(("127.0.0.1", 0), handler) as server:
        gateway.url = f"http://127.0.0.1:{server.server_address[1]}/v2"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield gateway
        finally:
            server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore dropped connections: tests kill clients and workers."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: Gateway

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        self._route("GET", b"")

    def do_POST(self) -> None:
        self._route("POST", self.rfile.read(int(self.headers.get("content-length") or 0)))

    def _route(self, method: str, body: bytes) -> None:
        url = urlparse(self.path)
        parts = url.path.strip("/").split("/")[1:]
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        kind = "endpoint" if parts[0] == "serverless" else parts[1]
        gateway = self.gateway
        fault = gateway.then[kind].popleft() if gateway.then[kind] else gateway.fault_for(kind)
        if fault == DROP_BEFORE:
            self.close_connection = True
            self.connection.close()
            return
        if fault is not None and fault != DROP_AFTER:
            code, wait = fault if isinstance(fault, tuple) else (fault, None)
            self._send(int(code), None, {"retry-after": f"{wait:g}"} if wait is not None else {})
            return
        is_worker = kind.startswith(("job-", "ping"))
        response = self._worker(kind, parts, query, body) if is_worker else self._client(method, kind, parts, body)
        if fault == DROP_AFTER:
            self.close_connection = True
            self.connection.close()
            return
        self._send(*response, {})

    def _send(self, code: int, document: object, headers: dict[str, str]) -> None:
        data = b"" if document is None else json.dumps(document).encode()
        try:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            if data:
                self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:  # the client or worker was killed
            self.close_connection = True

    def _client(self, method: str, kind: str, parts: list[str], body: bytes) -> tuple[int, object]:
        gateway = self.gateway
        argument = parts[2] if len(parts) > 2 else ""
        gateway.log.append((kind, argument))
        if self.headers.get("authorization") != f"Bearer {KEY}":
            return 401, None
        if kind == "gpus" and gateway.catalogue:
            return 200, {"gpus": [{"pool": pool, "price": {"serverless": price}} for pool, price in gateway.catalogue.items()]}
        if (parts[1] if kind == "endpoint" else parts[0]) != ENDPOINT:
            return 404, None
        with gateway.changed:
            gateway.sweep()
            if kind == "endpoint":
                workers = {"min": 0, "max": 0 if gateway.asleep else 3, "idleTimeout": 5}
                return 200, {
                    "id": ENDPOINT,
                    "name": "transcribe",
                    "workers": workers,
                    "gpu": {"pools": gateway.pools, "count": gateway.cards},
                    "timeout": 300000,
                }
            if kind == "run" and method == "POST":
                return self._submit(body)
            if kind == "health":
                return 200, {"jobs": {}, "workers": gateway.workers or {"idle": 0, "running": len(gateway.pings)}}
            job = gateway.jobs.get(argument)
            if job is None:
                return 404, {"error": "job not found"}
            if kind == "cancel" and method == "POST":
                if job.status == "IN_PROGRESS":
                    gateway.stopping.append(job.id)
                if job.id in gateway.queue:
                    gateway.queue.remove(job.id)
                if job.status not in FINAL:
                    job.status, job.ended = "CANCELLED", time.time()
                gateway.changed.notify_all()
            return 200, job.view()

    def _submit(self, body: bytes) -> tuple[int, object]:
        if len(body) > _MAX_REQUEST_BYTES:
            return 400, {"error": "request too large"}
        document = json.loads(body)
        if not isinstance(document.get("input"), dict):
            return 400, {"error": "input missing"}
        job = QueuedJob(f"{uuid.uuid4()}-u1", document, time.time())
        self.gateway.jobs[job.id] = job
        self.gateway.queue.append(job.id)
        self.gateway.changed.notify_all()
        return 200, {"id": job.id, "status": job.status}

    def _worker(self, kind: str, parts: list[str], query: dict[str, str], body: bytes) -> tuple[int, object]:
        gateway, name = self.gateway, parts[2]
        with gateway.changed:
            gateway.pings[name] = time.time()
            if kind in ("job-take", "job-take-batch"):
                return self._take_jobs(kind, name, int(query.get("batch_size", "1")))
            if kind == "job-stop":
                if not gateway.stopping:
                    gateway.changed.wait(_LONG_POLL_SECONDS)
                ids, gateway.stopping = gateway.stopping, []
                return (200, {"jobsToStop": ids}) if ids else (204, None)
            if kind == "job-done":
                self._finish_job(gateway.jobs.get(parts[3]), json.loads(body))
                gateway.changed.notify_all()
            return 200, {}

    def _take_jobs(self, kind: str, name: str, max_jobs: int) -> tuple[int, object]:
        gateway = self.gateway
        gateway.sweep()
        if not gateway.queue or gateway.asleep or gateway.hold:
            gateway.changed.wait(_LONG_POLL_SECONDS)
        taken = []
        while gateway.queue and len(taken) < max_jobs and not gateway.asleep and not gateway.hold:
            job = gateway.jobs[gateway.queue.pop(0)]
            job.status, job.worker, job.started, job.starts = "IN_PROGRESS", name, time.time(), job.starts + 1
            taken.append({"id": job.id, "input": job.body["input"]})
        if not taken:
            return 204, None
        return 200, taken if kind == "job-take-batch" else taken[0]

    def _finish_job(self, job: QueuedJob | None, document: dict[str, Any]) -> None:
        if job is None or job.status in FINAL:
            return
        if document.get("status") == "IN_PROGRESS":
            job.output = document.get("output")
            return
        job.ended = time.time()
        job.error = document.get("error")
        job.status = "FAILED" if job.error else "COMPLETED"
        job.output = None if self.gateway.lose(job) else document.get("output")
