"""What every backend promises, whatever it is: to be inherited by the tests of each (`backends/__init__.py` says it in words).

A subclass opens its backend in `opened`, over the recordings of `folder`.
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
    """The promises."""

    @pytest.fixture
    def opened(self) -> Iterator[Backend]:
        """The backend."""
        raise NotImplementedError

    @pytest.fixture
    def folder(self, tmp_path: Path, say: Callable[..., Path]) -> Path:
        """Three recordings, one of which is none."""
        top = tmp_path / "aulas"
        say(top / "um.wav", "Bom dia a todos.")
        say(top / "dois.wav", "O professor explica a lição de hoje.")
        (top / "not.mp3").write_bytes(bytes(range(256)) * 20)
        return top

    @pytest.fixture
    def jobs(self, folder: Path) -> list[Job]:
        """One for each."""
        return plan(find_recordings([str(folder)]), SPEC, Settings())

    def test_each_job_has_one_outcome(self, opened: Backend, jobs: list[Job]) -> None:
        """With a transcript of the recording as it is here, or with its error."""
        opened.check(jobs)
        found = _by_name(opened.run(iter(jobs), lambda job: True))
        assert sorted(found) == ["dois.wav", "not.mp3", "um.wav"]
        assert isinstance(found["not.mp3"].error, RecordingError)
        for name in ("um.wav", "dois.wav"):
            transcript = found[name].transcript
            assert transcript is not None
            recording = found[name].job.recording
            assert (transcript.source.name, transcript.source.size) == (name, recording.size)
            assert (transcript.source.uri, transcript.source.modified) == (recording.uri, recording.modified)
            assert transcript.job.fingerprint == SPEC.fingerprint
            assert transcript.job.backend == opened.name
            assert transcript.text

    def test_what_nobody_wants_has_none(self, opened: Backend, jobs: list[Job]) -> None:
        """And is asked about once."""
        asked: list[str] = []

        def should_run(job: Job) -> bool:
            asked.append(job.recording.name)
            return job.recording.name == "um.wav"

        found = _by_name(opened.run(iter(jobs), should_run))
        assert list(found) == ["um.wav"]
        assert sorted(asked) == ["dois.wav", "not.mp3", "um.wav"]

    def test_without_jobs_it_does_nothing(self, opened: Backend) -> None:
        """Not even fail."""
        assert list(opened.run(iter(()), lambda job: True)) == []

    def test_closing_it_stops_the_work(self, opened: Backend, jobs: list[Job]) -> None:
        """Within seconds."""
        with closing(opened.run(iter(jobs), lambda job: True)) as outcomes:
            next(outcomes)
            began = time.monotonic()
        assert time.monotonic() - began < 30.0


def _by_name(outcomes: Iterator[Outcome]) -> dict[str, Outcome]:
    found = list(outcomes)
    names = [outcome.job.recording.name for outcome in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))
