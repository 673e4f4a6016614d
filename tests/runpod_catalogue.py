"""A server on 127.0.0.1 that behaves like RunPod's catalogue, or fails in various ways."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "rpa_KEY_OF_NOBODY"
# As in RunPod's reference (https://docs.runpod.io/api-reference-v2/catalog/list-gpu-types), plus unusual entries.
GPUS: list[dict[str, Any]] = [
    {"id": "NVIDIA GeForce RTX 4090", "name": "RTX 4090", "pool": "ADA_24", "price": {"secure": 0.44, "serverless": 1.1}},
    {"id": "NVIDIA L4", "name": "L4", "pool": "AMPERE_24", "price": {"secure": 0.4, "community": 0.3, "serverless": 0.7}},
    {"id": "NVIDIA RTX A5000", "name": "A5000", "pool": "AMPERE_24", "price": {"secure": 0.3, "serverless": 0.66}},
    {"id": "NVIDIA A2", "name": "A2", "pool": None, "price": {"secure": 0.1}},
    {"id": "NVIDIA B200", "name": "B200", "pool": "NEW_180", "price": {"secure": 5.0, "serverless": 8.6}},
]


@dataclass
class FakeCatalogue:
    """The server's response, and the requests that it received (path and Authorization header).

    Attributes:
        seconds: delay before the response.
        drip: send the body one byte at a time.
    """

    status: int = 200
    body: bytes = json.dumps({"gpus": GPUS}).encode()
    seconds: float = 0.0
    drip: bool = False
    url: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """URL of the list of GPUs."""
        return f"{self.url}/catalog/gpus"


@contextmanager
def fake_catalogue(**answer: Any) -> Iterator[FakeCatalogue]:
    """The running server; it stops when the block ends."""
    served = FakeCatalogue(**answer)
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append((self.path, self.headers.get("Authorization")))
            stopped.wait(served.seconds)
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                self.send_error(401)
                return
            self.send_response(served.status)
            self.send_header("Content-Length", str(len(served.body)))
            self.end_headers()
            for byte in [bytes([byte]) for byte in served.body] if served.drip else [served.body]:
                if served.drip and stopped.wait(0.05):
                    return
                self.wfile.write(byte)

        def log_message(self, *arguments: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign] - clients that go away
    served.url = f"http://127.0.0.1:{server.server_port}/v2"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield served
    finally:
        stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
