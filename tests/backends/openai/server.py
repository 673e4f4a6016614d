"""A server of the OpenAI transcription API on this machine, which recognizes what it is sent with the demo model, and can misbehave.

Our reading of https://developers.openai.com/api/reference/resources/audio and of what faster-whisper-server, speaches, whisper.cpp and Groq
do otherwise: which times they tell and where, how they call languages, and how they complain.
"""

from __future__ import annotations

import io
import json
import string
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import decode_audio

from transcribe_cli.recognition.engines.models import DEMO_FOLDER
from transcribe_cli.text.languages import LANGUAGES

KEY = "sk-KEY_OF_THE_TESTS_0123456789"
# The connection is dropped, before the answer is made or after.
DROP_BEFORE, DROP_AFTER = "drop before", "drop after"


@dataclass(frozen=True)
class Trouble:
    """What comes instead of an answer."""

    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


def openai_says(status: int, message: str, code: str = "", **headers: str) -> Trouble:
    """As OpenAI and Groq complain."""
    said = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code or None}}
    return Trouble(status, said, tuple((name.replace("_", "-"), value) for name, value in headers.items()))


@dataclass(frozen=True)
class Asked:
    """A request, as it came."""

    path: str
    fields: dict[str, list[str]]
    name: str
    data: bytes
    seconds: float
    authorization: str


@dataclass(eq=False)
class Api:
    """The server's state and its knobs.

    Attributes:
        then: what comes next instead of an answer, one after the other.
        trouble: asked for each request whose `then` is empty.
        words: where words are: beside the segments, inside them, or nowhere; those beside have no punctuation, as OpenAI's.
        segments: as sentences, one for all of it, or none: then there is nothing but text.
        names: languages are called by their English names.
        silent: languages are not told.
        models: what `/models` says; None where there is no such thing.
        listed: what it says instead.
        fileless: what a form without a file is answered.
        key: that is wanted.
        hold: while it is set nothing is answered.
    """

    then: deque[Trouble | str] = field(default_factory=deque)
    trouble: Callable[[Asked], Trouble | None] = lambda asked: None
    words: str = "beside"
    segments: str = "sentences"
    names: bool = True
    silent: bool = False
    models: list[dict[str, Any]] | None = None
    listed: Trouble | None = None
    fileless: Trouble = field(
        default_factory=lambda: Trouble(422, {"detail": [{"loc": ["body", "file"], "msg": "Field required"}]})
    )
    key: str | None = None
    hold: threading.Event = field(default_factory=threading.Event)
    asked: list[Asked] = field(default_factory=list)
    answered: int = 0
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    model: WhisperModel | None = None

    def answer(self, asked: Asked) -> dict[str, Any]:
        """What is heard, in the shape that the knobs say."""
        assert self.model is not None
        with self.lock:
            samples = decode_audio(io.BytesIO(asked.data))
            language = next(iter(asked.fields.get("language") or asked.fields.get("languages[]") or [None]))
            found, info = self.model.transcribe(
                samples,
                language=language,
                task="translate" if asked.path.endswith("translations") else "transcribe",
                word_timestamps=True,
                condition_on_previous_text=False,
                beam_size=1,
                temperature=0.0,
                initial_prompt=next(iter(asked.fields.get("prompt", [])), None),
            )
            segments = list(found)
        text = "".join(segment.text for segment in segments)
        answer: dict[str, Any] = {"text": text.strip()}
        if not self.silent:
            answer["language"] = LANGUAGES[info.language] if self.names else info.language
        if asked.fields["response_format"] == ["json"] or self.segments == "none":
            return answer
        answer |= {
            "task": "transcribe",
            "duration": info.duration,
            "segments": [self._segment(n, s) for n, s in enumerate(segments)],
        }
        if self.segments == "whole" and segments:
            answer["segments"] = [{"id": 0, "start": segments[0].start, "end": segments[-1].end, "text": text}]
        if self.words == "beside" and "word" in asked.fields.get("timestamp_granularities[]", []):
            bare = [(word.word.strip().strip(string.punctuation), word) for s in segments for word in s.words or ()]
            answer["words"] = [{"word": word, "start": told.start, "end": told.end} for word, told in bare if word]
        return answer

    def _segment(self, number: int, segment: Any) -> dict[str, Any]:
        said = {
            "id": number,
            "seek": segment.seek,
            "start": segment.start,
            "end": segment.end,
            "text": segment.text,
            "tokens": segment.tokens,
            "temperature": segment.temperature,
            "avg_logprob": segment.avg_logprob,
            "compression_ratio": segment.compression_ratio,
            "no_speech_prob": segment.no_speech_prob,
        }
        if self.words == "inside":
            said["words"] = [
                {"word": word.word, "start": word.start, "end": word.end, "probability": word.probability}
                for word in segment.words or ()
            ]
        return said


