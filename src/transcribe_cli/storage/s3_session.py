"""HTTP for S3 without redirects, which aiobotocore follows, taking the session's token and the signed headers to any host.

And with a limit: aiobotocore reads a listing or an error to its end, however long it is. botocore itself follows no redirect. It handles
those between AWS's regions, whose endpoints it knows.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from transcribe_cli.storage.bounded import read_up_to

# Of an answer that is not an object. A page of a listing has a thousand names of up to 1 KiB, each byte of which may take three.
MAX_ANSWER_BYTES = 16 << 20


class AnswerTooLarge(Exception):
    """The server sent more than `MAX_ANSWER_BYTES`."""


@cache
def session_class() -> Any:
    """The class for `http_session_cls` in botocore's configuration.

    Raises:
        ImportError: s3fs is not installed.
    """
    from aiobotocore.httpsession import AIOHTTPSession  # type: ignore[import-untyped]
    from botocore.exceptions import HTTPClientError  # type: ignore[import-untyped]

    class SessionWithoutRedirects(AIOHTTPSession):  # type: ignore[misc]
        """aiobotocore's session; it returns a redirect as the response."""

        async def _get_session(self, proxy_url: Any) -> Any:
            return _WithoutRedirects(await super()._get_session(proxy_url))

        async def send(self, request: Any) -> Any:
            """Send a request. The base class turns any error into one that botocore retries."""
            try:
                return await super().send(request)
            except HTTPClientError as error:
                if isinstance(error.__context__, AnswerTooLarge):
                    raise error.__context__ from None
                raise

    return SessionWithoutRedirects


class _WithoutRedirects:
    """A session of aiohttp, for `send` of aiobotocore."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def request(self, *args: Any, **options: Any) -> Any:
        """Send a request."""
        response = await self._session.request(*args, **{**options, "allow_redirects": False})
        response.read = partial(_read, response, response.read)  # bodies of objects are read as streams, without it
        return response


async def _read(response: Any, read: Any) -> bytes:
    """The whole body, in the way of aiohttp: a connection whose body has ended is used again."""
    try:
        body = await read_up_to(response.content.read, MAX_ANSWER_BYTES + 1)
        if len(body) > MAX_ANSWER_BYTES:
            raise AnswerTooLarge  # noqa: TRY301
    except BaseException:
        response.close()
        raise
    await read()  # what is left is nothing
    return body
