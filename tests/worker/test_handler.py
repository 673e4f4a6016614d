"""What the worker makes of jobs, whoever hands them to it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXAMPLES, lecture, spoken
from transcribe_cli.backends.protocol import Failure, RemoteResult
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec
from transcribe_cli.worker.handler import Worker, WorkerLimits

SPEC = {"model": "demo", "language": "pt"}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One that takes short and small recordings from public places."""
    made = Worker(JobSpec(model="demo"), Settings(device="cpu", max_duration=0.03), WorkerLimits(max_bytes=4_000_000))
    made.start()
    yield made
    made.close()
    assert not made._scratch.exists()


def job(audio: bytes = b"", **more: object) -> dict[str, Any]:
    """A request of the queue."""
    sent = {"audio_base64": base64.b64encode(audio).decode()} if audio else {}
    return {"id": "job-1", "input": {"name": "aula.wav", "spec": SPEC, **sent, **more}}


def answered(worker: Worker, *requests: dict[str, Any], told: list[Any] | None = None) -> list[dict[str, Any]]:
    """The answers, all asked for at once."""

    async def ask() -> list[dict[str, Any]]:
        tell: Callable[..., None] = (lambda *progress: None) if told is None else (lambda *progress: told.append(progress))
        return list(await asyncio.gather(*(worker.handle(request, tell) for request in requests)))

    return asyncio.run(ask())


def failure(answer: dict[str, Any]) -> Failure:
    """Why it failed, as the queue keeps it."""
    return Failure.model_validate(json.loads(answer["error"]))


def test_several_jobs_at_once_have_each_their_own_answer(worker: Worker) -> None:
    texts = ("Bom dia a todos.", "O professor explica a lição de hoje.", "Vamos começar a aula.")
    alone = [RemoteResult.model_validate(answered(worker, job(spoken(text)))[0]).read() for text in texts]
    together = [RemoteResult.model_validate(answer).read() for answer in answered(worker, *(job(spoken(text)) for text in texts))]
    assert [found and found.segments for found in together] == [found and found.segments for found in alone]
    assert len({found.text for found in together if found}) == 3


@pytest.mark.parametrize(
    ("request_", "of", "says"),
    [
        ({"id": "a"}, "setup", "This is not a job"),
        (job(b"RIFF", colour="red"), "setup", "colour: there is no such key"),
        (job(b"RIFF", spec={**SPEC, "beam": 3}), "setup", "spec.beam: there is no such key"),
        (job(b"RIFF", spec={**SPEC, "model": "small"}), "setup", "has the model demo, not small"),
        (job(b"no audio at all" * 99), "recording", "aula.wav is not a supported audio"),
        (job(bytes(4_000_001)), "recording", "larger than this worker takes"),
        (job(audio_url="http://127.0.0.1:9/a.wav"), "recording", "not a public one"),
        (job(audio_url="file:///etc/passwd"), "recording", "neither http"),
        (job(b"RIFF", text={"text": "{}"}, spec={**SPEC, "diarize": True}), "recording", "is not a transcript"),
        (job(b"RIFF", result_url="http://127.0.0.1:9/a"), "setup", "not a public one"),
    ],
)
def test_what_it_does_not_do_is_said(worker: Worker, request_: dict[str, Any], of: str, says: str) -> None:
    [answer] = answered(worker, request_)
    told = failure(answer)
    assert (told.of, says in told.message) == (of, True), told


def test_what_is_too_long_is_refused(worker: Worker) -> None:
    [answer] = answered(worker, job((EXAMPLES / "aula.mp3").read_bytes(), name="aula.mp3"))
    assert failure(answer).code == "too_long"


def test_names_lead_nowhere(worker: Worker, tmp_path: Path) -> None:
    for name in ("../../etc/aula.wav", "/etc/aula.wav", "out", "..", "a\nb.wav", "x" * 300 + ".wav", "-rf.wav"):
        [answer] = answered(worker, job(spoken("Bom dia a todos."), name=name))
        assert "error" not in answer, (name, answer)


def test_a_cancelled_job_makes_room_for_the_next(worker: Worker, tmp_path: Path) -> None:
    long = lecture(tmp_path / "long.wav", (("Bom dia.", "pt-br+m3"),) * 20, pause=0.5).read_bytes()

    async def cancel() -> None:
        task = asyncio.create_task(worker.handle(job(long), lambda *progress: None))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for _ in range(3):
        asyncio.run(cancel())
    [answer] = answered(worker, job(spoken("Bom dia a todos.")))
    assert "error" not in answer
    assert list(worker._scratch.iterdir()) == []


def test_it_tells_how_far_it_is(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transcribe_cli.worker.handler.PROGRESS_SECONDS", 0.0)
    told: list[Any] = []
    request = job(lecture(tmp_path / "long.wav").read_bytes())
    answered(worker, request, told=told)
    seconds = [progress["seconds"] for asked, progress in told if asked is request]
    assert len(seconds) > 1
    assert seconds == sorted(seconds)
    assert all(0 < progress["seconds"] <= progress["duration"] + 0.01 for _, progress in told)


def test_nothing_stays_on_its_disk(worker: Worker) -> None:
    answered(worker, job(spoken("Bom dia a todos.")), job(b"no audio" * 999))
    assert list(worker._scratch.iterdir()) == []
