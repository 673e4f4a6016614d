"""Two runs over one tree: each recording is done once, and each run takes over what the other leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recordings import SHORT, check_harmless, check_set, state
from tests.cli.test_bad_input import without_privileges
from tests.conftest import Ran, command, environment, lecture, spoken
from transcribe_cli.batch.leases import Owner
from transcribe_cli.batch.leases.owner import utc_now
from transcribe_cli.batch.run import Batch
from transcribe_cli.events import Event, ModelLoaded
from transcribe_cli.plan import Decision, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

Transcribe = Callable[..., Ran]
ONE_AT_A_TIME = ("--model", "demo", "--batch-size", "1", "--threads", "1", "--log-format", "json")
GIVEN_TURNS = ("--diarize", "--diarize-model", "rttm")
TURN = "SPEAKER aula 1 0 60 <NA> <NA> Ana <NA> <NA>\n"
# A lease expires after one second without a refresh, instead of two minutes.
IMPATIENT = (
    "from transcribe_cli.batch.leases import manager; manager.REFRESH_SECONDS, manager.EXPIRY_SECONDS = 0.2, 1.0\n"
    "from transcribe_cli.cli import main; main()"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Five short recordings."""
    folder = tmp_path / "aulas"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.wav").write_bytes(spoken(SHORT))
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a process that is terminated after the test."""
    started = []

    def begin(*arguments: str | Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(arguments, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def events(err: bytes | str, name: str) -> list[dict[str, Any]]:
    """Those of one kind."""
    return [event for line in err.splitlines() if (event := json.loads(line))["event"] == name]


def lease_of(recording: Path) -> Path:
    """The path of the lease when outputs are next to the recording."""
    return recording.with_name(f".{recording.name}.transcribe-lease")


def elsewhere(recording: Path, age: float = 0.0) -> Path:
    """A lease of another machine, refreshed seconds ago."""
    owner = replace(Owner.this_process(utc_now()), host="gpu-2", machine="00000000", pid=77, seconds=30.0, duration=120.0)
    path = lease_of(recording)
    path.write_bytes(owner.dumps())
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def leases(folder: Path) -> list[str]:
    """Those that are there."""
    return [path.name for path in folder.rglob("*") if path.name.endswith(".transcribe-lease")]


def speakers_of(document: Path) -> list[str]:
    """Of a transcript."""
    return list(json.loads(document.read_text()).get("speakers", []))


@pytest.mark.slow
def test_two_concurrent_runs_share_the_work(tree: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Each recording is done by one of them, the last to end exits with 0, and no lease is left."""
    runs = [start(*command(["run", tree, *ONE_AT_A_TIME])) for _ in range(2)]
    told = [run.communicate(timeout=120)[1] for run in runs]
    done = Counter(event["recording"] for err in told for event in events(err, "recording_done"))
    assert done == {f"{number}.wav": 1 for number in range(5)}
    assert {run.returncode for run in runs} <= {0, 6}
    assert 0 in {run.returncode for run in runs}
    for number in range(5):
        check_set(tree / str(number))
    assert leases(tree) == []


def test_recordings_in_progress_elsewhere_are_skipped_and_reported(tree: Path, transcribe: Transcribe) -> None:
    """The others are done; exit code 6, which is not a failure; the other run's lease is unchanged."""
    lease = elsewhere(tree / "3.wav")
    before = lease.read_bytes()
    ran = transcribe("run", tree, "--model", "demo")
    lines = ran.err.splitlines()
    assert ran.code == 6
    assert [line for line in lines if line.startswith("elsewhere")] == ["elsewhere 3.wav  in progress on gpu-2 (process 77)"]
    assert lines[-1].startswith("4 transcribed (")
    assert lines[-1].endswith("; 1 in progress elsewhere.")
    assert "FAILED" not in ran.err
    assert lease.read_bytes() == before
    assert not (tree / "3.json").exists()
    again = transcribe("run", tree, *ONE_AT_A_TIME, "--json")
    summary = json.loads(again.out)
    assert (summary["elsewhere"], summary["skipped"], summary["not_tried"], summary["exit_code"]) == (1, 4, 0, 6)
    [told] = events(again.err, "recording_elsewhere")
    assert (told["recording"], told["host"], told["pid"]) == ("3.wav", "gpu-2", 77)


