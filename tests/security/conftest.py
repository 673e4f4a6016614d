"""Servers of the attacker and of those whom they attack, on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.storage.conftest import bucket, servers
from tests.storage.web import Web

__all__ = ["bucket", "servers"]


@pytest.fixture
def make_web() -> Iterator[Callable[[], Web]]:
    """Start HTTP servers."""
    with ExitStack() as stack:

        def make() -> Web:
            web = Web()
            stack.callback(web.close)
            return web

        yield make
