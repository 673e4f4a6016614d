"""`transcribe status`: the state of a tree, for users and programs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recordings import SHORT, check_harmless, state
from tests.conftest import Ran, command, environment, spoken
from transcribe_cli.batch.failures import SWEEP_SECONDS, Failures
from transcribe_cli.batch.leases import Owner
from transcribe_cli.batch.leases.owner import utc_now
from transcribe_cli.errors import NotAudio
from transcribe_cli.sources import find_recordings

Transcribe = Callable[..., Ran]


@pytest.fixture
def tree(tmp_path: Path, transcribe: Transcribe) -> Path:
    """One recording in each state, after a run that failed for one of them; its state folder is next to it."""
    folder = tmp_path / "aulas"
    folder.mkdir()
    for name in ("done.wav", "stale.wav", "rendered.wav"):
        (folder / name).write_bytes(spoken(SHORT))
    (folder / "failed.mp3").write_text("Dear diary, this is not audio.")
    assert status(transcribe, folder, "run").code == 3
    (folder / "stale.wav").write_bytes(spoken(SHORT) + b"\0\0")
    (folder / "rendered.vtt").unlink()
    for name in ("missing.wav", "busy.wav"):
        (folder / name).write_bytes(spoken(SHORT))
    owner = replace(Owner.this_process(utc_now()), host="gpu\x1b[31m2", machine="00000000", pid=77, seconds=30.0, duration=120.0)
    (folder / ".busy.wav.transcribe-lease").write_bytes(owner.dumps())
    (folder / "gone.mp3").symlink_to("/nowhere")
    return folder


def status(transcribe: Transcribe, folder: Path, *arguments: str | Path) -> Ran:
    """The command for the tree, or for another one with the same state folder."""
    first, *rest = arguments if arguments and arguments[0] == "run" else ("status", *arguments)
    return transcribe(first, folder, "--model", "demo", "--state-dir", folder.parent / "state", *rest)


def test_it_lists_what_is_not_done_and_prints_totals(tree: Path, transcribe: Transcribe) -> None:
    """A line each, with reason and place; then recordings and hours for each state. It changes nothing."""
    before = state(tree)
    ran = status(transcribe, tree)
    lines = check_harmless(ran.out.encode()).splitlines()
    assert ran.code == 3
    assert ran.err == ""
    assert state(tree) == before
    told = {line[13:].split()[0]: (line[:13].strip(), line) for line in lines[: lines.index("")]}
    assert {name: kind for name, (kind, _) in told.items()} == {
        "busy.wav": "in progress",
        "failed.mp3": "failed",
        "gone.mp3": "failed",
        "missing.wav": "missing",
        "rendered.wav": "stale",
        "stale.wav": "stale",
    }
    assert re.search(r" on gpu\\x1b\[31m2 \(process 77\) since \d\d:\d\d, 25 %$", told["busy.wav"][1])
    assert re.search(r" \d\d:\d\d, on this machine: failed\.mp3 is not a supported audio", told["failed.mp3"][1])
    assert told["gone.mp3"][1].endswith("is a symbolic link to /nowhere, which does not exist.")
    assert told["missing.wav"][1].endswith("1.2 s") or told["missing.wav"][1].endswith(" s")
    assert told["rendered.wav"][1].endswith("vtt missing")
    assert told["stale.wav"][1].endswith("recording changed")
    sums = [line.split("  ")[0].strip() for line in lines[lines.index("") + 1 :]]
    assert sums == ["done", "stale", "failed", "missing", "in progress"]
    assert "2 of unknown length" in next(line for line in lines[lines.index("") :] if line.startswith("failed"))


def test_programs_get_one_document(tree: Path, transcribe: Transcribe) -> None:
    """The same, with the same exit code."""
    ran = status(transcribe, tree, "--json")
    assert ran.code == 3
    document: dict[str, Any] = json.loads(ran.out)
    assert document["shard"] is None
    found = {recording["name"]: recording for recording in document["recordings"]}
    assert found["done.wav"]["state"] == "done"
    assert found["busy.wav"]["in_progress"]["host"] == "gpu\x1b[31m2"
    assert found["busy.wav"]["in_progress"]["seconds"] == 30.0
    assert found["failed.mp3"]["failure"]["code"] == "not_audio"
    assert found["gone.mp3"]["failure"] is None
    assert found["missing.wav"]["duration"] == pytest.approx(found["done.wav"]["duration"])
    totals = document["totals"]
    assert {name: total["recordings"] for name, total in totals.items()} == {
        "done": 1,
        "corrected": 0,
        "stale": 2,
        "failed": 2,
        "missing": 1,
        "in_progress": 1,
    }
    assert totals["stale"]["seconds"] == pytest.approx(2 * found["done.wav"]["duration"], abs=0.01)
    assert totals["failed"]["of_unknown_length"] == 2


def test_exit_codes_say_whether_everything_is_done_or_will_be(tmp_path: Path, transcribe: Transcribe) -> None:
    """0, 6 while the rest is in progress, 3 otherwise; nothing at all is done. `overwrite` does not count."""
    folder = tmp_path / "aulas"
    folder.mkdir()
    empty = status(transcribe, folder)
    assert (empty.code, empty.out) == (0, "No recordings found.\n")
    (folder / "a.wav").write_bytes(spoken(SHORT))
    assert status(transcribe, folder).code == 3
    lease = folder / ".a.wav.transcribe-lease"
    lease.write_bytes(replace(Owner.this_process(utc_now()), machine="00000000").dumps())
    assert status(transcribe, folder).code == 6
    os.utime(lease, (time.time() - 1000, time.time() - 1000))
    assert status(transcribe, folder).code == 3
    assert status(transcribe, folder, "run").code == 0
    assert status(transcribe, folder, "--overwrite").code == 0
    assert status(transcribe, folder, "--beam-size", "1").code == 3
    assert status(transcribe, folder, "--shard", "1/2").code == status(transcribe, folder, "--shard", "2/2").code == 0


def test_a_failure_is_deleted_when_the_recording_changes_or_is_done(tmp_path: Path, transcribe: Transcribe) -> None:
    """Or after three months."""
    folder = tmp_path / "aulas"
    folder.mkdir()
    (folder / "a.wav").write_text("hello")
    assert status(transcribe, folder, "run").code == 3
    [record] = (tmp_path / "state" / "failures").iterdir()
    assert record.stat().st_mode & 0o077 == 0 or record.parent.stat().st_mode & 0o077 == 0
    assert "failed" in status(transcribe, folder).out
    (folder / "a.wav").write_bytes(spoken(SHORT))
    assert status(transcribe, folder).out.startswith("missing ")
    assert status(transcribe, folder, "run").code == 0
    assert not record.exists()


def test_old_failure_records_are_removed_and_damaged_ones_ignored(tmp_path: Path) -> None:
    """Nothing depends on them."""
    (tmp_path / "a.wav").touch()
    [recording] = find_recordings([str(tmp_path)])
    failures = Failures(tmp_path / "state")
    failures.remember(recording, NotAudio("It is not audio.", "Look at it."))
    failure = failures.of(recording)
    assert failure is not None
    assert (failure.code, failure.message) == ("not_audio", "It is not audio. Look at it.")
    [record] = (tmp_path / "state" / "failures").iterdir()
    failures.sweep()
    assert record.exists()
    for damaged in (b"", b"[1]", b'{"uri": 3}', b"\xff"):
        record.write_bytes(damaged)
        assert failures.of(recording) is None
    os.utime(record, (time.time() - SWEEP_SECONDS - 10,) * 2)
    failures.sweep()
    assert not record.exists()
    failures.forget(recording)


def test_a_state_folder_that_cannot_be_written_costs_only_the_record(tmp_path: Path) -> None:
    """The run still reports the failure, and that it will not be stored."""
    (tmp_path / "state").write_text("a file")
    (tmp_path / "a.mp3").write_text("hello")
    arguments = command(["run", tmp_path / "a.mp3", "--model", "demo", "--state-dir", tmp_path / "state"])
    ran = subprocess.run(arguments, env=environment(), capture_output=True)
    assert ran.returncode == 3
    lines = check_harmless(ran.stderr).splitlines()
    assert len(lines) == 4
    for beginning in ("1 recording: 1 to transcribe.", "Warning: The ledger ", "FAILED ", "1 failed."):
        assert [line for line in lines if line.startswith(beginning)], lines
