"""A Hugging Face hub on 127.0.0.1: repositories with files, some of which require a token or the acceptance of terms.

The responses follow huggingface_hub's `hf_raise_for_status`, which distinguishes the cases by the header X-Error-Code.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER, DIARIZATION_3_1
from transcribe_cli.spec import DEFAULT_DIARIZER

SEGMENTATION_3_0 = "pyannote/segmentation-3.0"
WESPEAKER = "pyannote/wespeaker-voxceleb-resnet34-LM"
GOOD_TOKEN = "hf_good"
# As in the real repository, which does not mention a PLDA.
CONFIG_3_1 = f"""
version: 3.1.0
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    clustering: AgglomerativeClustering
    embedding: {WESPEAKER}
    embedding_batch_size: 32
    embedding_exclude_overlap: true
    segmentation: {SEGMENTATION_3_0}
    segmentation_batch_size: 32
params:
  clustering: {{method: centroid, min_cluster_size: 12, threshold: 0.7045654963945799}}
  segmentation: {{min_duration_off: 0.0}}
"""


@dataclass
class Repository:
    """Files by path. `gated`: requires a valid token. `closed`: the account has not accepted the terms."""

    files: dict[str, bytes]
    gated: bool = True
    closed: bool = False


def _repositories() -> dict[str, Repository]:
    demo = {str(path.relative_to(DEMO_FOLDER)): path.read_bytes() for path in DEMO_FOLDER.rglob("*") if path.is_file()}
    model = {"config.yaml": b"", "pytorch_model.bin": b""}
    return {
        DEFAULT_DIARIZER: Repository(demo),
        DIARIZATION_3_1: Repository({"config.yaml": CONFIG_3_1.encode()}),
        SEGMENTATION_3_0: Repository(model | {"pytorch_model.bin": demo["segmentation/pytorch_model.bin"]}),
        WESPEAKER: Repository(model | {"pytorch_model.bin": demo["embedding/pytorch_model.bin"]}, gated=False),
    }


@dataclass
class FakeHub:
    """Serves inside `with`.

    Attributes:
        repositories: by name; tests may change them.
        is_down: respond to everything with 503.
        is_token_narrow: the token is a fine-grained one that may not read gated repositories.
        requests: all requests, as `METHOD repository file`.
    """

    repositories: dict[str, Repository] = field(default_factory=_repositories)
    is_down: bool = False
    is_token_narrow: bool = False
    requests: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        hub = self

        class Handler(_Handler):
            served = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def refusal(self, name: str, authorization: str | None) -> tuple[int, str, str] | None:
        """Status, X-Error-Code and X-Error-Message; None when the repository is open."""
        if self.is_down:
            return 503, "", "Service Unavailable"
        if authorization not in (None, f"Bearer {GOOD_TOKEN}"):
            return 401, "", "Invalid credentials in Authorization header"
        repository = self.repositories.get(name)
        if repository is None:
            return 404, "RepoNotFound", "Repository not found"
        if repository.gated and authorization is None:
            return 401, "GatedRepo", "Access to this model is restricted. Please log in."
        if repository.gated and self.is_token_narrow:
            return 403, "", "Please enable access to public gated repositories in your fine-grained token settings."
        if repository.closed:
            return 403, "GatedRepo", "You are not in the authorized list."
        return None


class _Handler(BaseHTTPRequestHandler):
    served: FakeHub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *values: object) -> None:
        """Log nothing."""

    def _answer(self, *, with_body: bool) -> None:
        owner, name, *rest = unquote(urlsplit(self.path).path).strip("/").split("/")
        if rest[:1] != ["resolve"]:
            self._refuse(404, "EntryNotFound", "no such page")
            return
        repository, file = f"{owner}/{name}", str(Path(*rest[2:]))
        self.served.requests.append(f"{self.command} {repository} {file}")
        if (refusal := self.served.refusal(repository, self.headers["authorization"])) is not None:
            self._refuse(*refusal)
        elif file not in self.served.repositories[repository].files:
            self._refuse(404, "EntryNotFound", "Entry not found")
        else:
            self._send(self.served.repositories[repository].files[file], with_body=with_body)

    def _send(self, data: bytes, *, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if with_body:
            self.wfile.write(data)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()
