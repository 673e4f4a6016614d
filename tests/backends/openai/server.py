"""A fake server of the OpenAI transcription API, which recognizes audio with the demo model and can inject faults.

It follows https://developers.openai.com/api/reference/resources/audio, and the differences of faster-whisper-server, speaches, whisper.cpp
and Groq: which times they return and where, how they name languages, and the shape of their errors.
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
# The connection is dropped before or after the audio is recognized.
DROP_BEFORE, DROP_AFTER = "drop before", "drop after"


@dataclass(frozen=True)
class Reply:
    """An HTTP response."""

    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


def openai_error(status: int, message: str, code: str = "", **headers: str) -> Reply:
    """An error in the shape of OpenAI and Groq."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code or None}}
    return Reply(status, body, tuple((name.replace("_", "-"), value) for name, value in headers.items()))


@dataclass(frozen=True)
class Request:
    """A request as it was received."""

    path: str
    fields: dict[str, list[str]]
    name: str
    data: bytes
    seconds: float
    authorization: str


@dataclass(eq=False)
class FakeServer:
    """The server's state and its options.

    Attributes:
        faults: the next replies instead of answers, in order.
        fault_for: called for each request once `faults` is empty.
        words: where words are: beside the segments, inside them, or nowhere; those beside have no punctuation, like OpenAI's.
        segments: "sentences", "whole" for a single one, or "none" for text only.
        uses_language_names: languages have their English names instead of codes.
        omits_language: answers have no language.
        models: the list at `/models`; None without one.
        models_reply: the reply at `/models` instead.
        fileless_reply: the reply to a form without a file.
        key: that is required.
        hold: while it is set, no request is answered.
        requests: all that were received.
    """

    faults: deque[Reply | str] = field(default_factory=deque)
    fault_for: Callable[[Request], Reply | None] = lambda request: None
    words: str = "beside"
    segments: str = "sentences"
    uses_language_names: bool = True
    omits_language: bool = False
    models: list[dict[str, Any]] | None = None
    models_reply: Reply | None = None
    fileless_reply: Reply = field(
        default_factory=lambda: Reply(422, {"detail": [{"loc": ["body", "file"], "msg": "Field required"}]})
    )
    key: str | None = None
    hold: threading.Event = field(default_factory=threading.Event)
    requests: list[Request] = field(default_factory=list)
    answered: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    model: WhisperModel | None = None

    def answer(self, request: Request) -> dict[str, Any]:
        """The recognized text, in the shape that the options set."""
        assert self.model is not None
        with self.lock:
            samples = decode_audio(io.BytesIO(request.data))
            language = next(iter(request.fields.get("language") or request.fields.get("languages[]") or [None]))
            results, info = self.model.transcribe(
                samples,
                language=language,
                task="translate" if request.path.endswith("translations") else "transcribe",
                word_timestamps=True,
                condition_on_previous_text=False,
                beam_size=1,
                temperature=0.0,
                initial_prompt=next(iter(request.fields.get("prompt", [])), None),
            )
            segments = list(results)
        text = "".join(segment.text for segment in segments)
        answer: dict[str, Any] = {"text": text.strip()}
        if not self.omits_language:
            answer["language"] = LANGUAGES[info.language] if self.uses_language_names else info.language
        if request.fields["response_format"] == ["json"] or self.segments == "none":
            return answer
        answer |= {
            "task": "transcribe",
            "duration": info.duration,
            "segments": [self._segment(n, s) for n, s in enumerate(segments)],
        }
        if self.segments == "whole" and segments:
            answer["segments"] = [{"id": 0, "start": segments[0].start, "end": segments[-1].end, "text": text}]
        if self.words == "beside" and "word" in request.fields.get("timestamp_granularities[]", []):
            bare = [(word.word.strip().strip(string.punctuation), word) for s in segments for word in s.words or ()]
            answer["words"] = [{"word": word, "start": timed.start, "end": timed.end} for word, timed in bare if word]
        return answer

    def _segment(self, number: int, segment: Any) -> dict[str, Any]:
        document = {
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
            document["words"] = [
                {"word": word.word, "start": word.start, "end": word.end, "probability": word.probability}
                for word in segment.words or ()
            ]
        return document


def load_model() -> WhisperModel:
    """The demo model."""
    return WhisperModel(str(DEMO_FOLDER), device="cpu", compute_type="int8", cpu_threads=1)


@contextmanager
def running(api: FakeServer) -> Iterator[FakeServer]:
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
        """Ignore broken connections: tests kill clients."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: FakeServer

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""

    def do_GET(self) -> None:
        if self.api.key and self.headers.get("authorization") != f"Bearer {self.api.key}":
            self._send(Reply(401, {"error": {"message": f"Incorrect API key: {self.headers.get('authorization')}"}}))
        elif self.api.models_reply is not None:
            self._send(self.api.models_reply)
        elif self.path == "/v1/models" and self.api.models is not None:
            self._send(Reply(200, {"object": "list", "data": self.api.models}))
        else:
            self._send(Reply(404, {"detail": "Not Found"}))

    def do_POST(self) -> None:
        if "multipart" not in self.headers["content-type"]:  # without a file
            self.rfile.read(int(self.headers["content-length"]))
            is_refused = self.api.key and self.headers.get("authorization") != f"Bearer {self.api.key}"
            self._send(Reply(401, {"detail": "Unauthorized"}) if is_refused else self.api.fileless_reply)
            return
        api, request = self.api, self._read()
        with api.lock:
            api.requests.append(request)
            api.in_flight += 1
            api.max_in_flight = max(api.max_in_flight, api.in_flight)
            fault = api.faults.popleft() if api.faults else api.fault_for(request)
        try:
            while api.hold.is_set():
                time.sleep(0.02)
            if fault == DROP_BEFORE:
                self._drop()
            elif isinstance(fault, Reply):
                self._send(fault)
            elif api.key and request.authorization != f"Bearer {api.key}":
                self._send(Reply(401, {"error": {"message": f"Incorrect API key: {request.authorization}"}}))
            else:
                answer = api.answer(request)
                if fault == DROP_AFTER:
                    self._drop()
                else:
                    api.answered += 1
                    self._send(Reply(200, answer))
        finally:
            with api.lock:
                api.in_flight -= 1

    def _read(self) -> Request:
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
        return Request(self.path, fields, name, data, seconds, self.headers.get("authorization") or "")

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(self, reply: Reply) -> None:
        text = isinstance(reply.body, str)
        data = reply.body.encode() if text else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("content-type", "text/plain" if text else "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in reply.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