def test_leases_of_a_machine_without_refreshes_expire(tree: Path, transcribe: Transcribe) -> None:
    """Two minutes after the last refresh; leases of deleted recordings are removed, too."""
    elsewhere(tree / "3.wav", age=130)
    elsewhere(tree / "gone.wav", age=130)
    assert transcribe("run", tree, "--model", "demo").code == 0
    check_set(tree / "3")
    assert leases(tree) == []


@pytest.mark.slow
def test_what_another_run_started_and_did_not_finish_is_done_at_the_end(
    tree: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Its process dies while this one works on the others."""
    other = start("sleep", "60")
    lease = elsewhere(tree / "3.wav")
    lease.write_bytes(replace(Owner.this_process(utc_now()), pid=other.pid).dumps())
    run = start(*command(["run", tree, *ONE_AT_A_TIME]))
    assert run.stderr is not None
    said = b""
    for line in run.stderr:
        said += line
        if b"recording_elsewhere" in line:
            other.kill()
            other.wait()
    assert run.wait(60) == 0
    assert [event["recording"] for event in events(said, "recording_done")][-1] == "3.wav"
    check_set(tree / "3")
    assert leases(tree) == []


@pytest.mark.slow
def test_a_suspended_run_detects_that_another_did_its_work(tmp_path: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Suspended during a lecture for longer than its lease; the output of the other run is kept."""
    lecture(tmp_path / "in" / "aula.wav", [("Bom dia a todos. Vamos começar a aula.", "pt-br+m3")] * 10)
    arguments = (sys.executable, "-c", IMPATIENT, "run", tmp_path / "in", *ONE_AT_A_TIME)
    first = start(*arguments, "--state-dir", tmp_path / "one")
    assert first.stderr is not None
    said = b""
    for line in first.stderr:
        said += line
        if b"recording_progress" in line:
            first.send_signal(signal.SIGSTOP)
            break
    time.sleep(1.5)
    second = start(*arguments, "--state-dir", tmp_path / "two")
    _, err = second.communicate(timeout=60)
    assert second.returncode == 0
    assert len(events(err, "recording_done")) == 1
    before = state(tmp_path / "in")
    first.send_signal(signal.SIGCONT)
    said += first.communicate(timeout=60)[1]
    assert first.returncode == 0
    assert events(said, "recording_done") == []
    assert events(said, "run_finished")[0]["skipped"] == 1
    assert state(tmp_path / "in") == before
    assert leases(tmp_path) == []
    assert list((tmp_path / "one").rglob("*.jsonl")) == []


def test_leases_of_a_read_only_source_are_next_to_the_outputs(tree: Path, tmp_path: Path) -> None:
    """Nothing is written to the source; folders created for the lease of a failed recording are removed."""
    (tree / "mau").mkdir()
    (tree / "mau" / "texto.mp3").write_text("hello")
    for path in (tree, tree / "mau"):
        path.chmod(0o555)
    arguments = ["run", tree, "--model", "demo", "-o", tmp_path / "out"]
    try:
        before = tree.stat().st_mtime_ns
        ran = subprocess.run(without_privileges(arguments), env=environment(), capture_output=True)
    finally:
        for path in (tree, tree / "mau"):
            path.chmod(0o755)
    assert ran.returncode == 3
    assert tree.stat().st_mtime_ns == before
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".json", ".srt", ".vtt"}
    assert "lease" not in check_harmless(ran.stderr).lower()


def test_without_a_lease_the_work_is_done_and_one_warning_is_shown(tree: Path, transcribe: Transcribe) -> None:
    """Here, there are folders in place of the lease files."""
    for number in (1, 2):
        lease_of(tree / f"{number}.wav").mkdir()
    ran = transcribe("run", tree, "--model", "demo")
    assert ran.code == 0
    [line] = [line for line in ran.err.splitlines() if "ease" in line]
    assert line == (
        f"Warning: Leases cannot be written in {tree} (not a regular file): another run over these recordings would process them again."
    )
    for number in range(5):
        check_set(tree / str(number))


