"""A Hugging Face hub on 127.0.0.1: repositories with files, some of which require a token or the acceptance of terms.

The responses follow huggingface_hub's `hf_raise_for_status`, which distinguishes the cases by the header X-Error-Code.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

import pytest

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


def digest(data: bytes) -> str:
    """Identifies the content of a file."""
    return hashlib.sha1(data).hexdigest()


@dataclass
class Repository:
    """Files by path. `gated`: requires a valid token. `closed`: the account has not accepted the terms.

    Attributes:
        commit: of these files, on the branch main.
        earlier: the files of earlier commits.
        moves_on: the branch gets another commit, with other files, after each file that is sent.
    """

    files: dict[str, bytes]
    gated: bool = True
    closed: bool = False
    commit: str = "0" * 40
    earlier: dict[str, dict[str, bytes]] = field(default_factory=dict)
    moves_on: bool = False

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """The commit and the files of a revision."""
        if revision in ("main", self.commit):
            return self.commit, self.files
        return (revision, self.earlier[revision]) if revision in self.earlier else None

    def push(self, files: dict[str, bytes]) -> None:
        """Make another commit."""
        self.earlier[self.commit] = self.files
        self.files, self.commit = files, f"{int(self.commit, 16) + 1:040x}"


def _repositories() -> dict[str, Repository]:
    demo = {str(path.relative_to(DEMO_FOLDER)): path.read_bytes() for path in DEMO_FOLDER.rglob("*") if path.is_file()}
    model = {"config.yaml": b"", "pytorch_model.bin": b"weights"}
    return {
        DEFAULT_DIARIZER: Repository(demo),
        DIARIZATION_3_1: Repository({"config.yaml": CONFIG_3_1.encode()}),
        SEGMENTATION_3_0: Repository(dict(model)),
        WESPEAKER: Repository(dict(model), gated=False),
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
        path = unquote(urlsplit(self.path).path).removeprefix("/api/models").strip("/").split("/")
        if path[2:3] not in (["resolve"], ["revision"], ["tree"]):
            self._refuse(404, "EntryNotFound", "no such page")
            return
        name, file = "/".join(path[:2]), "/".join(path[4:])
        self.served.requests.append(f"{self.command} {name} {file}".strip())
        if (refusal := self.served.refusal(name, self.headers["authorization"])) is not None:
            self._refuse(*refusal)
        elif (found := self.served.repositories[name].at(path[3])) is None:
            self._refuse(404, "RevisionNotFound", "Invalid rev id")
        elif path[2] == "revision":
            self._send(json.dumps({"id": name, "sha": found[0]}).encode(), found[0], with_body=with_body)
        elif path[2] == "tree":
            tree = [{"type": "file", "path": path, "size": len(data), "oid": digest(data)} for path, data in found[1].items()]
            self._send(json.dumps(tree).encode(), found[0], with_body=with_body)
        elif file not in found[1]:
            self._refuse(404, "EntryNotFound", "Entry not found")
        else:
            self._send(found[1][file], found[0], with_body=with_body)
            if with_body and self.served.repositories[name].moves_on:
                self.served.repositories[name].push(dict.fromkeys(found[1], b"another commit"))

    def _send(self, data: bytes, commit: str, *, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("ETag", f'"{digest(data)}"')
        self.send_header("X-Repo-Commit", commit)
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


@contextmanager
def fake_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that has the demo diarizer under the official names, and that our code sends requests to."""
    from huggingface_hub import constants

    with FakeHub() as fake:
        # The library derives both from HF_ENDPOINT on import.
        monkeypatch.setattr(constants, "ENDPOINT", fake.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", fake.url + "/{repo_id}/resolve/{revision}/{filename}")
        for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere/token")
        yield fake
