"""`transcribe remote` and the queue of RunPod, with our handler behind it."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backends.conftest import RemoteRunner
from tests.backends.gateway import DROP_AFTER, DROP_BEFORE, ENDPOINT, KEY, Gateway
from tests.backends.worker_loop import worker_running
from tests.conftest import EXAMPLES, Ran, lecture
from transcribe_cli.errors import NotReady
from transcribe_cli.events import RecordingDone, RecordingFailed, RecordingProgress, RecordingSent
from transcribe_cli.spec import JobSpec
from transcribe_cli.worker.handler import Worker


def until(true: Callable[[], object]) -> None:
    """Wait for something that is about to happen."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen")


def _asked_about(gateway: Gateway) -> int:
    """How many jobs a client has asked about: so many ids are on its disk."""
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
        if path.suffix not in (".json", ".docx"):  # these say when they were made
            assert there.read_bytes() == path.read_bytes(), path.name
    assert len(served.jobs) == 5


def test_a_done_tree_costs_no_request(served: Gateway, remote: RemoteRunner) -> None:
    assert remote.run().exit_code == 0
    served.log.clear()
    again = remote.run()
    assert (again.exit_code, again.skipped, served.log) == (0, 2, [])


def test_a_killed_client_finds_its_jobs_again(gateway: Gateway, worker: Worker, remote: RemoteRunner) -> None:
    process = remote.started()
    until(lambda: _asked_about(gateway) == 2)
    process.kill()
    process.wait()
    with worker_running(worker, gateway):
        ran = remote.program()
    assert ran.code == 0, ran.err
    assert ran.err.count("is not sent again") == 2
    assert [job.starts for job in gateway.all_jobs()] == [1, 1]
    assert not list(remote.state.rglob("*.job.json"))


