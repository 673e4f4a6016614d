"""Whether a server has a model, and for how long."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from transcribe_cli.backends.openai.capabilities import left_out
from transcribe_cli.backends.openai.model_status import check_standing
from transcribe_cli.backends.openai.models import SERVICES, Server, Times
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.errors import NotReady, UsageError
from transcribe_cli.events import Event, Notice
from transcribe_cli.spec import JobSpec

OPENAI = Server("https://api.openai.com/v1")
GROQ = Server("https://api.groq.com/openai/v1")
EARLY, LATE, PAST = date(2026, 8, 1), date(2026, 11, 21), date(2027, 2, 26)


def told(server: Server, model: str, listed: list[dict[str, Any]] | None, today: date) -> tuple[tuple[str, ...], list[str]]:
    """Tariffs, and what was said."""
    events: list[Event] = []
    tariffs = check_standing(server, model, listed, load_prices(), events.append, today)
    return tariffs, [event.message for event in events if isinstance(event, Notice)]


def test_a_model_that_ends_soon_is_told_of() -> None:
    tariffs, [line] = told(OPENAI, "whisper-1", None, LATE)
    assert tariffs == ("openai.whisper-1",)
    assert line == "The model whisper-1 at OpenAI ends on 2027-02-26. Its successor is gpt-transcribe."
    assert told(OPENAI, "whisper-1", None, EARLY) == (("openai.whisper-1",), [])
    assert told(OPENAI, "gpt-transcribe", None, LATE) == (("openai.gpt-transcribe",), [])


def test_a_model_that_has_ended_is_refused() -> None:
    with pytest.raises(UsageError, match=r"ended on 2027-02-26. Its successor is gpt-transcribe. Choose another with --model."):
        told(OPENAI, "whisper-1", None, PAST)


def test_what_the_server_says_wins() -> None:
    """A day of its own; or the model is there although our day is over."""
    assert told(OPENAI, "whisper-1", [{"id": "whisper-1", "shutdown_date": "2028-01-01"}], PAST)[1] == []
    assert "was to end" in told(OPENAI, "whisper-1", [{"id": "whisper-1"}], PAST)[1][0]
    with pytest.raises(UsageError, match="2026-10-01"):
        told(OPENAI, "gpt-transcribe", [{"id": "gpt-transcribe", "shutdown_date": "2026-10-01"}], LATE)
    with pytest.raises(UsageError, match="2025-10-09"):
        told(OPENAI, "gpt-transcribe", [{"id": "gpt-transcribe", "shutdown_date": 1_760_000_000}], LATE)
    assert told(OPENAI, "gpt-transcribe", [{"id": "gpt-transcribe", "shutdown_date": "soon"}], LATE)[1] == []


def test_a_services_list_is_whole_and_others_are_not() -> None:
    with pytest.raises(NotReady, match="OpenAI has no model whisper-9"):
        told(OPENAI, "whisper-9", [{"id": "whisper-1"}], LATE)
    assert "does not list" in told(Server("http://127.0.0.1:8000/v1"), "small", [{"id": "base"}], LATE)[1][0]


def test_models_are_called_as_the_service_calls_them() -> None:
    """So that `--fallback openai` needs no other --model."""
    assert told(GROQ, "large-v3-turbo", [{"id": "whisper-large-v3-turbo"}], LATE) == (("groq.whisper-large-v3-turbo",), [])


def test_every_priced_model_is_known() -> None:
    prices = load_prices()
    for name, service in prices.openai.items():
        known = SERVICES["api.openai.com" if name == "openai" else "api.groq.com"].models
        assert set(service.models) <= set(known)


def test_what_a_model_cannot_do_is_said() -> None:
    spec = JobSpec(model="gpt-4o-transcribe-diarize", initial_prompt="Aula.")
    said = " ".join(left_out(spec, OPENAI))
    assert "has no initial_prompt" in said
    assert "tells times of segments, and none of words" in said
    assert "--diarize finds them here" in said
    assert "Nothing is known here" in " ".join(left_out(JobSpec(model="gpt-9"), OPENAI))
    assert not list(left_out(JobSpec(model="whisper-1"), OPENAI))


def test_the_user_knows_better() -> None:
    assert Server(OPENAI.base_url, "none").model("whisper-1").response == "json"
    known = Server(OPENAI.base_url, "word").model("gpt-9")
    assert (known.times, known.response) == (Times.WORD, "verbose_json")
    assert known.longest > 60
