"""The options of an HTTP session that sends each origin its own credentials, on every request, also after a redirect.

aiohttp drops only `Authorization` and `Cookie` after a redirect to another origin; `X-Api-Key` and the cookies of a session go
everywhere, and passwords of `~/.netrc` to any port. So sessions have no credentials: `_OriginCredentials` adds them to each request.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from transcribe_cli.storage.origins import for_every_origin, is_origin, session_for_every_origin

_CREDENTIALS = ("headers", "cookies", "auth")


def session_options(base: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of fsspec's `HTTPFileSystem`.

    Args:
        base: a URL of the origin that the session is for.
        table: `[storage.http]` with the tables of origins, see `origins`.

    Raises:
        ImportError: aiohttp is not installed.
        ValueError: the URL or a value is invalid.
    """
    import aiohttp

    tables: dict[Any, dict[str, Any]] = {}
    for url, options in table.items():
        if is_origin(url):
            tables.setdefault(_origin(url), {}).update(options)
    own = dict(tables.get(_origin(base), {}))
    own_session = own.pop("client_kwargs", None) or {}
    return {
        **for_every_origin("http", table),
        **{key: value for key, value in own.items() if key not in _CREDENTIALS},
        "skip_instance_cache": True,  # its identity would include that of the middleware
        "client_kwargs": {
            "trust_env": True,
            **session_for_every_origin(table),
            **{key: value for key, value in own_session.items() if key not in _CREDENTIALS},
            "cookie_jar": aiohttp.DummyCookieJar,
            "middlewares": (_OriginCredentials({origin: _headers(options) for origin, options in tables.items()}),),
        },
        "get_client": _open_session,
    }


async def _open_session(*, cookie_jar: Any, **options: Any) -> Any:
    """A session; its cookie jar can be made only in the event loop."""
    import aiohttp

    return aiohttp.ClientSession(cookie_jar=cookie_jar(), **options)


class _OriginCredentials:
    """A middleware of aiohttp: it is called for each request, and again for each redirect.

    Args:
        headers: origin -> headers with credentials. Only these origins get a password of `~/.netrc`, too.
    """

    def __init__(self, headers: Mapping[Any, Mapping[str, str]]) -> None:
        self._headers = headers
        self._cookies: dict[Any, Any] = {}

    async def __call__(self, request: Any, handler: Any) -> Any:
        """Send a request with the credentials of its origin."""
        import aiohttp

        origin = request.url.origin()
        credentials = self._headers.get(origin)
        if credentials is None:  # it is from ~/.netrc, or from the URL of a redirect
            request.headers.popall("Authorization", None)
        if (jar := self._cookies.get(origin)) is None:
            jar = self._cookies[origin] = aiohttp.CookieJar(unsafe=True)
        cookies = [f"{name}={cookie.value}" for name, cookie in jar.filter_cookies(request.url).items()]
        for name, value in (credentials or {}).items():
            if name.lower() == "cookie":
                cookies.insert(0, value)
            else:
                request.headers[name] = value
        if cookies:
            request.headers["Cookie"] = "; ".join(cookies)
        response = await handler(request)
        jar.update_cookies(response.cookies, request.url)
        return response


def _origin(url: str) -> Any:
    """The origin as aiohttp sees it, so that no other parser decides."""
    import yarl

    return yarl.URL(url).origin()


def _headers(table: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a table, with its cookies and its password."""
    session = table.get("client_kwargs") or {}
    headers = {**(session.get("headers") or {}), **(table.get("headers") or {})}
    cookies = {**(session.get("cookies") or {}), **(table.get("cookies") or {})}
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    if (auth := table.get("auth") or session.get("auth")) is not None:
        user, password = auth[0], auth[1]  # aiohttp.BasicAuth, or an array
        headers["Authorization"] = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    return headers
