"""What is sent to a server, and what is not sent twice."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.backends.openai.server import FakeServer
from tests.conftest import spoken
from transcribe_cli.audio import Waveform
from transcribe_cli.backends.openai.answer_cache import AnswerCache
from transcribe_cli.backends.openai.client import Client
from transcribe_cli.backends.openai.form import form_fields, shortening
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.backends.openai.recognizer import Recognizer
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.events import ignore_event
from transcribe_cli.plan import Decision, Job
from transcribe_cli.recognition.engines import Clip, ClipResult, Task
from transcribe_cli.sinks import Output
from transcribe_cli.sources import Recording
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import Region

SPEC = JobSpec(model="demo")
Make = Callable[[Server], Recognizer]


@pytest.fixture
def clip(tmp_path: Path) -> Iterator[Clip]:
    """A sentence at 22 kHz, read as 16 kHz: its words do not matter here."""
    with wave.open(io.BytesIO(spoken("Bom dia a todos."))) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    with Waveform.from_samples(samples, tmp_path) as waveform:
        yield Clip(0, 0, waveform, (Region(0, waveform.samples),), SPEC)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes recognizers that send one request at a time, for a recording that does not exist."""
    job = Job(Recording(tmp_path / "a.wav", tmp_path), SPEC, Output(tmp_path, "a"), Decision.TRANSCRIBE, "new")
    stop, clients = StopFlag(), []

    def make_recognizer(server: Server) -> Recognizer:
        clients.append(Client(server, None, stop))
        answers = AnswerCache(tmp_path / "state", server.base_url)
        return Recognizer(
            server, clients[-1], answers, lambda number: job, SPEC, opus=False, concurrency=1, stop=stop, emit=ignore_event
        )

    yield make_recognizer
    for client in clients:
        client.close()


def _with_language(clip: Clip, language: str) -> Clip:
    return Clip(clip.recording, clip.index, clip.waveform, clip.speech, clip.spec, language)


def test_an_answer_without_a_language_hint_is_reused_for_the_detected_language(api: FakeServer, clip: Clip, make: Make) -> None:
    recognizer = make(Server(api.url))
    [votes] = recognizer.detect_languages([clip])
    [language] = votes
    [result] = recognizer.recognize([Task(_with_language(clip, language))])
    assert isinstance(result, ClipResult)
    assert len(api.requests) == 1
    recognizer.recognize([Task(_with_language(clip, "en" if language != "en" else "es"))])
    assert len(api.requests) == 2


def test_a_clip_that_was_sent_in_a_language_is_not_sent_again_to_vote(api: FakeServer, clip: Clip, make: Make) -> None:
    recognizer = make(Server(api.url))
    recognizer.recognize([Task(_with_language(clip, "es"))])
    assert recognizer.detect_languages([clip]) == [{"es": 1.0}]
    assert len(api.requests) == 1


def test_another_recognizer_finds_the_answers(api: FakeServer, clip: Clip, make: Make) -> None:
    make(Server(api.url)).recognize([Task(_with_language(clip, "pt"))])
    second = make(Server(api.url))
    second.recognize([Task(_with_language(clip, "pt"))])
    assert len(api.requests) == 1
    assert second.sent(0).requests == 0


@pytest.mark.parametrize(
    ("url", "model", "expected"),
    [
        (
            "https://api.openai.com/v1",
            "gpt-transcribe",
            [
                ("model", "gpt-transcribe"),
                ("response_format", "json"),
                ("languages[]", "pt"),
                ("keywords[]", "Lamarck"),
                ("keywords[]", "mitose"),
                ("prompt", "Aula."),
            ],
        ),
        (
            "https://api.openai.com/v1",
            "gpt-4o-transcribe-diarize",
            [
                ("model", "gpt-4o-transcribe-diarize"),
                ("response_format", "diarized_json"),
                ("chunking_strategy", "auto"),
                ("language", "pt"),
                ("temperature", "0.4"),
            ],
        ),
        (
            "https://api.groq.com/openai/v1",
            "large-v3-turbo",
            [
                ("model", "whisper-large-v3-turbo"),
                ("response_format", "verbose_json"),
                ("timestamp_granularities[]", "word"),
                ("timestamp_granularities[]", "segment"),
                ("language", "pt"),
                ("prompt", "Lamarck, mitose Aula."),
                ("temperature", "0.4"),
            ],
        ),
    ],
)
def test_the_form_depends_on_the_model(url: str, model: str, expected: list[tuple[str, str]]) -> None:
    spec = JobSpec(model=model, hotwords="Lamarck, mitose", initial_prompt="Aula.", temperature=(0.4,))
    assert form_fields(Server(url), spec, "pt") == expected


@pytest.mark.parametrize(("words", "prompt"), [(200, 200), (200, 0), (0, 200), (1, 200)])
def test_prompt_and_hotwords_share_what_the_model_takes(words: int, prompt: int) -> None:
    """Groq refuses a prompt of more than 896 characters; other servers drop the beginning, where the hotwords are."""
    server = Server("https://api.groq.com/openai/v1")
    hotwords = ", ".join(["Kubernetes"] * words)
    spec = JobSpec(model="large-v3", hotwords=hotwords, initial_prompt=" ".join(["Aula de física."] * prompt))
    [sent] = [value for name, value in form_fields(server, spec, "pt") if name == "prompt"]
    assert len(sent) <= 896
    assert len(sent) > 860
    assert set(re.findall(r"\w+", sent)) == set(re.findall(r"\w+", f"{spec.hotwords} {spec.initial_prompt}"))
    assert "896 characters" in shortening(server, spec)
    assert not shortening(server, spec.model_copy(update={"hotwords": "Lamarck", "initial_prompt": "Aula."}))
    whole = JobSpec(model="gpt-4o-transcribe", hotwords=hotwords, initial_prompt=spec.initial_prompt)
    assert not shortening(Server("https://api.openai.com/v1"), whole)