def test_a_missing_rendering_is_left_to_the_run_that_holds_the_lease(tree: Path, transcribe: Transcribe) -> None:
    """Two runs that add files to one transcript would lose each other's changes."""
    assert transcribe("run", tree, "--model", "demo").code == 0
    (tree / "2.srt").unlink()
    lease = elsewhere(tree / "2.wav")
    assert transcribe("run", tree, "--model", "demo").code == 6
    assert not (tree / "2.srt").exists()
    lease.unlink()
    ran = transcribe("run", tree, "--model", "demo")
    assert ran.code == 0
    assert "rendered  2.wav  2.srt" in ran.err
    assert leases(tree) == []


@pytest.mark.slow
def test_recordings_deleted_during_a_run_fail_with_one_line_and_new_ones_wait_for_the_next_run(
    tree: Path, start: Callable[..., subprocess.Popen[bytes]], transcribe: Transcribe
) -> None:
    """A removed folder is not created again for a lease or an output."""
    (tree / "z").mkdir()
    for name in ("z/8.wav", "z/9.wav"):
        (tree / name).write_bytes(spoken(SHORT) + b"\0" * 200_000)  # the largest, and last by name: they come one by one
    run = start(*command(["run", tree, *ONE_AT_A_TIME, "--exclude", "z/9.wav"]))
    assert run.stderr is not None
    said = b""
    for line in run.stderr:
        said += line
        if b"run_started" in line:
            for path in (tree / "z").iterdir():
                path.unlink()
            (tree / "z").rmdir()
            (tree / "new.wav").write_bytes(spoken(SHORT))
    code = run.wait(60)
    failed = events(said, "recording_failed")
    done = {event["recording"] for event in events(said, "recording_done")}
    assert done >= {f"{number}.wav" for number in range(5)}
    assert code == 3
    assert [(event["recording"], event["code"]) for event in failed] == [("z/8.wav", "unreadable")]
    assert not (tree / "z").exists()
    assert not (tree / "new.json").exists()
    assert leases(tree) == []
    assert transcribe("run", tree, "--model", "demo").code == 0
    check_set(tree / "new")


def test_a_recording_that_another_run_diarizes_is_left_to_it(tree: Path, transcribe: Transcribe) -> None:
    """The texts exist; the speakers of the others are added."""
    assert transcribe("run", tree, "--model", "demo").code == 0
    for number in range(5):
        (tree / f"{number}.rttm").write_text(TURN)
    lease = elsewhere(tree / "2.wav")
    ran = transcribe("run", tree, *ONE_AT_A_TIME, *GIVEN_TURNS, "--json")
    summary = json.loads(ran.out)
    assert (summary["diarized"], summary["elsewhere"], summary["exit_code"]) == (4, 1, 6)
    assert events(ran.err, "recording_elsewhere")[0]["bytes"] == (tree / "2.wav").stat().st_size
    assert not speakers_of(tree / "2.json")
    lease.unlink()
    assert transcribe("run", tree, *ONE_AT_A_TIME, *GIVEN_TURNS).code == 0
    assert speakers_of(tree / "2.json") == ["Ana"]
    assert leases(tree) == []


def test_a_text_written_meanwhile_by_another_run_gets_speakers_without_a_second_recognition(tree: Path) -> None:
    """At planning time there was none."""
    (tree / "0.rttm").write_text(TURN)
    spec = JobSpec(model="demo", language="pt", diarize=True, diarize_model="rttm")
    told: list[Event] = []
    jobs = plan(find_recordings([str(tree / "0.wav")]), spec, Settings())
    assert [job.decision for job in jobs] == [Decision.TRANSCRIBE]
    text_only = spec.model_copy(update={"diarize": False})
    Batch(plan(find_recordings([str(tree / "0.wav")]), text_only, Settings()), text_only, Settings(), lambda event: None).run()
    summary = Batch(jobs, spec, Settings(), told.append).run()
    assert (summary.transcribed, summary.diarized, summary.failed, summary.elsewhere) == (0, 1, 0, 0)
    assert not any(isinstance(event, ModelLoaded) for event in told)
    assert speakers_of(tree / "0.json") == ["Ana"]
