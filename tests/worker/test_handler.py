"""The worker's responses to jobs."""

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
from transcribe_cli.worker.handler import Worker
from transcribe_cli.worker.limits import WorkerLimits

SPEC = {"model": "demo", "language": "pt"}
SPEAKERS = {"diarize": True, "diarize_model": "demo"}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """A worker that accepts short, small recordings from public addresses."""
    made = Worker(
        JobSpec(model="demo", diarize_model="demo"), Settings(device="cpu", max_duration=0.03), WorkerLimits(max_bytes=4_000_000)
    )
    made.start()
    yield made
    made.close()
    assert not made._scratch.path.exists()


def job(audio: bytes = b"", **more: object) -> dict[str, Any]:
    """A request of the queue."""
    sent = {"audio_base64": base64.b64encode(audio).decode()} if audio else {}
    return {"id": "job-1", "input": {"name": "aula.wav", "spec": SPEC, **sent, **more}}


def respond(worker: Worker, *requests: dict[str, Any], reports: list[Any] | None = None) -> list[dict[str, Any]]:
    """The responses to concurrent requests; progress is appended to `reports`."""

    async def handle_all() -> list[dict[str, Any]]:
        update: Callable[..., None] = (
            (lambda *progress: None) if reports is None else (lambda *progress: reports.append(progress))
        )
        return list(await asyncio.gather(*(worker.handle(request, update) for request in requests)))

    return asyncio.run(handle_all())


def failure(response: dict[str, Any]) -> Failure:
    """The failure in the text that the queue keeps."""
    return Failure.model_validate(json.loads(response["error"]))


def test_concurrent_jobs_get_their_own_transcripts(worker: Worker) -> None:
    texts = ("Bom dia a todos.", "O professor explica a lição de hoje.", "Vamos começar a aula.")
    alone = [RemoteResult.model_validate(respond(worker, job(spoken(text)))[0]).parse_transcript() for text in texts]
    responses = respond(worker, *(job(spoken(text)) for text in texts))
    together = [RemoteResult.model_validate(response).parse_transcript() for response in responses]
    assert [one and one.segments for one in together] == [one and one.segments for one in alone]
    assert len({transcript.text for transcript in together if transcript}) == 3


@pytest.mark.parametrize(
    ("request_", "of", "message"),
    [
        ({"id": "a"}, "setup", "The job is invalid"),
        (job(b"RIFF", colour="red"), "setup", "colour: unknown key"),
        (job(b"RIFF", spec={**SPEC, "beam": 3}), "setup", "spec.beam: unknown key"),
        (job(b"RIFF", spec={**SPEC, "model": "small"}), "setup", "has the model demo, not small"),
        (job(b"no audio at all" * 99), "recording", "aula.wav is not a supported audio"),
        (job(bytes(4_000_001)), "recording", "larger than this worker accepts"),
        (job(audio_url="http://127.0.0.1:9/a.wav"), "recording", "not public"),
        (job(audio_url="file:///etc/passwd"), "recording", "neither http"),
        (job(b"RIFF", text={"text": "{}"}, spec={**SPEC, **SPEAKERS}), "recording", "is not a transcript"),
        (job(b"RIFF", result_url="http://127.0.0.1:9/a"), "setup", "not public"),
    ],
)
def test_jobs_that_the_worker_does_not_accept_fail_with_a_reason(
    worker: Worker, request_: dict[str, Any], of: str, message: str
) -> None:
    [response] = respond(worker, request_)
    reason = failure(response)
    assert (reason.of, message in reason.message) == (of, True), reason


def test_a_recording_that_is_too_long_is_refused(worker: Worker) -> None:
    [response] = respond(worker, job((EXAMPLES / "aula.mp3").read_bytes(), name="aula.mp3"))
    assert failure(response).code == "too_long"


def test_unsafe_names_do_not_escape_the_folder(worker: Worker, tmp_path: Path) -> None:
    for name in ("../../etc/aula.wav", "/etc/aula.wav", "out", "..", "a\nb.wav", "x" * 300 + ".wav", "-rf.wav"):
        [response] = respond(worker, job(spoken("Bom dia a todos."), name=name))
        assert "error" not in response, (name, response)


def test_a_job_runs_after_others_were_cancelled(worker: Worker, tmp_path: Path) -> None:
    long = lecture(tmp_path / "long.wav", (("Bom dia.", "pt-br+m3"),) * 20, pause=0.5).read_bytes()

    async def cancel() -> None:
        task = asyncio.create_task(worker.handle(job(long), lambda *progress: None))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for _ in range(3):
        asyncio.run(cancel())
    [response] = respond(worker, job(spoken("Bom dia a todos.")))
    assert "error" not in response
    assert list(worker._scratch.path.iterdir()) == []


def test_progress_is_reported(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transcribe_cli.worker.handler.PROGRESS_SECONDS", 0.0)
    reports: list[Any] = []
    request = job(lecture(tmp_path / "long.wav").read_bytes())
    respond(worker, request, reports=reports)
    seconds = [progress["seconds"] for reported, progress in reports if reported is request]
    assert len(seconds) > 1
    assert seconds == sorted(seconds)
    assert all(0 < progress["seconds"] <= progress["duration"] + 0.01 for _, progress in reports)


def test_no_file_is_left_on_disk(worker: Worker) -> None:
    respond(worker, job(spoken("Bom dia a todos.")), job(b"no audio" * 999))
    assert list(worker._scratch.path.iterdir()) == []
