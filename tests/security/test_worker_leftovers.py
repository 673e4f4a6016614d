"""The attacker reads the disk of a worker that was killed, for instance as its next tenant: customers' recordings must not be on it.

Or they share the folder for temporary files, and want the worker to remove what is not its own.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.conftest import environment, spoken
from transcribe_cli.audio import scratch
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec
from transcribe_cli.worker.handler import Worker
from transcribe_cli.worker.limits import WorkerLimits

# A worker with a job whose audio does not end: it arrives from a server that waits.
KILLED = textwrap.dedent(
    """
    import asyncio, socket, threading
    from transcribe_cli.settings import Settings
    from transcribe_cli.spec import JobSpec
    from transcribe_cli.worker import handler

    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = server.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000000\\r\\n\\r\\n" + b"secret" * 1000)
        threading.Event().wait()

    threading.Thread(target=serve, daemon=True).start()
    worker = handler.Worker(JobSpec(model="demo"), Settings(device="cpu"), handler.WorkerLimits(allow_private=True))
    url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    job = {"name": "visit.wav", "spec": {"model": "demo"}, "audio_url": url}
    asyncio.run(worker.handle({"id": "a", "input": job}, print))
    """
)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, also of this process."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def killed_worker(temporary: Path) -> list[Path]:
    """What a worker leaves that is killed while it downloads a recording."""
    process = subprocess.Popen([sys.executable, "-c", KILLED], env={**environment(), "TMPDIR": str(temporary)})
    while not (files := [path for path in temporary.rglob("*.wav") if path.stat().st_size]):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return files


def make_old(temporary: Path) -> None:
    """As if an hour had passed."""
    for path in temporary.iterdir():
        os.utime(path, (time.time() - 3600,) * 2, follow_symlinks=False)


def worker() -> Worker:
    """A worker that accepts jobs."""
    return Worker(JobSpec(model="demo"), Settings(device="cpu", offline=True), WorkerLimits())


def test_the_next_worker_removes_what_a_killed_one_left(temporary: Path) -> None:
    [recording] = killed_worker(temporary)
    assert b"secret" in recording.read_bytes()
    make_old(temporary)
    worker().close()
    assert list(temporary.iterdir()) == []


def test_a_running_worker_removes_it_between_jobs(temporary: Path) -> None:
    """A worker that starts at once after the kill finds a folder that is too young to tell."""
    running = worker()
    running.start()
    killed_worker(temporary)
    make_old(temporary)
    job = {"name": "a.wav", "spec": {"model": "demo"}, "audio_base64": base64.b64encode(spoken("Bom dia.")).decode()}
    answer = asyncio.run(running.handle({"id": "a", "input": job}, lambda *progress: None))
    assert "error" not in answer
    assert list(temporary.iterdir()) == [running._scratch.path]
    running.close()
    assert list(temporary.iterdir()) == []


def test_a_live_worker_keeps_its_folder(temporary: Path) -> None:
    first = worker()
    make_old(temporary)
    second = worker()
    assert first._scratch.path.is_dir()
    second.close()
    assert first._scratch.path.is_dir()
    first.close()
    assert list(temporary.iterdir()) == []


def test_only_the_owner_can_read_a_recording(temporary: Path) -> None:
    made = worker()
    assert made._scratch.path.stat().st_mode & 0o777 == 0o700
    made.close()


def test_nothing_else_is_removed(temporary: Path, tmp_path: Path) -> None:
    """Folders with another name, files and links with a folder's name, folders with a file's; and nothing behind a link."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "a.wav").write_bytes(b"audio")
    for name in (
        "transcribe-1-abcdefgh",
        "transcribe-1-abcdefgh.files.bak",
        "transcribe-x-abcdefgh.files",
        "transcribe-1-ABCDEFGH.files",
    ):
        (temporary / name).mkdir()
    (temporary / "transcribe-1-aaaaaaaa.s16").mkdir()
    (temporary / "transcribe-1-bbbbbbbb.files").write_bytes(b"x")
    (temporary / "transcribe-1-cccccccc.files").symlink_to(precious)
    os.mkfifo(temporary / "transcribe-1-dddddddd.files")
    young = temporary / "transcribe-1-eeeeeeee.files"
    make_old(temporary)
    young.mkdir()
    kept = sorted(temporary.iterdir())
    assert scratch.sweep(temporary) == []
    assert sorted(temporary.iterdir()) == kept
    abandoned = temporary / "transcribe-1-ffffffff.files"
    abandoned.mkdir()
    (abandoned / "link").symlink_to(precious)
    (abandoned / "a.wav").write_bytes(b"audio")
    os.utime(abandoned, (0, 0))
    assert scratch.sweep(temporary) == [abandoned]
    assert (precious / "a.wav").read_bytes() == b"audio"


def test_a_folder_of_another_user_is_kept(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (temporary / "transcribe-1-abcdefgh.files").mkdir()
    make_old(temporary)
    monkeypatch.setattr(scratch.os, "getuid", lambda: 12345)
    assert scratch.sweep(temporary) == []
