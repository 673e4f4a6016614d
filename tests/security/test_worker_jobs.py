"""The attacker is a client of the worker's queue, who chooses every byte of a job.

They want code, files or models of their choice loaded on the operator's machine, its memory overwritten, or the jobs of others to fail.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import environment, spoken
from transcribe_cli.backends.protocol import Failure, RemoteJob
from transcribe_cli.errors import TranscribeError, UsageError
from transcribe_cli.settings import Settings
from transcribe_cli.spec import DEFAULT_DIARIZER, JobSpec
from transcribe_cli.worker import accepted_spec
from transcribe_cli.worker.accepted_spec import accepted
from transcribe_cli.worker.handler import Worker
from transcribe_cli.worker.limits import WorkerLimits

OWN = JobSpec(model="demo", diarize_model="demo")
SPEECH = spoken("Bom dia a todos.")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """A worker as an operator starts it."""
    made = Worker(OWN, Settings(device="cpu", offline=True), WorkerLimits())
    made.start()
    yield made
    assert made._fatal_error is None
    made.close()


def answer(worker: Worker, spec: dict[str, object], **more: object) -> dict[str, Any]:
    """The worker's response to a job with this spec."""
    audio = base64.b64encode(SPEECH).decode()
    job = {"name": "aula.wav", "spec": {"model": "demo", "language": "pt", **spec}, "audio_base64": audio, **more}
    return asyncio.run(worker.handle({"id": "job-1", "input": job}, lambda *progress: None))


def refusal(worker: Worker, spec: dict[str, object], **more: object) -> Failure:
    """Why the worker does not accept a job: one line. The worker takes the next one."""
    failure = Failure.model_validate(json.loads(answer(worker, spec, **more)["error"]))
    assert failure.message.isprintable()
    assert len(failure.message) < 5000
    assert "error" not in answer(worker, {})
    return failure


class _Marks:
    """As a pickle: code that creates a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def diarizer_of_the_attacker(folder: Path, mark: Path) -> Path:
    """A pipeline of pyannote whose checkpoint creates `mark` when it is loaded."""
    shutil.copytree(Path(accepted_spec.__file__).parents[1] / "demo" / "diarizer", folder)
    for checkpoint in folder.rglob("pytorch_model.bin"):
        checkpoint.write_bytes(pickle.dumps(_Marks(mark)))
    return folder


def test_a_client_cannot_have_a_pickle_loaded(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "code-was-run"
    folder = diarizer_of_the_attacker(tmp_path / "d", mark)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "demo").symlink_to(folder)
    with folder.joinpath("config.yaml").open() as file:
        directory = os.open(folder, os.O_RDONLY)
        for name in (
            str(folder),
            "d",
            "./d",
            "link",
            "../" + tmp_path.name + "/d",
            f"/proc/self/fd/{directory}",
            f"/proc/self/fd/{file.fileno()}",
            f"/proc/{os.getpid()}/cwd/d",
            f"file://{folder}",
        ):
            refused = refusal(worker, {"diarize": True, "diarize_model": name})
            assert (refused.of, "has the diarize model demo, not " in refused.message) == ("setup", True), name
        os.close(directory)
    assert not mark.exists()


@pytest.mark.parametrize("field", ["diarize_model", "model"])
@pytest.mark.parametrize(
    "value",
    [
        "Demo",
        "demo ",
        " demo",
        "demo/",
        "./demo",
        "demo\0",
        "demo@main",
        "demo\n",
        "ｄｅｍｏ",
        "pyannote/speaker-diarization-community-1",
        "PYANNOTE/speaker-diarization-community-1",
        "nobody/nothing",
        "nobody/nothing@0123456789abcdef0123456789abcdef01234567",
        "hf://nobody/nothing",
        "https://127.0.0.1/model",
        "s3://bucket/model",
        "/proc/self/fd/7",
        "/dev/stdin",
        "..",
        "~/model",
        "$HOME/model",
        "small",
        "\x1b]52;c;aGk=\x07",
        "x" * 2_000_000,
        "rttm/../../etc",
        "rttm:../../etc/passwd",
        "rttm:/etc/passwd",
        "rttm:abc\n",
        "RTTM",
        "rttm-x",
    ],
)
def test_only_the_operators_own_names_are_accepted(field: str, value: str) -> None:
    with pytest.raises(TranscribeError) as caught:
        accepted(JobSpec.model_validate({"model": "demo", "diarize": True, "diarize_model": "demo", field: value}), OWN)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_given_turns_are_no_name() -> None:
    for name in ("rttm", "rttm:0123456789abcdef", "rttm:"):
        spec = JobSpec(model="demo", diarize=True, diarize_model=name)
        assert accepted(spec, OWN).diarize_model == name


def test_without_diarize_the_job_carries_the_operators_diarizer() -> None:
    assert accepted(JobSpec(model="demo", diarize_model="/proc/self/fd/7"), OWN).diarize_model == "demo"
    assert accepted(JobSpec(model="demo"), OWN).fingerprint == JobSpec(model="demo").fingerprint


def test_the_defaults_of_client_and_worker_fit() -> None:
    assert accepted(JobSpec(diarize=True), JobSpec()).diarize_model == DEFAULT_DIARIZER


def test_every_field_says_who_decides_it() -> None:
    """A new field of the spec: does it name code, a model, a file, a place, a credential? Then it is the operator's."""
    assert JobSpec.model_fields.keys() - accepted_spec.CLIENT_FIELDS == {"model", "diarize_model"}