def loaded() -> WhisperModel:
    """The demo model."""
    return WhisperModel(str(DEMO_FOLDER), device="cpu", compute_type="int8", cpu_threads=1)


@contextmanager
def running(api: Api) -> Iterator[Api]:
    """The server, listening on this machine."""
    handler = type("Handler", (_Handler,), {"api": api})
    with _Server(("127.0.0.1", 0), handler) as server:
        api.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield api
        finally:
            api.hold.clear()
            server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients are killed while they speak: that is no error here."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: Api

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.api.key and self.headers.get("authorization") != f"Bearer {self.api.key}":
            self._say(Trouble(401, {"error": {"message": f"Incorrect API key: {self.headers.get('authorization')}"}}))
        elif self.api.listed is not None:
            self._say(self.api.listed)
        elif self.path == "/v1/models" and self.api.models is not None:
            self._say(Trouble(200, {"object": "list", "data": self.api.models}))
        else:
            self._say(Trouble(404, {"detail": "Not Found"}))

    def do_POST(self) -> None:
        if "multipart" not in self.headers["content-type"]:  # without a file
            self.rfile.read(int(self.headers["content-length"]))
            wanted = self.api.key and self.headers.get("authorization") != f"Bearer {self.api.key}"
            self._say(Trouble(401, {"detail": "Unauthorized"}) if wanted else self.api.fileless)
            return
        api, asked = self.api, self._read()
        with api.lock:
            api.asked.append(asked)
            api.at_once += 1
            api.most_at_once = max(api.most_at_once, api.at_once)
            trouble = api.then.popleft() if api.then else api.trouble(asked)
        try:
            while api.hold.is_set():
                time.sleep(0.02)
            if trouble == DROP_BEFORE:
                self._drop()
            elif isinstance(trouble, Trouble):
                self._say(trouble)
            elif api.key and asked.authorization != f"Bearer {api.key}":
                self._say(Trouble(401, {"error": {"message": f"Incorrect API key: {asked.authorization}"}}))
            else:
                answer = api.answer(asked)
                if trouble == DROP_AFTER:
                    self._drop()
                else:
                    api.answered += 1
                    self._say(Trouble(200, answer))
        finally:
            with api.lock:
                api.at_once -= 1

    def _read(self) -> Asked:
        body = self.rfile.read(int(self.headers["content-length"]))
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        fields: dict[str, list[str]] = {}
        name, data = "", b""
        for part in BytesParser(policy=policy.HTTP).parsebytes(head + body).iter_parts():
            key = str(part.get_param("name", header="content-disposition"))
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            if key == "file":
                name, data = str(part.get_filename()), payload
            else:
                fields.setdefault(key, []).append(payload.decode())
        seconds = len(np.asarray(decode_audio(io.BytesIO(data)))) / 16_000
        return Asked(self.path, fields, name, data, seconds, self.headers.get("authorization") or "")

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _say(self, said: Trouble) -> None:
        text = isinstance(said.body, str)
        data = said.body.encode() if text else json.dumps(said.body).encode()
        self.send_response(said.status)
        self.send_header("content-type", "text/plain" if text else "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in said.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
