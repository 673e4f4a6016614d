"""The tests of the contract in `backends/__init__.py`, which the tests of each backend inherit.

A subclass returns its backend from the fixture `backend`; the recordings are those of `folder`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from transcribe_cli.backends import Backend
from transcribe_cli.errors import RecordingError
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

SPEC = JobSpec(model="demo", language="pt")


class BackendSuite:
    """The contract tests."""

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        """The backend under test."""
        raise NotImplementedError

    @pytest.fixture
    def folder(self, tmp_path: Path, say: Callable[..., Path]) -> Path:
        """Two recordings, and a file that is none."""
        top = tmp_path / "aulas"
        say(top / "um.wav", "Bom dia a todos.")
        say(top / "dois.wav", "O professor explica a lição de hoje.")
        (top / "not.mp3").write_bytes(bytes(range(256)) * 20)
        return top

    @pytest.fixture
    def jobs(self, folder: Path) -> list[Job]:
        """One job per file."""
        return plan(find_recordings([str(folder)]), SPEC, Settings())

    def test_each_job_has_one_outcome(self, backend: Backend, jobs: list[Job]) -> None:
        """With a transcript of the local recording, or with its error."""
        backend.check(jobs)
        outcomes = _by_name(backend.run(iter(jobs), lambda job: True))
        assert sorted(outcomes) == ["dois.wav", "not.mp3", "um.wav"]
        assert isinstance(outcomes["not.mp3"].error, RecordingError)
        for name in ("um.wav", "dois.wav"):
            transcript = outcomes[name].transcript
            assert transcript is not None
            recording = outcomes[name].job.recording
            assert (transcript.source.name, transcript.source.size) == (name, recording.size)
            assert (transcript.source.uri, transcript.source.modified) == (recording.uri, recording.modified)
            assert transcript.job.fingerprint == SPEC.fingerprint
            assert transcript.job.backend == backend.name
            assert transcript.text

    def test_refused_jobs_have_no_outcome(self, backend: Backend, jobs: list[Job]) -> None:
        """`should_run` is called once for each job."""
        requested: list[str] = []

        def should_run(job: Job) -> bool:
            requested.append(job.recording.name)
            return job.recording.name == "um.wav"

        outcomes = _by_name(backend.run(iter(jobs), should_run))
        assert list(outcomes) == ["um.wav"]
        assert sorted(requested) == ["dois.wav", "not.mp3", "um.wav"]

    def test_without_jobs_it_does_nothing(self, backend: Backend) -> None:
        """It does not fail, either."""
        assert list(backend.run(iter(()), lambda job: True)) == []

    def test_closing_it_stops_the_work(self, backend: Backend, jobs: list[Job]) -> None:
        """Within seconds."""
        with closing(backend.run(iter(jobs), lambda job: True)) as outcomes:
            next(outcomes)
            began = time.monotonic()
        assert time.monotonic() - began < 30.0


def _by_name(outcomes: Iterator[Outcome]) -> dict[str, Outcome]:
    found = list(outcomes)
    names = [outcome.job.recording.name for outcome in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))