def test_a_client_killed_before_it_wrote_the_result_pays_nothing_twice(
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


def test_ctrl_c_cancels_what_is_elsewhere(gateway: Gateway, remote: RemoteRunner) -> None:
    process = remote.started()
    until(lambda: _asked_about(gateway) == 2)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert {job.status for job in gateway.jobs.values()} == {"CANCELLED"}
    assert not list(remote.state.rglob("*.job.json"))


def test_detached_jobs_are_collected_by_the_next_run(gateway: Gateway, worker: Worker, remote: RemoteRunner) -> None:
    first = remote.run(detach=True)
    assert (first.exit_code, first.elsewhere, len(gateway.jobs)) == (6, 2, 2)
    with worker_running(worker, gateway):
        until(lambda: all(job.status == "COMPLETED" for job in gateway.jobs.values()))
    second = remote.run(detach=True)
    assert (second.exit_code, second.transcribed, len(gateway.jobs)) == (0, 2, 2)


def test_refusals_and_dropped_connections_are_waited_out(served: Gateway, remote: RemoteRunner) -> None:
    served.then["run"].extend([(429, 0.2), 503])
    served.then["status"].extend([429, 500, DROP_BEFORE, 502, DROP_AFTER])
    assert remote.run().exit_code == 0
    assert [job.starts for job in served.all_jobs()] == [1, 1]
    assert "twice" not in remote.messages


def test_a_job_that_may_be_there_twice_is_said(served: Gateway, remote: RemoteRunner) -> None:
    served.then["run"].append(DROP_AFTER)
    assert remote.run(in_flight=1).exit_code == 0
    assert len(served.all_jobs()) == 3
    assert remote.messages.count("may be paid for twice") == 1


def test_a_result_that_was_lost_is_done_again_and_said(served: Gateway, remote: RemoteRunner) -> None:
    lost: list[str] = []
    served.lose = lambda job: not lost and not lost.append(job.id)
    assert remote.run().exit_code == 0
    assert len(served.all_jobs()) == 3
    assert "completed and has no output" in remote.messages
    assert remote.messages.count("may be paid for twice") == 1


def test_a_result_that_was_not_collected_in_time_is_done_again_and_said(
    gateway: Gateway, worker: Worker, remote: RemoteRunner
) -> None:
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


def test_a_recording_that_cannot_be_read_is_not_tried_again(served: Gateway, remote: RemoteRunner) -> None:
    (remote.folder / "broken.mp3").write_bytes(bytes(range(256)) * 40)
    # A header that promises audio, and none behind it.
    (remote.folder / "empty.wav").write_bytes((remote.folder / "um.wav").read_bytes()[:44])
    finished = remote.run()
    assert (finished.exit_code, finished.failed, finished.transcribed) == (3, 2, 2)
    failed = {event.recording: event for event in remote.events if isinstance(event, RecordingFailed)}
    assert failed["broken.mp3"].code == "not_audio"
    assert max(job.starts for job in served.all_jobs()) == 1


def test_a_worker_that_dies_costs_a_line(gateway: Gateway, worker: Worker, remote: RemoteRunner) -> None:
    gateway.lost_after = 0.5
    remote.run(detach=True)
    with gateway.changed:  # somebody takes a job, and is never heard of again
        job = next(iter(gateway.jobs.values()))
        gateway.queue.remove(job.id)
        job.status, job.worker, job.started, job.starts = "IN_PROGRESS", "dead", time.time() - 60, 1
    with worker_running(worker, gateway):
        assert remote.run().exit_code == 0
    assert "RunPod began" in remote.messages


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"runpod_api_key": None}, "no key"),
        ({"runpod_endpoint": None}, "No RunPod endpoint is set"),
        ({"runpod_api_key": "wrong"}, "does not accept the key"),
        ({"runpod_endpoint": "nowhere"}, "has no endpoint nowhere"),
        ({"runpod_url": "http://127.0.0.1:9/v2"}, "cannot be reached"),
    ],
)
def test_a_place_that_cannot_be_used_is_said_before_anything_is_sent(
    gateway: Gateway, remote: RemoteRunner, change: dict[str, object], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transcribe_cli.backends.http._TRIES", 1)
    with pytest.raises(NotReady, match=says):
        remote.run(**change)
    assert not gateway.jobs


def test_an_endpoint_that_sleeps_is_not_waited_for(gateway: Gateway, remote: RemoteRunner) -> None:
    gateway.asleep = True
    ran = remote.program()
    assert ran.code == 4
    assert "sleeps" in ran.err
    assert not gateway.jobs


def test_what_an_endpoint_cannot_do_goes_to_this_machine(gateway: Gateway, remote: RemoteRunner) -> None:
    gateway.asleep = True
    assert remote.run(fallback=("local",), device="cpu").exit_code == 0
    assert "runpod is left out" in remote.messages
    assert {event.recording for event in remote.events if isinstance(event, RecordingDone)} == {"um.wav", "dois.wav"}


def test_a_place_that_fails_at_everything_is_followed_by_this_machine(
    gateway: Gateway, worker: Worker, remote: RemoteRunner
) -> None:
    gateway.lose = lambda job: True
    with worker_running(worker, gateway):
        assert remote.run(fallback=("local",), attempts=2, device="cpu").exit_code == 0
    assert len(gateway.all_jobs()) == 4
    assert "The rest goes to local" in remote.messages


def test_another_model_than_the_endpoints_is_said(served: Gateway, remote: RemoteRunner) -> None:
    with pytest.raises(NotReady, match="has the model demo, not small"):
        remote.run(JobSpec(model="small", language="pt"))


def test_time_limits_follow_the_length_of_the_recording(gateway: Gateway, remote: RemoteRunner) -> None:
    remote.run(detach=True, max_queue=2.0)
    for job in gateway.jobs.values():
        policy = job.body["policy"]
        assert 900_000 < policy["executionTimeout"] < 910_000
        assert policy["ttl"] == pytest.approx(policy["executionTimeout"] + 7_200_000, abs=1)


def test_large_files_go_as_opus(served: Gateway, remote: RemoteRunner) -> None:
    shutil.copy(EXAMPLES / "aula.mp3", remote.folder / "aula.mp3")
    assert remote.run(upload="opus").exit_code == 0, remote.messages
    sent = {event.recording: event for event in remote.events if isinstance(event, RecordingSent)}
    assert sent["aula.mp3"].bytes < 400_000
    assert (remote.folder / "aula.srt").read_text().count("-->") > 10


def test_what_fits_nowhere_says_what_to_do(gateway: Gateway, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transcribe_cli.backends.runpod.INLINE_BYTES", 1000)
    assert remote.run().exit_code == 3
    assert "--staging" in " ".join(event.hint for event in remote.events if isinstance(event, RecordingFailed))
    assert not gateway.jobs


def test_so_many_jobs_are_elsewhere_at_once(gateway: Gateway, worker: Worker, remote: RemoteRunner) -> None:
    gateway.hold = True
    process = remote.started("--in-flight", "1")
    try:
        until(lambda: _asked_about(gateway) == 1)
        time.sleep(1.0)
        assert len(gateway.jobs) == 1
        gateway.hold = False
        with worker_running(worker, gateway):
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert len(gateway.jobs) == 2


def test_this_machine_is_a_backend_as_well(gateway: Gateway, remote: RemoteRunner) -> None:
    assert remote.run(backend="local", device="cpu").transcribed == 2
    assert not gateway.log


def test_a_key_that_may_not_ask_about_the_endpoint_may_still_use_it(
    served: Gateway, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.then["endpoint"].append(403)
    assert remote.run().exit_code == 0
    monkeypatch.setattr("transcribe_cli.backends.http._TRIES", 1)
    assert remote.run(runpod_api_url="http://127.0.0.1:9/v2", overwrite=True).exit_code == 0


def test_no_key_is_in_any_file_or_line(served: Gateway, remote: RemoteRunner, tmp_path: Path) -> None:
    served.lose = lambda job: job.starts == 1 and len(served.jobs) < 3
    ran = remote.program("--log-format", "json", "-f", "all")
    assert ran.code == 0
    remote.program("--detach", "--overwrite", "--runpod-api-key", KEY)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".job.json") for path in written)
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in ran.out + ran.err


def test_how_far_a_job_is_comes_through(
    served: Gateway, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("transcribe_cli.worker.handler.PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr("transcribe_cli.backends.runpod.attempt._POLL_SECONDS", 0.02)
    monkeypatch.setattr("transcribe_cli.backends.runpod.attempt._SLOWER", 1.0)
    lecture(remote.folder / "long.wav", (("O professor explica a lição de hoje para a turma.", "pt-br+m3"),) * 60, pause=0.5)
    assert remote.run().exit_code == 0
    told = [event for event in remote.events if isinstance(event, RecordingProgress) and event.recording == "long.wav"]
    assert told
    assert all(0 < event.seconds <= event.duration + 0.01 for event in told)


def test_doctor_looks_at_the_endpoint(
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
    assert f"RunPod endpoint {ENDPOINT} accepts jobs." in transcribe("doctor", env=key, cwd=tmp_path).out
    gateway.asleep = True
    ran = transcribe("doctor", env=key, cwd=tmp_path)
    assert "note     The RunPod endpoint ep-tests sleeps" in ran.out
    assert ran.code == 0