def test_a_field_that_nobody_classified_must_be_the_operators_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepted_spec, "CLIENT_FIELDS", accepted_spec.CLIENT_FIELDS - {"hotwords"})
    accepted(JobSpec(model="demo"), OWN)
    with pytest.raises(TranscribeError, match="has the hotwords None, not file"):
        accepted(JobSpec(model="demo", hotwords="file"), OWN)


@pytest.mark.parametrize(
    "spec",
    [
        {"initial_prompt": "a" * 10_001},
        {"hotwords": "a" * 1_000_000},
        {"temperature": [0.5] * 21},
        {"suppress_tokens": list(range(1001))},
        {"suppress_tokens": [1_000_000_000]},
        {"suppress_tokens": [-1, 1_000_000_000]},
        {"suppress_tokens": [-2]},
        {"suppress_tokens": [2785]},
        {"suppress_tokens": [10**30]},
        {"suppress_tokens": [1_000_000_000], "sequential": True},
        {"suppress_tokens": [-7], "sequential": True},
        {"patience": 1e308},
        {"length_penalty": 1e308},
        {"length_penalty": -1e300},
        {"no_repeat_ngram_size": 2**63},
        {"repetition_penalty": 1e-308},
        {"no_repeat_ngram_size": 10**30},
        {"vad_min_silence_duration_ms": 10**400},
        {"audio_track": 10**30},
        {"initial_prompt": "\ud800"},
        {"language": "x" * 100_000},
        {"beam_size": "\x1b[2J"},
        {"\x1b]52;c;aGk=\x07": 1},
        {"x" * 100_000: 1},
        {f"key {number}": number for number in range(10_000)},
    ],
    ids=lambda spec: str(next(iter(spec)))[:20].encode("ascii", "backslashreplace").decode(),
)
def test_worst_values_are_that_jobs_error(worker: Worker, spec: dict[str, object]) -> None:
    """Each is refused in one line, and the worker lives. Token numbers outside the vocabulary were writes outside an array."""
    refusal(worker, spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"initial_prompt": "\ud800"},
        {"hotwords": "a\udfff"},
        {"length_penalty": -1e300, "sequential": True},
        {"temperature": [0.0, 1e7]},
        {"suppress_tokens": [-(10**7)]},
        {"vad_min_silence_duration_ms": 10**7},
    ],
    ids=lambda spec: next(iter(spec)),
)
def test_values_that_failed_only_after_recognition_are_refused_before_it(spec: dict[str, Any]) -> None:
    """A text that is no Unicode, or a number that made a confidence infinite, ended the worker with the jobs of others."""
    with pytest.raises(UsageError, match=rf"The job is invalid: spec.{next(iter(spec))}"):
        RemoteJob.parse({"version": 1, "name": "a.wav", "audio_base64": "AAAA", "spec": {"model": "demo", **spec}})


def test_a_text_that_is_no_unicode_is_refused_also_where_pydantic_did_not_see_it() -> None:
    with pytest.raises(UsageError, match="not valid Unicode"):
        accepted(JobSpec.model_construct(**{**OWN.model_dump(), "hotwords": "a\udfff"}), OWN)


@pytest.mark.parametrize(
    "more",
    [
        {"name": "\ud800.wav", "audio_base64": "%"},
        {"audio_base64": "é"},
        {"audio_base64": None, "audio_url": "http://[::1/a.wav"},
        {"audio_base64": None, "audio_url": "http://a:99999999/a.wav"},
        {"audio_base64": None, "audio_url": "http://xn--a/a.wav"},
        {"audio_base64": None, "audio_url": "http://\ud800/a.wav"},
        {"audio_base64": None, "audio_url": "http:" + "/" * 100_000},
        {"audio_base64": None, "audio_url": "unix:///var/run/docker.sock"},
        {"audio_base64": None, "audio_url": "/proc/self/fd/7"},
        {"result_url": "http://[::1/a.wav"},
        {"result_url": "file:///etc/passwd"},
        {"text": {"gzip": "AAAA"}},
        {"text": {"gzip": "é"}},
        {"text": {"text": "[" * 100_000}},
        {"text": {"text": "{}", "gzip": "AAAA"}},
        {"turns": {}},
        {"turns": {"text": "\ud800"}},
        {"text": {"text": "\ud800"}},
    ],
)
def test_worst_documents_are_that_jobs_error(worker: Worker, more: dict[str, object]) -> None:
    spec: dict[str, object] = {"diarize": True, "diarize_model": "rttm"} if "text" in more or "turns" in more else {}
    assert "Unexpected" not in refusal(worker, spec, **more).message


def test_a_token_outside_the_vocabulary_is_refused_by_run_too(tmp_path: Path) -> None:
    """In another process, which it would kill."""
    (tmp_path / "aula.wav").write_bytes(SPEECH)
    line = [sys.executable, "-m", "transcribe_cli", "run", "aula.wav", "--model", "demo", "--suppress-tokens", "1000000"]
    ran = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert ran.returncode == 3
    assert "suppress_tokens names a token that model demo does not have" in ran.stderr


def test_a_message_about_an_invalid_job_is_short_and_printable() -> None:
    with pytest.raises(UsageError) as caught:
        RemoteJob.parse({"name": "a", "spec": {f"\x1b[2J\n{number}" * 100: 1 for number in range(1000)}, "audio_base64": ""})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 5000
    assert "and 990 more" in str(caught.value)
