"""Whether a server has a model, and for how long."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from transcribe_cli.backends.openai.capabilities import limitations
from transcribe_cli.backends.openai.model_status import check_model
from transcribe_cli.backends.openai.models import SERVICES, Server, Times
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.errors import NotReady, UsageError
from transcribe_cli.events import Event, Notice
from transcribe_cli.spec import JobSpec

OPENAI = Server("https://api.openai.com/v1")
GROQ = Server("https://api.groq.com/openai/v1")
EARLY, LATE, PAST = date(2026, 8, 1), date(2026, 11, 21), date(2027, 2, 26)


def check(server: Server, model: str, listed: list[dict[str, Any]] | None, today: date) -> tuple[tuple[str, ...], list[str]]:
    """The tariffs, and the messages."""
    events: list[Event] = []
    tariffs = check_model(server, model, listed, load_prices(), events.append, today)
    return tariffs, [event.message for event in events if isinstance(event, Notice)]


def test_a_model_that_ends_soon_is_reported() -> None:
    tariffs, [message] = check(OPENAI, "whisper-1", None, LATE)
    assert tariffs == ("openai.whisper-1",)
    assert message == "The model whisper-1 at OpenAI ends on 2027-02-26. Its successor is gpt-transcribe."
    assert check(OPENAI, "whisper-1", None, EARLY) == (("openai.whisper-1",), [])
    assert check(OPENAI, "gpt-transcribe", None, LATE) == (("openai.gpt-transcribe",), [])


def test_a_model_that_has_ended_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"ended on 2027-02-26. Its successor is gpt-transcribe. Choose another one with --model."
    ):
        check(OPENAI, "whisper-1", None, PAST)


def test_the_servers_list_takes_precedence() -> None:
    """It has a date of its own, or lists the model although our date is past."""
    assert check(OPENAI, "whisper-1", [{"id": "whisper-1", "shutdown_date": "2028-01-01"}], PAST)[1] == []
    assert "was due to end" in check(OPENAI, "whisper-1", [{"id": "whisper-1"}], PAST)[1][0]
    with pytest.raises(UsageError, match="2026-10-01"):
        check(OPENAI, "gpt-transcribe", [{"id": "gpt-transcribe", "shutdown_date": "2026-10-01"}], LATE)
    with pytest.raises(UsageError, match="2025-10-09"):
        check(OPENAI, "gpt-transcribe", [{"id": "gpt-transcribe", "shutdown_date": 1_760_000_000}], LATE)
    assert check(OPENAI, "gpt-transcribe", [{"id": "gpt-transcribe", "shutdown_date": "soon"}], LATE)[1] == []


def test_only_the_list_of_a_service_is_complete() -> None:
    with pytest.raises(NotReady, match="OpenAI has no model whisper-9"):
        check(OPENAI, "whisper-9", [{"id": "whisper-1"}], LATE)
    assert "does not list" in check(Server("http://127.0.0.1:8000/v1"), "small", [{"id": "base"}], LATE)[1][0]


def test_usual_names_are_translated_to_those_of_the_service() -> None:
    """So `--fallback openai` needs no other --model."""
    assert check(GROQ, "large-v3-turbo", [{"id": "whisper-large-v3-turbo"}], LATE) == (("groq.whisper-large-v3-turbo",), [])


def test_every_priced_model_is_known() -> None:
    prices = load_prices()
    for name, service in prices.openai.items():
        known = SERVICES["api.openai.com" if name == "openai" else "api.groq.com"].models
        assert set(service.models) <= set(known)


def test_limitations_of_a_model_are_reported() -> None:
    spec = JobSpec(model="gpt-4o-transcribe-diarize", initial_prompt="Aula.")
    messages = " ".join(limitations(spec, OPENAI))
    assert "does not support initial_prompt" in messages
    assert "returns segment timestamps, but no word timestamps" in messages
    assert "Use --diarize instead" in messages
    assert "is unknown" in " ".join(limitations(JobSpec(model="gpt-9"), OPENAI))
    assert not list(limitations(JobSpec(model="whisper-1"), OPENAI))


def test_the_user_can_override_the_timestamps() -> None:
    assert Server(OPENAI.base_url, "none").model("whisper-1").response_format == "json"
    known = Server(OPENAI.base_url, "word").model("gpt-9")
    assert (known.times, known.response_format) == (Times.WORD, "verbose_json")
    assert known.max_seconds > 60
