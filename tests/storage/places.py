"""The storage that tests run against: a folder, memory, and servers started by the tests. Each is a writable tree."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.storage.sftp import PASSWORD, USER, SftpServer
from transcribe_cli.storage import AnyPath, Location, below, bind_to_sources, locate

KEY, SECRET = "AKIATESTKEYOFOURS0001", "secret-of-the-tests-7f3a"
AZURITE = Path(sys.prefix) / "azurite/node_modules/.bin/azurite-blob"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
KINDS = ("memory", "s3", "sftp")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Tree:
    """A folder for one test in some storage.

    Attributes:
        url: the URL of its top.
        options: the options of `[storage]`.
        env: environment variables that the program needs to access it.
    """

    url: str
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)

    def at(self, name: str = "") -> AnyPath:
        """A path in the tree."""
        top: AnyPath = locate(self.url, bind_to_sources(self.options, [self.url])) if "://" in self.url else Path(self.url)
        return below(top, PurePosixPath(name))

    def put(self, name: str, data: bytes) -> AnyPath:
        """Write a file."""
        path = self.at(name)
        if isinstance(path, Location):
            path.store.write(path, data, "application/octet-stream")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return path

    def names(self) -> set[str]:
        """The relative paths of all files."""
        top = self.at()
        if isinstance(top, Location):
            return {path.relative_to(top).as_posix() for path, _ in top.find()}
        return {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()}

    def get(self, name: str) -> bytes | None:
        """The content of a file; None if it does not exist."""
        path = self.at(name)
        try:
            return path.store.read(path) if isinstance(path, Location) else path.read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        path = self.at(name)
        if isinstance(path, Location):
            path.store.remove(path)
        else:
            path.unlink(missing_ok=True)

    def files(self) -> dict[str, bytes]:
        """All files with their content."""
        top = self.at()
        if isinstance(top, Location):
            return {path.relative_to(top).as_posix(): path.store.read(path) for path, _ in top.find()}
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


@contextmanager
def started(kind: str, folder: Path) -> Iterator[Tree]:
    """Run a server of this kind. Skips the test if it is not installed."""
    with ExitStack() as stack:
        yield {"s3": _s3, "sftp": _sftp, "azure": _azure, "gcs": _gcs}[kind](folder, stack)


def new(kind: str, server: Tree | None, folder: Path) -> Tree:
    """A new tree on a server."""
    name = f"t{secrets.token_hex(6)}"
    if kind == "local":
        return Tree(str(folder))
    if kind == "memory":
        return Tree(f"memory://{name}")
    assert server is not None
    return Tree(f"{server.url}/{name}", server.options, server.env)


def _s3(folder: Path, stack: ExitStack) -> Tree:
    if endpoint := os.environ.get("TEST_S3_ENDPOINT"):
        key, secret = os.environ["TEST_S3_KEY"], os.environ["TEST_S3_SECRET"]
        options = {"s3": {"endpoint_url": endpoint, "key": key, "secret": secret}}
        bucket = f"aulas-{secrets.token_hex(4)}"
        make_bucket(options, bucket)
        env = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        return Tree(f"s3://{bucket}", options, env)
    from tests.storage.s3 import S3Server

    server = S3Server()
    stack.callback(server.close)
    options = {"s3": {"endpoint_url": server.endpoint, "key": KEY, "secret": SECRET}}
    make_bucket(options, "aulas")
    env = {"AWS_ENDPOINT_URL": server.endpoint, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    return Tree("s3://aulas", options, env)


def make_bucket(options: Mapping[str, Mapping[str, Any]], name: str) -> None:
    """Create a bucket on an S3 server."""
    import fsspec

    fsspec.filesystem("s3", **options["s3"], skip_instance_cache=True).call_s3("create_bucket", Bucket=name)


def _sftp(folder: Path, stack: ExitStack) -> Tree:
    top = folder / "sftp"
    top.mkdir()
    server = SftpServer(top)
    stack.callback(server.close)
    known = str(server.known_hosts(folder / "known_hosts"))
    options = {
        "sftp": {"username": USER, "password": PASSWORD, "known_hosts": known, "allow_agent": False, "look_for_keys": False}
    }
    return Tree(f"sftp://127.0.0.1:{server.port}/home", options)


def _azure(folder: Path, stack: ExitStack) -> Tree:
    if not AZURITE.exists() or not shutil.which("node"):
        pytest.skip(f"Azurite is not installed: npm install --prefix {AZURITE.parents[2]} azurite")
    port = free_port()
    command = [
        AZURITE,
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        str(port),
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--silent",
    ]
    process = subprocess.Popen([*command, "-l", folder], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    wait_for(port)
    endpoint = f"http://127.0.0.1:{port}/devstoreaccount1"
    connection = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={AZURITE_KEY};BlobEndpoint={endpoint};"
    options = {"azure": {"connection_string": connection}}
    import fsspec

    fsspec.filesystem("abfs", connection_string=connection, skip_instance_cache=True).mkdir("aulas")
    return Tree("az://aulas", options, {"AZURE_STORAGE_CONNECTION_STRING": connection})


def _gcs(folder: Path, stack: ExitStack) -> Tree:
    if not _installed("gcp_storage_emulator"):
        pytest.skip("The GCS emulator is not installed: pip install gcp-storage-emulator")
    port = free_port()
    command = [sys.executable, "-m", "tests.storage.gcs", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    wait_for(port)
    endpoint = f"http://127.0.0.1:{port}"
    options = {"gcs": {"endpoint_url": endpoint, "token": "anon", "project": "test"}}
    return Tree("gs://aulas", options, {"STORAGE_EMULATOR_HOST": endpoint})


@cache
def _installed(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def free_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def wait_for(port: int) -> None:
    """Wait until a server listens on the port."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")


def without_credentials() -> dict[str, str]:
    """The environment without credentials."""
    prefixes = ("AWS_", "GOOGLE_", "AZURE_", "STORAGE_", "FSSPEC_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
