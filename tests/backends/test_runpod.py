"""`transcribe remote` with a RunPod queue and our worker."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.audio.media import wav
from tests.backends.conftest import RemoteRunner
from tests.backends.gateway import DROP_AFTER, DROP_BEFORE, ENDPOINT, KEY, Gateway
from tests.backends.worker_loop import worker_running
from tests.conftest import EXAMPLES, Ran, lecture
from transcribe_cli.audio import SAMPLE_RATE, Decoder
from transcribe_cli.errors import NotReady
from transcribe_cli.events import RecordingDone, RecordingFailed, RecordingProgress, RecordingSent
from transcribe_cli.sinks import read_transcript
from transcribe_cli.spec import JobSpec
from transcribe_cli.worker.handler import Worker


def until(true: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("timed out")


def _polled_jobs(gateway: Gateway) -> int:
    """The number of jobs that a client has polled; at least as many ids are on its disk."""
    return len({job_id for kind, job_id in gateway.log if kind == "status"})


def test_subtitles_are_the_same_bytes_as_those_of_run(
    served: Gateway, remote: RemoteRunner, transcribe: Callable[..., Ran], tmp_path: Path
) -> None:
    here = tmp_path / "here"
    for name in ("aula.mp3", "hearing.wav", "silencio.m4a"):
        shutil.copy(EXAMPLES / name, remote.folder / name)
    shutil.copytree(remote.folder, here)
    assert remote.program("-f", "all").code == 0
    assert transcribe("run", here, "--model", "demo", "-l", "pt", "-f", "all").code == 0
    for path in sorted(here.iterdir()):
        there = remote.folder / path.name
        assert there.exists()
        if path.suffix not in (".json", ".docx"):  # these contain the time at which they were made
            assert there.read_bytes() == path.read_bytes(), path.name
    assert len(served.jobs) == 5


def test_a_finished_folder_needs_no_request(served: Gateway, remote: RemoteRunner) -> None:
    assert remote.run().exit_code == 0
    served.log.clear()
    again = remote.run()
    assert (again.exit_code, again.skipped, served.log) == (0, 2, [])


def test_a_run_collects_the_jobs_of_a_killed_one(gateway: Gateway, worker: Worker, remote: RemoteRunner) -> None:
    process = remote.started()
    until(lambda: _polled_jobs(gateway) == 2)
    process.kill()
    process.wait()
    with worker_running(worker, gateway):
        ran = remote.program()
    assert ran.code == 0, ran.err
    assert ran.err.count("is not sent again") == 2
    assert [job.starts for job in gateway.all_jobs()] == [1, 1]
    assert not list(remote.state.rglob("*.job.json"))


def test_a_client_killed_before_writing_the_result_does_not_pay_twice(
    served: Gateway, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    (remote.folder / "dois.wav").unlink()
    with monkeypatch.context() as patch:
        patch.setattr("transcribe_cli.sinks.commit", _killed)
        with pytest.raises(SystemExit):
            remote.run()
    assert remote.run().exit_code == 0
    assert [job.starts for job in served.all_jobs()] == [1]


def _killed(*arguments: object, **options: object) -> None:
    raise SystemExit(137)


def test_ctrl_c_cancels_remote_jobs(gateway: Gateway, remote: RemoteRunner) -> None:
    process = remote.started()
    until(lambda: _polled_jobs(gateway) == 2)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert {job.status for job in gateway.jobs.values()} == {"CANCELLED"}
    assert not list(remote.state.rglob("*.job.json"))


def test_the_next_run_collects_detached_jobs(gateway: Gateway, worker: Worker, remote: RemoteRunner) -> None:
    first = remote.run(detach=True)
    assert (first.exit_code, first.elsewhere, len(gateway.jobs)) == (6, 2, 2)
    with worker_running(worker, gateway):
        until(lambda: all(job.status == "COMPLETED" for job in gateway.jobs.values()))
    second = remote.run(detach=True)
    assert (second.exit_code, second.transcribed, len(gateway.jobs)) == (0, 2, 2)


def test_refused_requests_and_dropped_connections_are_retried(served: Gateway, remote: RemoteRunner) -> None:
    served.then["run"].extend([(429, 0.2), 503])
    served.then["status"].extend([429, 500, DROP_BEFORE, 502, DROP_AFTER])
    assert remote.run().exit_code == 0
    assert [job.starts for job in served.all_jobs()] == [1, 1]
    assert "twice" not in remote.messages


def test_a_job_that_may_exist_twice_is_reported(served: Gateway, remote: RemoteRunner) -> None:
    served.then["run"].append(DROP_AFTER)
    assert remote.run(in_flight=1).exit_code == 0
    assert len(served.all_jobs()) == 3
    assert remote.messages.count("may be paid for twice") == 1


def test_a_lost_result_is_computed_again_and_reported(served: Gateway, remote: RemoteRunner) -> None:
    lost: list[str] = []
    served.lose = lambda job: not lost and not lost.append(job.id)
    assert remote.run().exit_code == 0
    assert len(served.all_jobs()) == 3
    assert "without output" in remote.messages
    assert remote.messages.count("may be paid for twice") == 1


def test_an_expired_result_is_computed_again_and_reported(gateway: Gateway, worker: Worker, remote: RemoteRunner) -> None:
    remote.run(detach=True)
    with worker_running(worker, gateway):
        until(lambda: all(job.status == "COMPLETED" for job in gateway.jobs.values()))
        gateway.retention = 0.0
        with gateway.changed:
            gateway.sweep()
        gateway.retention = 1800.0
        assert remote.run().exit_code == 0
    assert len(gateway.all_jobs()) == 4
    assert remote.messages.count("was not collected in time") == 2
    assert remote.messages.count("may be paid for twice") == 2


@pytest.mark.parametrize("fault", [418, None], ids=["no usable answer", "never at its end"])
def test_a_job_that_cannot_live_any_more_is_given_up(
    gateway: Gateway, worker: Worker, remote: RemoteRunner, fault: int | None
) -> None:
    """Whatever the queue says of it: a run from cron would poll forever."""
    remote.run(detach=True)
    with gateway.changed:
        gateway.queue.clear()  # no worker takes the jobs
    records = list(remote.state.rglob("*.job.json"))
    assert len(records) == 2
    for record in records:
        document = json.loads(record.read_text())
        record.write_text(json.dumps(document | {"sent": document["sent"] - 9 * 24 * 3600}))
    gateway.then["status"].extend([fault] * 2 if fault else [])
    with worker_running(worker, gateway):
        assert remote.run().exit_code == 0
    assert remote.messages.count("no longer knows") == 2


def test_an_unreadable_recording_is_not_retried(served: Gateway, remote: RemoteRunner) -> None:
    (remote.folder / "broken.mp3").write_bytes(bytes(range(256)) * 40)
    # A header that announces audio, without any audio.
    (remote.folder / "empty.wav").write_bytes((remote.folder / "um.wav").read_bytes()[:44])
    finished = remote.run()
    assert (finished.exit_code, finished.failed, finished.transcribed) == (3, 2, 2)
    failed = {event.recording: event for event in remote.events if isinstance(event, RecordingFailed)}
    assert failed["broken.mp3"].code == "not_audio"
    assert max(job.starts for job in served.all_jobs()) == 1


def test_a_dead_worker_is_reported(gateway: Gateway, worker: Worker, remote: RemoteRunner) -> None:
    gateway.lost_after = 0.5
    remote.run(detach=True)
    with gateway.changed:  # a worker takes a job and dies
        job = next(iter(gateway.jobs.values()))
        gateway.queue.remove(job.id)
        job.status, job.worker, job.started, job.starts = "IN_PROGRESS", "dead", time.time() - 60, 1
    with worker_running(worker, gateway):
        assert remote.run().exit_code == 0
    assert "RunPod started" in remote.messages


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runpod_api_key": None}, "No RunPod API key is set"),
        ({"runpod_endpoint": None}, "No RunPod endpoint is set"),
        ({"runpod_api_key": "wrong"}, "does not accept the key"),
        ({"runpod_endpoint": "nowhere"}, "has no endpoint nowhere"),
        ({"runpod_url": "http://127.0.0.1:9/v2"}, "cannot be reached"),
    ],
)
def test_an_unusable_endpoint_is_reported_before_anything_is_sent(
    gateway: Gateway, remote: RemoteRunner, change: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transcribe_cli.backends.http._ATTEMPTS", 1)
    with pytest.raises(NotReady, match=message):
        remote.run(**change)
    assert not gateway.jobs


def test_a_run_does_not_wait_for_an_endpoint_that_is_asleep(gateway: Gateway, remote: RemoteRunner) -> None:
    gateway.asleep = True
    ran = remote.program()
    assert ran.code == 4
    assert "is asleep" in ran.err
    assert not gateway.jobs


def test_this_machine_replaces_an_endpoint_that_is_asleep(gateway: Gateway, remote: RemoteRunner) -> None:
    gateway.asleep = True
    assert remote.run(fallback=("local",), device="cpu").exit_code == 0
    assert "runpod is skipped" in remote.messages
    assert {event.recording for event in remote.events if isinstance(event, RecordingDone)} == {"um.wav", "dois.wav"}


def test_this_machine_replaces_an_endpoint_that_fails_at_every_job(
    gateway: Gateway, worker: Worker, remote: RemoteRunner
) -> None:
    gateway.lose = lambda job: True
    with worker_running(worker, gateway):
        assert remote.run(fallback=("local",), attempts=2, device="cpu").exit_code == 0
    assert len(gateway.all_jobs()) == 4
    assert "Continuing with local." in remote.messages


def test_a_model_that_the_endpoint_does_not_have_is_reported(served: Gateway, remote: RemoteRunner) -> None:
    with pytest.raises(NotReady, match="has the model demo, not small"):
        remote.run(JobSpec(model="small", language="pt"))


def test_time_limits_follow_the_length_of_the_recording(gateway: Gateway, remote: RemoteRunner) -> None:
    remote.run(detach=True, max_queue=2.0)
    for job in gateway.jobs.values():
        policy = job.body["policy"]
        assert 900_000 < policy["executionTimeout"] < 910_000
        assert policy["ttl"] == pytest.approx(policy["executionTimeout"] + 7_200_000, abs=1)


def test_files_are_sent_as_opus(served: Gateway, remote: RemoteRunner) -> None:
    shutil.copy(EXAMPLES / "aula.mp3", remote.folder / "aula.mp3")
    assert remote.run(upload="opus").exit_code == 0, remote.messages
    sent = {event.recording: event for event in remote.events if isinstance(event, RecordingSent)}
    assert sent["aula.mp3"].bytes < 400_000
    assert (remote.folder / "aula.srt").read_text().count("-->") > 10


def test_faults_that_are_mended_before_the_upload_are_in_the_transcript(served: Gateway, remote: RemoteRunner) -> None:
    """The worker gets a mix without them, and could not say it."""
    with Decoder(fallback=False) as decoder, decoder.decode(EXAMPLES / "aula.mp3") as waveform:
        voice = (waveform.read(0, 8 * SAMPLE_RATE) * 32_767).astype(np.int16)
    wav(remote.folder / "inverted.wav", np.stack([voice, -voice], axis=1))
    assert remote.run(upload="opus").exit_code == 0, remote.messages
    found = read_transcript(remote.folder / "inverted.json")
    assert found.flags == ("channels_cancelled",)
    assert found.quality.left_out == ((0.0, pytest.approx(8.0)),)
    assert [(reason.code, reason.spans) for reason in found.quality.reasons] == [("channels_cancelled", found.quality.left_out)]


def test_a_file_too_large_for_a_request_fails_with_a_hint(
    gateway: Gateway, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transcribe_cli.backends.runpod.INLINE_BYTES", 1000)
    assert remote.run().exit_code == 3
    assert "--staging" in " ".join(event.hint for event in remote.events if isinstance(event, RecordingFailed))
    assert not gateway.jobs


def test_in_flight_limits_the_number_of_remote_jobs(gateway: Gateway, worker: Worker, remote: RemoteRunner) -> None:
    gateway.hold = True
    process = remote.started("--in-flight", "1")
    try:
        until(lambda: _polled_jobs(gateway) == 1)
        time.sleep(1.0)
        assert len(gateway.jobs) == 1
        gateway.hold = False
        with worker_running(worker, gateway):
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert len(gateway.jobs) == 2


def test_this_machine_is_a_backend_too(gateway: Gateway, remote: RemoteRunner) -> None:
    assert remote.run(backend="local", device="cpu").transcribed == 2
    assert not gateway.log


def test_a_key_without_permission_to_read_the_endpoint_can_use_it(
    served: Gateway, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.then["endpoint"].append(403)
    assert remote.run().exit_code == 0
    monkeypatch.setattr("transcribe_cli.backends.http._ATTEMPTS", 1)
    assert remote.run(runpod_api_url="http://127.0.0.1:9/v2", overwrite=True).exit_code == 0


def test_the_key_is_in_no_file_and_no_line(served: Gateway, remote: RemoteRunner, tmp_path: Path) -> None:
    served.lose = lambda job: job.starts == 1 and len(served.jobs) < 3
    ran = remote.program("--log-format", "json", "-f", "all")
    assert ran.code == 0
    remote.program("--detach", "--overwrite", "--runpod-api-key", KEY)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".job.json") for path in written)
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in ran.out + ran.err


def test_the_progress_of_a_job_is_reported(
    served: Gateway, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("transcribe_cli.worker.handler.PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr("transcribe_cli.backends.runpod.polling._POLL_SECONDS", 0.02)
    monkeypatch.setattr("transcribe_cli.backends.runpod.polling._BACKOFF", 1.0)
    lecture(remote.folder / "long.wav", (("O professor explica a lição de hoje para a turma.", "pt-br+m3"),) * 60, pause=0.5)
    assert remote.run().exit_code == 0
    progress = [event for event in remote.events if isinstance(event, RecordingProgress) and event.recording == "long.wav"]
    assert progress
    assert all(0 < event.seconds <= event.duration + 0.01 for event in progress)


def test_doctor_checks_the_endpoint(
    gateway: Gateway, remote: RemoteRunner, transcribe: Callable[..., Ran], tmp_path: Path
) -> None:
    lines = (
        f'runpod_endpoint = "{ENDPOINT}"',
        f'runpod_url = "{gateway.url}"',
        f'runpod_api_url = "{gateway.url}"',
        'model = "demo"',
    )
    (tmp_path / "transcribe.toml").write_text("\n".join(lines))
    key = {"RUNPOD_API_KEY": KEY}
    assert (
        f"RunPod endpoint {ENDPOINT} accepts jobs."
        in transcribe("doctor", "--config", "transcribe.toml", env=key, cwd=tmp_path).out
    )
    gateway.asleep = True
    ran = transcribe("doctor", "--config", "transcribe.toml", env=key, cwd=tmp_path)
    assert "note     The RunPod endpoint ep-tests is asleep" in ran.out
    assert ran.code == 0
