"""The Google Cloud emulator, extended with preconditions on generations as Google documents them.

    python -m tests.storage.gcs PORT

https://cloud.google.com/storage/docs/request-preconditions
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import objects

Handler = Callable[..., Any]
PRECONDITION = "ifGenerationMatch"


def conditional(handler: Handler, name: Callable[[Any], str]) -> Handler:
    """Wrap the handler of a request that changes an object, to check the generation in the request first."""

    def handle(request: Any, response: Any, storage: Any, *args: Any, **kwargs: Any) -> Any:
        if required := request.query.get(PRECONDITION):
            try:
                current = storage.get_file_obj(request.params["bucket_name"], name(request))["generation"]
            except NotFound:
                current = "0"
            if current != required[0]:
                response.status = HTTPStatus.PRECONDITION_FAILED
                return None
        return handler(request, response, storage, *args, **kwargs)

    return handle


# The server answers one request after the other, so that nothing comes between asking and changing.
objects.insert = conditional(objects.insert, lambda request: request.query["name"][0])
objects.delete = conditional(objects.delete, lambda request: request.params["object_id"])

if __name__ == "__main__":
    from gcp_storage_emulator.server import create_server

    create_server("127.0.0.1", int(sys.argv[1]), in_memory=True, default_bucket="aulas").run()
