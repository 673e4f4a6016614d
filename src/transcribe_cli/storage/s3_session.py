"""HTTP for S3 without redirects: aiobotocore follows them, and takes the session's token and the signed headers to any host.

botocore itself follows none. It handles the redirects between AWS's regions, whose endpoints it knows.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def session_class() -> Any:
    """The class for `http_session_cls` in botocore's configuration.

    Raises:
        ImportError: s3fs is not installed.
    """
    from aiobotocore.httpsession import AIOHTTPSession  # type: ignore[import-untyped]

    class SessionWithoutRedirects(AIOHTTPSession):  # type: ignore[misc]
        """aiobotocore's session; it returns a redirect as the response."""

        async def _get_session(self, proxy_url: Any) -> Any:
            return _WithoutRedirects(await super()._get_session(proxy_url))

    return SessionWithoutRedirects


class _WithoutRedirects:
    """A session of aiohttp, for `send` of aiobotocore."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def request(self, *args: Any, **options: Any) -> Any:
        """Send a request."""
        return await self._session.request(*args, **{**options, "allow_redirects": False})
