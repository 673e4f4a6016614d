"""Our worker on RunPod's real SDK, with the queue of the tests."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.conftest import RemoteRunner
from tests.backends.fault_injection import Faults, run_with_faults
from tests.backends.gateway import Gateway
from tests.backends.test_runpod import until
from tests.backends.workers import needs_sdk, working
from tests.conftest import lecture

pytestmark = [needs_sdk, pytest.mark.slow]


@pytest.fixture
def sdk(gateway: Gateway, tmp_path: Path) -> Iterator[Gateway]:
    """A queue with a worker on the SDK."""
    with working(gateway, tmp_path / "worker"):
        yield gateway


def test_recordings_are_transcribed(sdk: Gateway, remote: RemoteRunner) -> None:
    assert remote.run(device="cpu").transcribed == 2
    assert (remote.folder / "um.srt").read_text().startswith("1\n")


def test_a_worker_runs_several_jobs_at_a_time(sdk: Gateway, remote: RemoteRunner) -> None:
    for number in range(4):
        lecture(remote.folder / f"{number}.wav")
    sdk.hold = True
    remote.run(detach=True)
    sdk.hold = False
    until(lambda: sum(job.status == "IN_PROGRESS" for job in sdk.jobs.values()) > 1)
    assert remote.run().exit_code == 0


def test_a_job_runs_after_another_was_cancelled(sdk: Gateway, remote: RemoteRunner) -> None:
    for path in remote.folder.iterdir():
        path.unlink()
    lecture(remote.folder / "long.wav", (("Bom dia a todos. Vamos começar a aula.", "pt-br+m3"),) * 60, pause=1.0)
    process = remote.started()
    until(lambda: any(job.status == "IN_PROGRESS" for job in sdk.jobs.values()))
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert {job.status for job in sdk.jobs.values()} == {"CANCELLED"}
    (remote.folder / "long.wav").unlink()
    lecture(remote.folder / "short.wav", pause=0.1)
    started_at = time.time()
    assert remote.run().exit_code == 0
    assert [job for job in sdk.jobs.values() if job.status == "COMPLETED" and job.started >= started_at - 1]


def test_each_recording_is_transcribed_once_despite_injected_faults(tmp_path: Path) -> None:
    """A small run of `fault_injection`."""
    faults = Faults(seed=3, client_seconds=12.0, worker_seconds=25.0, lost=0.1, dropped=0.1)
    report = run_with_faults(tmp_path, 12, faults)
    assert report.done == 12, report.log
    assert not report.unreported, report.log
