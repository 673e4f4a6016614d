"""An S3 server for the tests: moto, with conditional requests as strict as those of a real bucket."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from io import BytesIO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wsgi import get_input_stream


class S3Server:
    """moto on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        app = one_at_a_time(DomainDispatcherApplication(create_backend_app))
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def one_at_a_time(app: WSGIApplication) -> WSGIApplication:
    """Serialize the requests of an app.

    moto checks a condition (`If-Match`) and writes in two steps, so that two concurrent changes may both succeed. The body is read before
    the lock is taken, so that no request waits for a slow client.
    """
    lock = threading.Lock()

    def handle(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"] = BytesIO(get_input_stream(environ).read())
        with lock:
            return app(environ, start_response)

    return handle
