"""A recording is its content: copied, touched, moved, renamed or restored, it is not done again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.transcripts import commit, transcript_of
from transcribe_cli.plan import plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.sources.content import content_digest
from transcribe_cli.spec import JobSpec

SPEC = JobSpec(model="small")


def reasons(folder: Path, *, state: Path, **settings: object) -> dict[str, str]:
    """Path below the folder to reason."""
    jobs = plan(find_recordings([str(folder)]), SPEC, Settings.model_validate({"state_dir": state, **settings}))
    return {job.recording.label: job.reason for job in jobs}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder."""
    return tmp_path / "state"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two recordings of the same size that have transcripts with digests."""
    folder = tmp_path / "aulas"
    (folder / "sub").mkdir(parents=True)
    (folder / "aula.mp3").write_bytes(b"one sound")
    (folder / "sub" / "talk.mp3").write_bytes(b"two sound")
    finish(folder)
    return folder


def finish(folder: Path, *, with_digest: bool = True) -> None:
    """Write transcripts of the recordings, as a run does."""
    settings = Settings()
    for job in plan(find_recordings([str(folder)]), SPEC, settings):
        recording = job.recording
        assert isinstance(recording.path, Path)
        digest = content_digest(recording.path, recording.name) if with_digest else None
        made = transcript_of(recording, SPEC)
        made = made.model_copy(update={"source": made.source.model_copy(update={"digest": digest})})
        commit(job.output, made, {"srt": f"1 {recording.name}", "vtt": "WEBVTT"}, stamp=settings.subtitle_style.stamp)


def touched(folder: Path) -> Path:
    """Every recording has another time."""
    for path in folder.rglob("*.mp3"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return folder


def copied(folder: Path) -> Path:
    """All files have new times, as after `cp -r`."""
    return Path(shutil.copytree(folder, folder.with_name("copy"), copy_function=shutil.copyfile))


def moved(folder: Path) -> Path:
    """A recording and its outputs are in another folder of the tree, with other times."""
    (folder / "new").mkdir()
    for path in folder.glob("aula.*"):
        path.rename(folder / "new" / path.name)
    return touched(folder)


def renamed(folder: Path) -> Path:
    """A recording and its outputs have another name."""
    for path in folder.glob("aula.*"):
        path.rename(path.with_stem("lesson 1"))
    return folder


def restored(folder: Path) -> Path:
    """The recordings come from a backup that has whole seconds."""
    for path in folder.rglob("*.mp3"):
        data, seconds = path.read_bytes(), path.stat().st_mtime_ns // 10**9
        path.unlink()
        path.write_bytes(data)
        os.utime(path, (seconds, seconds))
    return folder


@pytest.mark.parametrize("change", [touched, copied, moved, renamed, restored])
def test_the_same_content_is_done(tree: Path, state: Path, change: Callable[[Path], Path]) -> None:
    """Whatever happened to its name and time."""
    assert set(reasons(change(tree), state=state).values()) == {"done"}


def test_other_content_of_the_same_size_is_done_again(tree: Path, state: Path) -> None:
    """Also if it is written soon after."""
    info = (tree / "aula.mp3").stat()
    (tree / "aula.mp3").write_bytes(b"new sound")
    os.utime(tree / "aula.mp3", ns=(info.st_atime_ns, info.st_mtime_ns + 1_000_000))
    assert reasons(tree, state=state) == {"aula.mp3": "recording changed", "sub/talk.mp3": "done"}
    (tree / "aula.mp3").write_bytes(b"longer than before")
    assert reasons(tree, state=state)["aula.mp3"] == "recording changed"


def test_the_transcript_of_another_recording_is_not_taken(tree: Path, state: Path) -> None:
    """Names and digests in a JSON are claims: the content of this recording decides."""
    (tree / "aula.mp3").rename(tree / "other.mp3")
    (tree / "aula.mp3").write_bytes(b"six sound")
    (tree / "talk.mp3").write_bytes(b"sev sound")
    shutil.copy(tree / "aula.json", tree / "talk.json")
    found = reasons(tree, state=state)
    assert found["aula.mp3"] == "recording changed"
    assert found["talk.mp3"] == "talk.json is the transcript of another recording, aula.mp3."


def test_a_copy_of_a_tree_fits_the_same_output_folder(tree: Path, state: Path, tmp_path: Path) -> None:
    """The original still exists; the content is the same."""
    out = tmp_path / "out"
    for job in plan(find_recordings([str(tree)]), SPEC, Settings(output_dir=out)):
        assert isinstance(job.recording.path, Path)
        made = transcript_of(job.recording, SPEC)
        digest = content_digest(job.recording.path, job.recording.name)
        commit(job.output, made.model_copy(update={"source": made.source.model_copy(update={"digest": digest})}), {})
    copy = copied(tree)
    assert set(reasons(copy, state=state, output_dir=out, output_format="json").values()) == {"done"}
    (copy / "aula.mp3").write_bytes(b"new sound")
    found = reasons(copy, state=state, output_dir=out, output_format="json")
    assert found["aula.mp3"] == "aula.json is the transcript of another recording, aula.mp3."


@pytest.mark.parametrize(("seconds", "reason"), [(1.9, "done"), (-1.9, "done"), (2.5, "recording changed")])
def test_without_a_digest_the_time_decides(tmp_path: Path, state: Path, seconds: float, reason: str) -> None:
    """Of transcripts of earlier versions; file systems have steps of up to two seconds."""
    path = tmp_path / "aulas" / "aula.mp3"
    path.parent.mkdir()
    path.write_bytes(b"sound")
    finish(path.parent, with_digest=False)
    info = path.stat()
    os.utime(path, (info.st_atime, info.st_mtime + seconds))
    assert reasons(path.parent, state=state) == {"aula.mp3": reason}


def test_a_copied_tree_is_read_once(tree: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digests are kept for the files as they are, and computed again when they change."""
    read: list[Path] = []

    def reading(path: Path, *arguments: object) -> str | None:
        read.append(path)
        return content_digest(path, path.name)

    monkeypatch.setattr("transcribe_cli.plan.contents.content_digest", reading)
    reasons(touched(tree), state=state)
    assert len(read) == 2
    assert set(reasons(tree, state=state).values()) == {"done"}
    assert len(read) == 2
    (tree / "aula.mp3").write_bytes(b"new sound")
    os.utime(tree / "aula.mp3", (1_000_000_000, 1_000_000_000))
    assert reasons(tree, state=state)["aula.mp3"] == "recording changed"
    assert len(read) == 3


def test_a_state_folder_that_cannot_be_written_only_costs_time(tree: Path, tmp_path: Path) -> None:
    """The content is read each time."""
    (tmp_path / "file").write_text("")
    assert set(reasons(touched(tree), state=tmp_path / "file").values()) == {"done"}


def test_a_refreshed_recording_has_no_digest(tree: Path) -> None:
    """It may have changed since."""
    from transcribe_cli.sources import refresh

    [first, _] = find_recordings([str(tree)])
    assert refresh(replace(first, digest="sha256:0")).digest is None
