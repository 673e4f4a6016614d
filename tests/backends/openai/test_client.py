"""The API over HTTP, and the errors for its error responses."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.backends.openai.server import DROP_BEFORE, KEY, FakeServer, Reply, openai_error
from transcribe_cli.backends.openai.client import AnswerLost, Client
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.backends.thread_pool import StopFlag, Stopped
from transcribe_cli.errors import BackendFailed, NotReady, RecordingError, TranscribeError

FIELDS = [("model", "demo"), ("response_format", "verbose_json")]


@pytest.fixture
def client(api: FakeServer) -> Iterator[Client]:
    """A client without a key."""
    with closing(Client(Server(api.url), None, StopFlag())) as client:
        yield client


def silence() -> tuple[str, bytes, str]:
    """Two seconds of silence, as a form's file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(16_000)
        target.writeframes(bytes(64_000))
    return "audio.wav", file.getvalue(), "audio/wav"


def send(client: Client) -> object:
    """Send silence and return the answer."""
    return client.transcribe(FIELDS, silence(), seconds=2.0, translate=False)


CASES: list[tuple[Reply, type[TranscribeError], str]] = [
    (openai_error(401, f"Incorrect API key provided: {KEY}."), NotReady, "requires a key (HTTP 401). Set TRANSCRIBE_API_KEY"),
    (Reply(403, {"detail": "Not authenticated"}), NotReady, "denies access (Not authenticated)"),
    (openai_error(404, "The model `demo` does not exist", "model_not_found"), NotReady, "has no model demo"),
    (Reply(404, {"detail": "Model 'demo' is not installed locally."}), NotReady, "no transcription API|has no model"),
    (Reply(404, {"detail": "Not Found"}), NotReady, "There is no transcription API at"),
    (Reply(405, "Method Not Allowed"), NotReady, "There is no transcription API at"),
    (Reply(308, "", (("location", "https://elsewhere.example.org/v1"),)), NotReady, "redirects to another address (HTTP 308)"),
    (openai_error(413, "Maximum content size limit (26214400) exceeded"), NotReady, "--upload opus"),
    (Reply(413, "<html>413</html>"), NotReady, "does not accept 0.1 MB"),
    (Reply(415, {"detail": "Unsupported media type"}), NotReady, "cannot read the audio"),
    (Reply(400, "failed to read audio data"), NotReady, "--upload original sends WAV"),
    (
        Reply(400, {"detail": {"error": {"message": "Unsupported response_format: verbose_json", "type": "x"}}}),
        NotReady,
        "--api-times segment, or none",
    ),
    (
        Reply(422, {"detail": [{"loc": ["body", "file"], "msg": "Field required", "type": "missing"}]}),
        NotReady,
        "does not understand the request (file: Field required)",
    ),
    (openai_error(400, "audio duration 1830 seconds is longer than 1400 seconds", "invalid_value"), NotReady, "of this length"),
    (
        openai_error(400, "This audio is refused."),
        RecordingError,
        "refuses a part of the recording (HTTP 400) (This audio is refused)",
    ),
    (openai_error(429, "You exceeded your current quota", "insufficient_quota"), NotReady, "has no credit left"),
    (openai_error(402, "Payment required"), NotReady, "has no credit left"),
    (openai_error(429, "Rate limit reached", "rate_limit_exceeded"), BackendFailed, "HTTP 429 (Rate limit reached)"),
    (Reply(500, "Internal Server Error"), BackendFailed, "HTTP 500 (Internal Server Error)"),
    (Reply(500, {"detail": "list index out of range"}), BackendFailed, "HTTP 500 (list index out of range)"),
]


@pytest.mark.parametrize(("reply", "kind", "message"), CASES)
def test_error_responses_of_any_shape_become_one_line_with_a_hint(
    api: FakeServer, client: Client, reply: Reply, kind: type[TranscribeError], message: str
) -> None:
    api.fault_for = lambda request: reply
    with pytest.raises(TranscribeError) as caught:
        send(client)
    assert type(caught.value) is kind
    assert any(part in str(caught.value) for part in message.split("|"))
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_that_a_server_repeats_is_removed(api: FakeServer) -> None:
    api.fault_for = lambda request: openai_error(400, f"What is {request.authorization}?")
    with closing(Client(Server(api.url), KEY, StopFlag())) as client, pytest.raises(RecordingError) as caught:
        send(client)
    assert "What is Bearer …?" in str(caught.value)


def test_the_delay_is_the_one_that_the_server_requests(api: FakeServer, client: Client) -> None:
    api.fault_for = lambda request: openai_error(429, "Rate limit reached", "rate_limit_exceeded", retry_after="7")
    with pytest.raises(BackendFailed) as caught:
        send(client)
    assert caught.value.retry_after == 7.0


def test_a_dropped_connection_is_an_answer_lost(api: FakeServer, client: Client) -> None:
    api.faults.append(DROP_BEFORE)
    with pytest.raises(AnswerLost, match="accepted a request and did not answer"):
        send(client)


@pytest.mark.parametrize("body", ["Bom dia.", [1], "<html>"])
def test_an_answer_that_is_not_an_object_is_a_backend_failure(api: FakeServer, client: Client, body: object) -> None:
    api.faults.append(Reply(200, body))
    with pytest.raises(BackendFailed, match="not a JSON object"):
        send(client)


def test_waiting_for_an_answer_ends_when_the_run_is_stopped(api: FakeServer) -> None:
    stop = StopFlag()
    api.hold.set()
    with closing(Client(Server(api.url), None, stop)) as client:
        stop.set()
        with pytest.raises(Stopped):
            send(client)


@pytest.mark.parametrize("reply", [Reply(200, "no"), Reply(200, {"data": "no"}), Reply(200, []), Reply(403, {}), Reply(500, "")])
def test_a_server_need_not_list_its_models(api: FakeServer, client: Client, reply: Reply) -> None:
    api.models_reply = reply
    assert client.models() is None
