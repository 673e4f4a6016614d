"""What a run may claim, and what it finds when a recording starts hours after the plan."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.transcripts import commit, transcript_of
from transcribe_cli.batch.claims import Claims
from transcribe_cli.batch.leases import Owner, lease_path
from transcribe_cli.batch.leases.owner import utc_now
from transcribe_cli.errors import OutputRefused
from transcribe_cli.events import Event, RecordingProgress
from transcribe_cli.plan import Decision, Job, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import host_id, recover
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

SPEC = JobSpec(model="small")
RENDERED = {"srt": "1\n", "vtt": "WEBVTT\n"}
DEAD_PID = 2**22 + 1
Claiming = Callable[..., Claims]


def planned(folder: Path, spec: JobSpec = SPEC, **settings: object) -> Job:
    """The job of the only recording."""
    [job] = plan(find_recordings([str(folder)]), spec, Settings.model_validate(settings))
    return job


def finish(job: Job) -> None:
    """Write the outputs, as another run does."""
    commit(job.output, transcript_of(job.recording, job.spec), RENDERED, stamp=Settings().subtitle_style.stamp, overwrite=True)


def leave_dead_lease(job: Job) -> Path:
    """The lease of a process that was killed."""
    path = lease_path(job.recording, job.output)
    path.write_bytes(replace(Owner.this_process(utc_now()), pid=DEAD_PID).dumps())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one recording."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "aula.mp3").write_bytes(b"sound")
    return tmp_path / "in"


@pytest.fixture
def events() -> list[Event]:
    """The events that claims emitted."""
    return []


@pytest.fixture
def claims(events: list[Event]) -> Iterator[Claiming]:
    """Makes the claims of a run with these settings; released at the end."""
    made: list[Claims] = []

    def make(spec: JobSpec = SPEC, **settings: object) -> Claims:
        made.append(Claims(spec, Settings.model_validate(settings), events.append).__enter__())
        return made[-1]

    yield make
    for each in made:
        each.__exit__(None, None, None)


def test_an_unchanged_recording_is_claimed_as_planned(folder: Path, claims: Claiming) -> None:
    """The same job, without reading the folder again."""
    job = planned(folder)
    claim = claims().claim(job)
    assert claim.job is job
    assert claim.held_by is None
    assert lease_path(job.recording, job.output).exists()


def test_a_claim_names_the_run_that_holds_the_recording(folder: Path, claims: Claiming) -> None:
    """Two runs in one process; after release the recording is free."""
    job, one, other = planned(folder), claims(), claims()
    one.claim(job)
    assert other.claim(job).held_by == Owner.loads(lease_path(job.recording, job.output).read_bytes())
    assert not other.is_free(job)
    one.release(job)
    assert other.is_free(job)
    assert other.claim(job).held_by is None


def test_a_recording_that_another_run_finished_is_done(folder: Path, claims: Claiming) -> None:
    """Although the plan said otherwise; missing formats are only rendered."""
    job, one = planned(folder), claims()
    finish(job)
    assert one.claim(job).job.decision is Decision.DONE
    one.release(job)
    job.output.path("srt").unlink()
    again = one.claim(job).job
    assert (again.decision, again.formats) == (Decision.RENDER, ("srt",))


def test_a_transcript_of_another_spec_is_still_out_of_date(folder: Path, claims: Claiming) -> None:
    """Another run wrote it with other settings."""
    job = planned(folder)
    finish(replace(job, spec=JobSpec(model="large-v3")))
    again = claims().claim(job).job
    assert (again.decision, again.reason) == (Decision.TRANSCRIBE, "outdated: model large-v3 -> small")


def test_overwriting_runs_do_each_recording_once(folder: Path, claims: Claiming) -> None:
    """A transcript that existed at planning is replaced; one that another run wrote since then is not."""
    finish(planned(folder))
    job = planned(folder, overwrite=True)
    assert job.decision is Decision.TRANSCRIBE
    one = claims(overwrite=True)
    assert one.claim(job).job is job
    one.release(job)
    finish(job)
    assert one.claim(job).job.decision is Decision.DONE


def test_a_recording_that_changed_after_the_plan_is_planned_again(folder: Path, claims: Claiming) -> None:
    """Another run finished the old version. A missing recording fails when it is read."""
    job, one = planned(folder), claims()
    finish(job)
    (folder / "aula.mp3").write_bytes(b"another sound")
    again = one.claim(job).job
    assert (again.decision, again.reason) == (Decision.TRANSCRIBE, "recording changed")
    one.release(job)
    (folder / "aula.mp3").unlink()
    assert one.claim(job).job is job


def test_a_transcript_of_a_killed_run_is_recovered_with_its_lease(folder: Path, claims: Claiming) -> None:
    """It has a temporary name, and nothing is recognized again."""
    job = planned(folder)
    finish(job)
    temporary = folder / f".transcribe-{host_id()}-{DEAD_PID}-0123abcd.tmp"
    job.output.path("json").rename(temporary)
    leave_dead_lease(job)
    claim = claims().claim(job)
    assert claim.job.decision is Decision.DONE
    assert not temporary.exists()


def test_a_run_that_lost_its_lease_checks_again_before_it_writes(folder: Path, claims: Claiming) -> None:
    """It writes if no other run has finished; the other run then finds the recording done."""
    job, one = planned(folder), claims()
    one.claim(job)
    path = lease_path(job.recording, job.output)
    path.write_bytes(replace(Owner.this_process(utc_now()), machine="00000000").dumps())
    assert one.begin_writing(job).decision is Decision.TRANSCRIBE
    one.release(job)
    assert not path.exists()
    one.claim(job)
    path.unlink()
    finish(job)
    assert one.begin_writing(job).decision is Decision.DONE


def test_the_lease_contains_the_progress(folder: Path, claims: Claiming) -> None:
    """From its next refresh on; the start of writing is one."""
    job, one = planned(folder), claims()
    one.claim(job)
    one.on_event(RecordingProgress("aula.mp3", 30.0, 60.0))
    one.on_event(RecordingProgress("other.mp3", 1.0, 2.0))
    one.begin_writing(job)
    owner = Owner.loads(lease_path(job.recording, job.output).read_bytes())
    assert (owner.seconds, owner.duration) == (30.0, 60.0)


def test_a_sweep_removes_expired_leases_in_the_folders_of_a_run(folder: Path, claims: Claiming) -> None:
    """A missing folder is ignored."""
    path = leave_dead_lease(planned(folder))
    claims().sweep([folder, folder / "nowhere"])
    assert not path.exists()


def test_empty_folders_created_below_an_output_folder_are_removed(folder: Path, tmp_path: Path, claims: Claiming) -> None:
    """Folders with files stay."""
    out = tmp_path / "out"
    job, one = planned(folder, output_dir=out), claims(output_dir=out)
    one.prepare_folder(job.output.folder)
    one.prepare_folder(out / "a" / "b")
    one.claim(job)
    assert lease_path(job.recording, job.output).parent == out
    (out / "a" / "kept").touch()
    one.__exit__(None, None, None)
    assert [path.name for path in out.rglob("*")] == ["a", "kept"]


@pytest.mark.parametrize("number", [18, 1, 5], ids=["EXDEV", "EPERM", "EIO"])
def test_a_file_system_that_cannot_rename_is_detected_before_the_work(
    folder: Path, claims: Claiming, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """One error, and no file is left behind."""

    def refuse(*paths: object) -> None:
        raise OSError(number, os.strerror(number), str(paths[0]))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(OutputRefused, match=f"{os.strerror(number)}.*--output-dir"):
            claims().prepare_folder(folder)
    assert [path.name for path in folder.iterdir()] == ["aula.mp3"]
    claims().prepare_folder(folder)
    assert [path.name for path in folder.iterdir()] == ["aula.mp3"]


@pytest.mark.parametrize("number", [18, 1, 5], ids=["EXDEV", "EPERM", "EIO"])
def test_a_transcript_that_cannot_be_renamed_is_kept_for_the_next_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The error names the file. The next run, another process, moves it into place and renders what is missing."""
    job = planned(folder)
    original = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(target).suffix == ".json":
            raise OSError(number, os.strerror(number), str(source))
        original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(OutputRefused, match=r"aula\.json cannot be written.*is kept in \.transcribe-.*\.tmp"):
            finish(job)
    [temporary] = folder.glob(".transcribe-*.tmp")
    temporary.rename(temporary.with_name(temporary.name.replace(f"-{os.getpid()}-", f"-{DEAD_PID}-")))
    time.sleep(0.01)
    assert recover(folder) == [folder / "aula.json"]
    assert planned(folder).decision is Decision.DONE
