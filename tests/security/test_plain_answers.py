"""A server or a device that says no ends neither in a traceback nor, where it is one item, the run.

The attacker runs the server that a URL of a list leads to. The full device is nobody's fault.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import command, environment
from tests.transcripts import transcript_of
from transcribe_cli.errors import StorageNotReady
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import Options, locate


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A recording that everybody else needs."""
    path = tmp_path / "good.mp3"
    path.write_bytes(b"sound")
    return path


def transcript_text(path: Path) -> str:
    """A transcript beside the recording, as a run writes it."""
    (recording,) = find_recordings([str(path)])
    return transcript_of(recording, JobSpec(model="small")).dumps()


# servers


class Answering404:
    """An S3 server that answers every request with a plain 404, without the XML that says what is missing."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.send_response(404)
                self.send_header("Content-Length", "9")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(b"not found")

            do_HEAD = do_PUT = do_GET  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: object) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.options: Options = {"s3": {"key": "a", "secret": "b", "endpoint_url": f"http://127.0.0.1:{self.server.server_port}"}}


@pytest.fixture
def plain404() -> Iterator[Answering404]:
    """The server, running."""
    answering = Answering404()
    threading.Thread(target=answering.server.serve_forever, daemon=True).start()
    yield answering
    answering.server.shutdown()
    answering.server.server_close()


@pytest.mark.parametrize("source", ["s3://b/", "s3://b/folder", "s3://b/*.mp3", "s3://b/a.mp3"])
def test_a_server_with_plain_404_is_one_line(source: str, plain404: Answering404, tmp_path: Path, good: Path) -> None:
    """As a source it is an error of ours; in a list, of that line alone."""
    (tmp_path / "list").write_text(f"{source}\n{good}\n")
    bad, rest = find_recordings([f"@{tmp_path}/list"], storage=plain404.options)
    assert bad.problem is not None
    assert rest.problem is None


def test_outputs_on_a_server_with_plain_404_are_refused(plain404: Answering404) -> None:
    """The bucket is missing, not the file that is written."""
    location = locate("s3://b/a.json", plain404.options)
    with pytest.raises(StorageNotReady, match="bucket does not exist"):
        location.store.write(location, b"{}", "application/json")


# output


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "."],
        ["plan", ".", "--json"],
        ["status", "."],
        ["report"],
        ["--version"],
        ["--help"],
        ["config", "show"],
        ["render", "a.json", "-f", "txt", "-o", "-"],
        ["render", "a.json", "-f", "docx", "-o", "-"],
    ],
    ids=" ".join,
)
def test_a_full_device_as_output_is_one_line(arguments: list[str], unbuffered: str, tmp_path: Path) -> None:
    """Exit code 1, because the output is missing; no traceback, and no request to report a bug."""
    (tmp_path / "a.mp3").write_bytes(b"sound")
    (tmp_path / "a.json").write_text(transcript_text(tmp_path / "a.mp3"))
    with Path("/dev/full").open("w") as full:
        variables = environment({"PYTHONUNBUFFERED": unbuffered})
        ran = subprocess.run(command(arguments), cwd=tmp_path, env=variables, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ran.stderr.decode() == "transcribe: Standard output cannot be written (No space left on device).\n"
    assert ran.returncode == 1
