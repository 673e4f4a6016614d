"""A proxy on 127.0.0.1 that records all requests and refuses them, to detect telemetry."""

from __future__ import annotations

import socketserver
import threading
from types import TracebackType
from typing import Self


class Proxy(socketserver.ThreadingTCPServer):
    """Serves inside `with`.

    Attributes:
        requests: the first line of each request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[str] = []
        super().__init__(("127.0.0.1", 0), _Refusal)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables for a process that uses the proxy."""
        url = f"http://127.0.0.1:{self.server_address[1]}"
        return {"HTTPS_PROXY": url, "https_proxy": url, "HTTP_PROXY": url, "http_proxy": url, "NO_PROXY": "", "no_proxy": ""}


class _Refusal(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Record the first line, and refuse."""
        assert isinstance(self.server, Proxy)
        self.server.requests.append(self.rfile.readline().decode().strip())
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
