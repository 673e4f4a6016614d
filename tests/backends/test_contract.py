"""The contract tests of `suite`, for each backend and for a chain with its wrappers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.conftest import RemoteRunner
from tests.backends.gateway import Gateway
from tests.backends.suite import SPEC, BackendSuite
from transcribe_cli.backends import Backend
from transcribe_cli.backends.chain import remote_backend
from transcribe_cli.backends.local import Local
from transcribe_cli.backends.openai import OpenAI
from transcribe_cli.backends.runpod import RunPod
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.costs.remote_meter import RemoteMeter
from transcribe_cli.events import ignore_event
from transcribe_cli.settings import Settings


class TestLocal(BackendSuite):
    """The local backend."""

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        """With two threads."""
        return Local(SPEC, Settings(device="cpu", threads=2, state_dir=tmp_path / "state"), ignore_event)


class TestRunPod(BackendSuite):
    """A RunPod endpoint."""

    @pytest.fixture
    def backend(self, served: Gateway, tmp_path: Path) -> Iterator[Backend]:
        """With our worker."""
        return RunPod(SPEC, RemoteRunner(served, tmp_path, tmp_path / "state").settings(), ignore_event)


class TestOpenAI(BackendSuite):
    """A server of the OpenAI API."""

    @pytest.fixture
    def backend(self, fws: str, tmp_path: Path) -> Backend:
        """faster-whisper-server."""
        return OpenAI(SPEC, Settings(base_url=fws, state_dir=tmp_path / "state"), ignore_event)


class TestChain(BackendSuite):
    """An endpoint with its wrappers, and the local backend as fallback."""

    @pytest.fixture
    def backend(self, served: Gateway, tmp_path: Path) -> Iterator[Backend]:
        """As `transcribe remote --fallback local` makes it."""
        settings = RemoteRunner(served, tmp_path, tmp_path / "state").settings(fallback=("local",), device="cpu")
        return remote_backend(SPEC, settings, ignore_event, RemoteMeter(load_prices))
