"""The API over HTTP: complaints of any shape, and whose failure they are."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.backends.openai.server import DROP_BEFORE, KEY, Api, Trouble, openai_says
from transcribe_cli.backends.openai.client import Client, Dropped
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.backends.thread_pool import StopFlag, Stopped
from transcribe_cli.errors import BackendFailed, NotReady, RecordingError, TranscribeError

FIELDS = [("model", "demo"), ("response_format", "verbose_json")]


@pytest.fixture
def client(api: Api) -> Iterator[Client]:
    """Without a key."""
    with closing(Client(Server(api.url), None, StopFlag())) as made:
        yield made


def silence() -> tuple[str, bytes, str]:
    """Two seconds of nothing."""
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(16_000)
        target.writeframes(bytes(64_000))
    return "audio.wav", file.getvalue(), "audio/wav"


def asked(client: Client) -> object:
    """An answer."""
    return client.transcribe(FIELDS, silence(), seconds=2.0, translate=False)


CASES: list[tuple[Trouble, type[TranscribeError], str]] = [
    (openai_says(401, f"Incorrect API key provided: {KEY}."), NotReady, "wants a key (HTTP 401). Set TRANSCRIBE_API_KEY"),
    (Trouble(403, {"detail": "Not authenticated"}), NotReady, "refuses this (Not authenticated)"),
    (openai_says(404, "The model `demo` does not exist", "model_not_found"), NotReady, "has no model demo"),
    (Trouble(404, {"detail": "Model 'demo' is not installed locally."}), NotReady, "no transcription API|has no model"),
    (Trouble(404, {"detail": "Not Found"}), NotReady, "There is no transcription API at"),
    (Trouble(405, "Method Not Allowed"), NotReady, "There is no transcription API at"),
    (Trouble(308, "", (("location", "https://elsewhere.example.org/v1"),)), NotReady, "leads elsewhere (HTTP 308)"),
    (openai_says(413, "Maximum content size limit (26214400) exceeded"), NotReady, "--upload opus"),
    (Trouble(413, "<html>413</html>"), NotReady, "does not take 0.1 MB"),
    (Trouble(415, {"detail": "Unsupported media type"}), NotReady, "cannot read the audio"),
    (Trouble(400, "failed to read audio data"), NotReady, "--upload original sends WAV"),
    (
        Trouble(400, {"detail": {"error": {"message": "Unsupported response_format: verbose_json", "type": "x"}}}),
        NotReady,
        "--api-times segment, or none",
    ),
    (
        Trouble(422, {"detail": [{"loc": ["body", "file"], "msg": "Field required", "type": "missing"}]}),
        NotReady,
        "does not understand the request (file: Field required)",
    ),
    (openai_says(400, "audio duration 1830 seconds is longer than 1400 seconds", "invalid_value"), NotReady, "of this length"),
    (openai_says(400, "This audio is refused."), RecordingError, "refuses a part of it (HTTP 400) (This audio is refused)"),
    (openai_says(429, "You exceeded your current quota", "insufficient_quota"), NotReady, "has nothing left"),
    (openai_says(402, "Payment required"), NotReady, "has nothing left"),
    (openai_says(429, "Rate limit reached", "rate_limit_exceeded"), BackendFailed, "HTTP 429 (Rate limit reached)"),
    (Trouble(500, "Internal Server Error"), BackendFailed, "HTTP 500 (Internal Server Error)"),
    (Trouble(500, {"detail": "list index out of range"}), BackendFailed, "HTTP 500 (list index out of range)"),
]


@pytest.mark.parametrize(("trouble", "kind", "says"), CASES)
def test_complaints_of_any_shape_become_one_line_with_its_cure(
    api: Api, client: Client, trouble: Trouble, kind: type[TranscribeError], says: str
) -> None:
    api.trouble = lambda asked: trouble
    with pytest.raises(TranscribeError) as caught:
        asked(client)
    assert type(caught.value) is kind
    assert any(part in str(caught.value) for part in says.split("|"))
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_that_a_server_repeats_is_not_told(api: Api) -> None:
    api.trouble = lambda asked: openai_says(400, f"What is {asked.authorization}?")
    with closing(Client(Server(api.url), KEY, StopFlag())) as client, pytest.raises(RecordingError) as caught:
        asked(client)
    assert "What is Bearer …?" in str(caught.value)


def test_a_pause_is_as_long_as_the_server_wants(api: Api, client: Client) -> None:
    api.trouble = lambda asked: openai_says(429, "Rate limit reached", "rate_limit_exceeded", retry_after="7")
    with pytest.raises(BackendFailed) as caught:
        asked(client)
    assert caught.value.retry_after == 7.0


def test_a_dropped_connection_may_be_paid_for(api: Api, client: Client) -> None:
    api.then.append(DROP_BEFORE)
    with pytest.raises(Dropped, match="took a request and gave no answer"):
        asked(client)


@pytest.mark.parametrize("body", ["Bom dia.", [1], "<html>"])
def test_an_answer_that_is_none_is_the_servers_failure(api: Api, client: Client, body: object) -> None:
    api.then.append(Trouble(200, body))
    with pytest.raises(BackendFailed, match="no JSON"):
        asked(client)


def test_nobody_waits_for_an_answer_once_the_run_is_stopped(api: Api) -> None:
    stop = StopFlag()
    api.hold.set()
    with closing(Client(Server(api.url), None, stop)) as client:
        stop.set()
        with pytest.raises(Stopped):
            asked(client)


@pytest.mark.parametrize(
    "trouble", [Trouble(200, "no"), Trouble(200, {"data": "no"}), Trouble(200, []), Trouble(403, {}), Trouble(500, "")]
)
def test_a_server_need_not_list_its_models(api: Api, client: Client, trouble: Trouble) -> None:
    api.listed = trouble
    assert client.models() is None
