"""Servers for the session, trees for a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.storage.places import KINDS, Tree, new, started
from tests.storage.web import Proxy, Web


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Tree]]:
    """A server of each kind, started on first use."""
    running: dict[str, Tree] = {}
    with ExitStack() as stack:

        def get(kind: str) -> Tree:
            if kind not in running:
                running[kind] = stack.enter_context(started(kind, tmp_path_factory.mktemp(kind)))
            return running[kind]

        yield get


_EMULATED = [pytest.param(kind, marks=pytest.mark.emulators) for kind in ("azure", "gcs")]


@pytest.fixture(params=["local", *KINDS, *_EMULATED])
def tree(request: pytest.FixtureRequest, servers: Callable[[str], Tree], tmp_path: Path) -> Tree:
    """A tree in each kind of storage, including a local folder."""
    return _tree(request.param, servers, tmp_path)


@pytest.fixture(params=[*KINDS, *_EMULATED])
def remote(request: pytest.FixtureRequest, servers: Callable[[str], Tree], tmp_path: Path) -> Tree:
    """A tree in each kind of remote storage."""
    return _tree(request.param, servers, tmp_path)


@pytest.fixture
def bucket(servers: Callable[[str], Tree], tmp_path: Path) -> Tree:
    """A tree in an S3 bucket."""
    return _tree("s3", servers, tmp_path)


@pytest.fixture
def web() -> Iterator[Web]:
    """An HTTP server."""
    server = Web()
    yield server
    server.close()


@pytest.fixture
def proxied(bucket: Tree) -> Iterator[tuple[Tree, Proxy]]:
    """A tree in a bucket behind a proxy, and the proxy."""
    options = dict(bucket.options["s3"])
    proxy = Proxy(int(options["endpoint_url"].rpartition(":")[2]))
    options["endpoint_url"] = proxy.url
    yield Tree(bucket.url, {"s3": options}, {**bucket.env, "AWS_ENDPOINT_URL": proxy.url}), proxy
    proxy.close()


def _tree(kind: str, servers: Callable[[str], Tree], folder: Path) -> Tree:
    return new(kind, None if kind in ("local", "memory") else servers(kind), folder / "tree")
