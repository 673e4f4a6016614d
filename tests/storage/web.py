"""An HTTP server on 127.0.0.1 with ranges, pages, redirects and wrong responses; and a proxy that breaks connections."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class Web:
    """Serves `files` (path -> bytes).

    Attributes:
        ranges: whether ranges are supported; if not, the whole file is returned.
        answers: path -> a function that responds instead, for wrong responses.
        asked: (method, path, range) of each request; `queries` and `headers` are those of the same request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.ranges = True
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        self.queries: list[str] = []
        self.headers: list[dict[str, str]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                web._answer(self)

            do_HEAD = do_GET  # noqa: N815 - http.server's name

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                web._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path, _, query = request.path.partition("?")
        path = unquote(path)
        self.asked.append((request.command, path, request.headers.get("Range")))
        self.queries.append(query)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if path in self.answers:
            self.answers[path](request)
            return
        if (data := self.files.get(path)) is None:
            request.send_response(404)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range") or "") if self.ranges else None
        body = data[int(wanted[1]) : int(wanted[2]) + 1] if wanted else data
        request.send_response(206 if wanted else 200)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Content-Type", self.types.get(path, "application/octet-stream"))
        request.send_header("ETag", f'"{md5(data).hexdigest()[:12]}"')
        request.send_header("Last-Modified", formatdate(1_700_000_000, usegmt=True))
        if wanted:
            request.send_header("Content-Range", f"bytes {wanted[1]}-{int(wanted[1]) + len(body) - 1}/{len(data)}")
        request.end_headers()
        if request.command == "GET":
            with suppress(OSError):
                request.wfile.write(body)


class Proxy:
    """A TCP proxy in front of a server. What it breaks is decided for each request on its way.

    Attributes:
        breaking: called with the number of the request, from 0, and its header; returns the fault of the response: None; ("cut", n)
            closes the connection after n bytes, ("reset", n) resets it, ("stall", n) stops sending, ("status", 503) returns this
            status, ("rate", bytes per second) is slow.
        changing: replaces the data sent by a client.
    """

    def __init__(self, port: int) -> None:
        self.breaking: Callable[[int, bytes], tuple[str, int] | None] = lambda number, head: None
        self.changing: Callable[[bytes], bytes] = lambda data: data
        self.requests: list[bytes] = []
        self.sent = 0
        self._upstream = port
        self._closed = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop accepting connections, and close stalled ones."""
        self._closed.set()
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        fate: list[tuple[str, int] | None] = [None]
        left = [0]
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._upstream)) as upstream:
            for end in (client, upstream):  # otherwise, every small request waits 40 ms for an acknowledgement
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._forward, args=(client, upstream, fate, left), daemon=True).start()
            while data := upstream.recv(65536):
                if fate[0] is None:
                    client.sendall(data)
                elif not self._break(client, data, fate[0], left):
                    return
                self.sent += len(data)

    def _forward(self, client: socket.socket, upstream: socket.socket, fate: list, left: list[int]) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if re.match(rb"(GET|PUT|HEAD|POST|DELETE) ", data):
                    number = len(self.requests)
                    self.requests.append(data.partition(b"\r\n\r\n")[0])
                    fate[0] = self.breaking(number, self.requests[-1])
                    left[0] = fate[0][1] if fate[0] else 0
                    if fate[0] and fate[0][0] == "status":
                        client.sendall(b"HTTP/1.1 %d Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % fate[0][1])
                        client.shutdown(socket.SHUT_RDWR)
                        return
                upstream.sendall(self.changing(data))
            upstream.shutdown(socket.SHUT_WR)

    def _break(self, client: socket.socket, data: bytes, fate: tuple[str, int], left: list[int]) -> bool:
        """Whether the connection continues."""
        how, number = fate
        if how == "rate":
            client.sendall(data)
            time.sleep(len(data) / number)
            return True
        client.sendall(data[: left[0]])
        left[0] -= len(data)
        if left[0] > 0:
            return True
        if how == "stall":
            self._closed.wait()
        if how == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            client.shutdown(socket.SHUT_RDWR)
        return False
