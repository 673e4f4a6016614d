"""What a run may work on, and what it finds when a recording's turn comes hours after the plan."""

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
    """As another run does it."""
    commit(job.output, transcript_of(job.recording, job.spec), RENDERED, stamp=Settings().subtitle_style.stamp, overwrite=True)


def dead(job: Job) -> Path:
    """A lease of a process that was killed."""
    path = lease_path(job.recording, job.output)
    path.write_bytes(replace(Owner.this_process(utc_now()), pid=DEAD_PID).dumps())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With one recording."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "aula.mp3").write_bytes(b"sound")
    return tmp_path / "in"


@pytest.fixture
def told() -> list[Event]:
    """What claims said."""
    return []


@pytest.fixture
def claims(told: list[Event]) -> Iterator[Claiming]:
    """Of a run with these settings; given back in the end."""
    made: list[Claims] = []

    def make(spec: JobSpec = SPEC, **settings: object) -> Claims:
        made.append(Claims(spec, Settings.model_validate(settings), told.append).__enter__())
        return made[-1]

    yield make
    for each in made:
        each.__exit__(None, None, None)


def test_what_nobody_touched_is_done_as_planned(folder: Path, claims: Claiming) -> None:
    """The same job, without another look at the folder."""
    job = planned(folder)
    claim = claims().claim(job)
    assert claim.job is job
    assert claim.held_by is None
    assert lease_path(job.recording, job.output).exists()


def test_what_another_run_holds_is_told(folder: Path, claims: Claiming) -> None:
    """Here two in one process; given back, it is free."""
    job, one, other = planned(folder), claims(), claims()
    one.claim(job)
    assert other.claim(job).held_by == Owner.loads(lease_path(job.recording, job.output).read_bytes())
    assert not other.is_free(job)
    one.release(job)
    assert other.is_free(job)
    assert other.claim(job).held_by is None


def test_what_another_run_finished_meanwhile_is_done(folder: Path, claims: Claiming) -> None:
    """Though the plan said otherwise; and what it left out is only rendered."""
    job, one = planned(folder), claims()
    finish(job)
    assert one.claim(job).job.decision is Decision.DONE
    one.release(job)
    job.output.path("srt").unlink()
    again = one.claim(job).job
    assert (again.decision, again.formats) == (Decision.RENDER, ("srt",))


def test_a_transcript_of_another_spec_is_still_out_of_date(folder: Path, claims: Claiming) -> None:
    """Another run made it with its own settings meanwhile."""
    job = planned(folder)
    finish(replace(job, spec=JobSpec(model="large-v3")))
    again = claims().claim(job).job
    assert (again.decision, again.reason) == (Decision.TRANSCRIBE, "model changed: large-v3 -> small")


def test_overwriting_runs_do_each_recording_once(folder: Path, claims: Claiming) -> None:
    """What was there at the plan is replaced; what another made since is new enough."""
    finish(planned(folder))
    job = planned(folder, overwrite=True)
    assert job.decision is Decision.TRANSCRIBE
    one = claims(overwrite=True)
    assert one.claim(job).job is job
    one.release(job)
    finish(job)
    assert one.claim(job).job.decision is Decision.DONE


def test_a_recording_that_changed_since_is_judged_as_it_is_now(folder: Path, claims: Claiming) -> None:
    """Another run finished the older one; one that vanished is for whoever reads it."""
    job, one = planned(folder), claims()
    finish(job)
    (folder / "aula.mp3").write_bytes(b"another sound")
    again = one.claim(job).job
    assert (again.decision, again.reason) == (Decision.TRANSCRIBE, "recording changed")
    one.release(job)
    (folder / "aula.mp3").unlink()
    assert one.claim(job).job is job


def test_a_run_that_was_killed_while_writing_leaves_its_transcript_to_the_taker(folder: Path, claims: Claiming) -> None:
    """It is under a temporary name, and nothing is recognized again."""
    job = planned(folder)
    finish(job)
    temporary = folder / f".transcribe-{host_id()}-{DEAD_PID}-0123abcd.tmp"
    job.output.path("json").rename(temporary)
    dead(job)
    claim = claims().claim(job)
    assert claim.job.decision is Decision.DONE
    assert not temporary.exists()


def test_a_run_that_lost_its_lease_asks_again_before_it_writes(folder: Path, claims: Claiming) -> None:
    """It writes when nobody has finished; then the other finds it done."""
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


def test_the_lease_says_how_far_the_recording_is(folder: Path, claims: Claiming) -> None:
    """At its next refresh, of which writing is one."""
    job, one = planned(folder), claims()
    one.claim(job)
    one.on_event(RecordingProgress("aula.mp3", 30.0, 60.0))
    one.on_event(RecordingProgress("other.mp3", 1.0, 2.0))
    one.begin_writing(job)
    owner = Owner.loads(lease_path(job.recording, job.output).read_bytes())
    assert (owner.seconds, owner.duration) == (30.0, 60.0)


def test_a_sweep_cleans_the_folders_of_a_run(folder: Path, claims: Claiming) -> None:
    """Of the dead only."""
    path = dead(planned(folder))
    claims().sweep([folder, folder / "nowhere"])
    assert not path.exists()


def test_folders_made_below_an_output_folder_go_when_nothing_came_into_them(
    folder: Path, tmp_path: Path, claims: Claiming
) -> None:
    """Others stay."""
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
def test_a_file_system_that_cannot_rename_is_found_before_the_work(
    folder: Path, claims: Claiming, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """One line, and nothing is left there."""

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
def test_a_rename_that_fails_in_the_end_keeps_the_transcript_for_the_next_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Its line says where; the next run, which is another process, puts it in its place and renders what is missing."""
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
