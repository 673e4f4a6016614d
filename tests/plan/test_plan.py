"""What a run would do with each recording, and why."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.transcripts import add, commit, transcript_of
from transcribe_cli.errors import OutputRefused, StorageNotReady, Unreadable
from transcribe_cli.plan import Decision, check_writable, plan
from transcribe_cli.registry import FORMATS, file_extension
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import read_header, recover
from transcribe_cli.sinks.processes import host_id
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Transcript

SPEC = JobSpec(model="small")
RENDERED = {"srt": "1\n", "vtt": "WEBVTT\n"}


def planned(*sources: Path | str, spec: JobSpec = SPEC, **settings):
    """The jobs of a run over these sources."""
    return plan(find_recordings([str(source) for source in sources]), spec, Settings(**settings))


def reasons(*sources: Path | str, **options):
    """Name to decision and reason."""
    return {job.recording.name: (job.decision.value, job.reason) for job in planned(*sources, **options)}


def run(*sources: Path | str, spec: JobSpec = SPEC, **settings):
    """Carry out the plan, as `batch` does. Returns the decisions."""
    jobs = planned(*sources, spec=spec, **settings)
    stamp = Settings(**settings).subtitle_style.stamp
    for folder in {job.output.folder for job in jobs}:
        recover(folder)
    for job in jobs:
        rendered = {name: RENDERED.get(name, name) for name in job.formats if name != "json"}
        if job.decision is Decision.TRANSCRIBE:
            made = transcript_of(job.recording, job.spec)
            commit(job.output, made, rendered, stamp=stamp, overwrite=settings.get("overwrite", False))
        elif job.transcript_at is not None:
            commit(job.output, Transcript.loads(job.transcript_at.read_bytes()), rendered, stamp=stamp)
        elif job.decision is Decision.RENDER:
            add(job.output, Transcript.loads(job.output.path("json").read_bytes()), rendered, stamp=stamp)
    return [job.decision.value for job in jobs]


@pytest.fixture
def aula(tmp_path):
    """A recording that has its outputs."""
    (tmp_path / "aula.mp3").write_bytes(b"sound")
    assert run(tmp_path) == ["transcribe"]
    return tmp_path / "aula.mp3"


def snapshot(folder: Path):
    """Inode and times of everything in a folder, except access times."""
    return {
        path: (path.lstat().st_ino, path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in (folder, *folder.rglob("*"))
    }


# the done test


def test_a_new_recording_is_transcribed_and_then_done(tmp_path):
    """The job contains the formats and the paths."""
    (tmp_path / "aula.mp3").write_bytes(b"sound")
    (job,) = planned(tmp_path, output_format="srt")
    assert (job.decision, job.reason, job.formats, job.error) == (Decision.TRANSCRIBE, "new", ("json", "srt"), None)
    assert job.output.path("srt") == tmp_path / "aula.srt"
    run(tmp_path)
    assert reasons(tmp_path) == {"aula.mp3": ("done", "done")}
    assert planned(tmp_path)[0].formats == ()


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (JobSpec(model="large-v3"), "outdated: model small -> large-v3"),
        (JobSpec(model="small", language="en"), "outdated: language none -> en"),
        (
            JobSpec(model="small", temperature=0, beam_size=1),
            "outdated: beam_size 5 -> 1, temperature 0.0,0.2,0.4,0.6,0.8,1.0 -> 0.0",
        ),
        (
            JobSpec(model="m", language="en", beam_size=1, patience=2),
            "outdated: model small -> m, language none -> en, and 2 more",
        ),
        (JobSpec(model="small", initial_prompt="x" * 99), f"outdated: initial_prompt none -> {'x' * 31}…"),
    ],
)
def test_another_spec_says_what_changed(aula, spec, reason):
    """Compared with the spec in the transcript."""
    assert reasons(aula, spec=spec) == {"aula.mp3": ("transcribe", reason)}
    assert run(aula, spec=spec) == ["transcribe"]
    assert reasons(aula, spec=spec) == {"aula.mp3": ("done", "done")}


def test_settings_that_do_not_change_the_text_change_nothing(aula):
    """Device, batch size and the like are not in the fingerprint."""
    assert reasons(aula, device="cpu", batch_size=2, compute_type="int8") == {"aula.mp3": ("done", "done")}


def test_a_changed_recording_is_transcribed_again(aula):
    """Detected by its size or modification time."""
    aula.write_bytes(b"more sound")
    assert reasons(aula) == {"aula.mp3": ("transcribe", "recording changed")}
    run(aula)
    os.utime(aula, (0, 0))
    assert reasons(aula) == {"aula.mp3": ("transcribe", "recording changed")}


def test_a_deleted_rendering_is_rendered_and_nothing_else(aula):
    """The JSON and the other files are not touched."""
    aula.with_suffix(".srt").unlink()
    before = snapshot(aula.parent)
    (job,) = planned(aula)
    assert (job.decision, job.reason, job.formats) == (Decision.RENDER, "srt missing", ("srt",))
    run(aula)
    after = snapshot(aula.parent)
    assert {path for path in after if after[path] != before.get(path)} == {aula.parent, aula.with_suffix(".srt")}
    assert reasons(aula) == {"aula.mp3": ("done", "done")}


def test_a_new_format_is_rendered_from_the_transcript(aula):
    """And listed in it."""
    new = [name for name in FORMATS.names() if name not in ("json", "srt", "vtt")]
    assert reasons(aula, output_format="all") == {"aula.mp3": ("render", f"{', '.join(new)} missing")}
    run(aula, output_format="all")
    assert set(read_header(aula.with_suffix(".json")).outputs) == {
        f"aula.{file_extension(name)}" for name in ("srt", "vtt", *new)
    }
    assert aula.with_suffix(".TextGrid").exists()
    assert reasons(aula, output_format="all") == {"aula.mp3": ("done", "done")}


def test_an_edited_rendering_is_kept_and_counts_as_done(aula):
    """A new transcript goes beside it, also with --overwrite."""
    aula.with_suffix(".srt").write_text("corrected by hand")
    assert reasons(aula) == {"aula.mp3": ("done", "done (aula.srt was edited)")}
    aula.with_suffix(".vtt").unlink()
    assert run(aula) == ["render"]
    assert aula.with_suffix(".srt").read_text() == "corrected by hand"
    (job,) = planned(aula, spec=JobSpec(model="other"))
    assert (job.decision, job.output.stem) == (Decision.TRANSCRIBE, "aula.new")
    assert job.reason == "outdated: model small -> other; aula.srt was corrected, so it goes to aula.new.json"
    assert run(aula, overwrite=True) == ["transcribe"]
    assert aula.with_suffix(".srt").read_text() == "corrected by hand"
    assert aula.with_name("aula.new.srt").read_text() == RENDERED["srt"]
    (job,) = planned(aula, replace_corrected=True, overwrite=True)
    assert (job.decision, job.output.stem) == (Decision.TRANSCRIBE, "aula")


def test_a_rendering_that_was_only_touched_is_done(aula):
    """A newer file is compared by its content."""
    os.utime(aula.with_suffix(".srt"))
    assert reasons(aula) == {"aula.mp3": ("done", "done")}


def test_overwrite_transcribes_everything_again(aula):
    """Whatever exists."""
    (job,) = planned(aula, overwrite=True)
    assert (job.decision, job.reason, job.formats) == (Decision.TRANSCRIBE, "overwrite", ("json", "srt", "vtt"))


def test_planning_a_finished_tree_changes_nothing(tmp_path):
    """200 recordings; no file is written. The time is measured in `benchmarks/`."""
    for number in range(200):
        (tmp_path / f"aula {number}.mp3").write_bytes(b"x" * number)
    # Made once and copied: writing them through to the disk takes seconds.
    for job in planned(tmp_path):
        written = transcript_of(job.recording, job.spec, segments=20).with_outputs(
            dict.fromkeys(rendered := (f"{job.output.stem}.srt", f"{job.output.stem}.vtt"), ""),
            dict.fromkeys(rendered, Settings().subtitle_style.stamp),
        )
        for name in ("srt", "vtt"):
            job.output.path(name).touch()
        job.output.path("json").write_text(written.dumps())
    before = snapshot(tmp_path)
    assert {job.reason for job in planned(tmp_path)} == {"done"}
    assert snapshot(tmp_path) == before


def test_subtitles_of_another_standard_are_rendered_again(aula):
    """Without recognition, and only formats with cues."""
    run(aula, output_format="srt,txt")
    (job,) = planned(aula, output_format="srt,vtt,tsv,rttm", subtitles="bbc")
    assert (job.decision, job.reason) == (Decision.RENDER, "tsv, rttm missing, subtitles changed: netflix -> bbc")
    assert job.formats == ("srt", "vtt", "tsv", "rttm")
    (job,) = planned(aula, subtitles="netflix,max_chars=40")
    assert (job.decision, job.reason, job.formats) == (Decision.RENDER, "subtitle settings changed", ("srt", "vtt"))
    assert planned(aula, output_format="srt,txt", max_line_width=40)[0].formats == ("srt",)
    assert run(aula, subtitles="bbc") == ["render"]
    assert reasons(aula, subtitles="bbc") == {"aula.mp3": ("done", "done")}
    assert read_header(aula.with_suffix(".json")).subtitles["aula.srt"].startswith("bbc-")
    assert "aula.txt" not in read_header(aula.with_suffix(".json")).subtitles


def test_edited_subtitles_are_not_rendered_again(aula):
    """The other subtitles are."""
    aula.with_suffix(".srt").write_text("corrected by hand")
    assert planned(aula, subtitles="ted")[0].formats == ("vtt",)
    assert run(aula, subtitles="ted") == ["render"]
    assert aula.with_suffix(".srt").read_text() == "corrected by hand"
    assert reasons(aula, subtitles="ted") == {"aula.mp3": ("done", "done (aula.srt was edited)")}


def test_subtitles_of_a_version_without_standards_are_rendered_again(aula):
    """Their transcript does not contain the standard."""
    path = aula.with_suffix(".json")
    document = Transcript.loads(path.read_bytes())
    path.write_text(document.with_outputs(document.outputs).dumps().replace('"subtitles": {},\n', ""))
    assert reasons(aula) == {"aula.mp3": ("render", "subtitles made by an earlier version")}
    assert run(aula) == ["render"]
    assert reasons(aula) == {"aula.mp3": ("done", "done")}


# what is in the way


def test_official_subtitles_are_refused_before_any_work(tmp_path):
    """The error names the file and says what to do."""
    (tmp_path / "aula.mp4").touch()
    (tmp_path / "aula.srt").write_text("official")
    (job,) = planned(tmp_path)
    assert (job.decision, job.reason) == (Decision.FAIL, "aula.srt was not written by this tool, or was edited since.")
    assert job.error.hint == "Move it away, use --output-dir, or --overwrite to replace it."
    assert run(tmp_path, output_format="vtt") == ["transcribe"]
    assert run(tmp_path) == ["fail"]
    assert run(tmp_path, output_dir=tmp_path / "out") == ["render"]  # from the transcript beside the recording
    assert (tmp_path / "aula.srt").read_text() == "official"
    assert run(tmp_path, overwrite=True) == ["transcribe"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_transcript_of_another_recording_is_refused(aula, overwrite):
    """Also with --overwrite."""
    aula.rename(aula.with_suffix(".wav"))
    (job,) = planned(aula.parent, overwrite=overwrite)
    assert job.reason == "aula.json is the transcript of another recording, aula.mp3."


def test_a_json_of_another_tool_is_refused(tmp_path):
    """openai/whisper uses the same names."""
    (tmp_path / "aula.mp3").touch()
    (tmp_path / "aula.json").write_text('{"text": "", "segments": []}')
    assert planned(tmp_path)[0].reason == "aula.json was not written by this tool, or not by this version."
    assert planned(tmp_path, overwrite=True)[0].decision is Decision.TRANSCRIBE


@pytest.mark.parametrize("name", ["aula.json", "aula.srt"])
def test_a_folder_in_the_way_is_refused(tmp_path, name):
    """It cannot be replaced, so no work is started."""
    (tmp_path / "aula.mp3").touch()
    (tmp_path / name).mkdir()
    assert planned(tmp_path)[0].decision is Decision.FAIL
    assert planned(tmp_path, overwrite=True)[0].reason == f"{name} is a folder."


def test_recordings_with_the_same_output_are_refused(tmp_path):
    """The other recordings are processed."""
    for name in ("1/a.mp3", "2/a.mp3", "2/b.mp3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    jobs = planned(tmp_path / "1", tmp_path / "2", output_dir=tmp_path / "out")
    assert [job.decision.value for job in jobs] == ["fail", "fail", "transcribe"]


def test_an_unreadable_recording_fails_alone(tmp_path):
    """With the reason in the job."""
    (tmp_path / "a.mp3").symlink_to("gone")
    (tmp_path / "b.mp3").touch()
    good, broken = planned(tmp_path)
    assert (good.decision, broken.decision, type(broken.error)) == (Decision.TRANSCRIBE, Decision.FAIL, Unreadable)
    assert broken.reason == "a.mp3 is a symbolic link to gone, which does not exist."


# names that change


def test_a_recording_keeps_its_transcript_when_another_of_its_stem_is_added_or_removed(aula):
    """Only the new recording is transcribed; a changed name causes no work."""
    other = aula.with_suffix(".mp4")
    other.write_bytes(b"video")
    assert reasons(aula.parent) == {"aula.mp3": ("done", "done"), "aula.mp4": ("transcribe", "new")}
    run(aula.parent)
    assert (aula.parent / "aula.mp4.srt").exists()
    aula.unlink()
    for name in ("json", "srt", "vtt"):
        aula.with_suffix(f".{name}").unlink()
    assert reasons(aula.parent) == {"aula.mp4": ("done", "done")}


def test_an_unrelated_transcript_under_the_alternative_name_is_ignored(aula):
    """The recording then gets its current name."""
    aula.with_suffix(".mp4").write_bytes(b"video")
    aula.write_bytes(b"other sound")
    assert {job.recording.name: job.output.stem for job in planned(aula.parent)} == {
        "aula.mp3": "aula.mp3",
        "aula.mp4": "aula.mp4",
    }


# manifests


def test_a_manifest_line_changes_the_spec_of_its_recording(tmp_path):
    """And with it the fingerprint. The others keep the spec of the run."""
    for name in ("a.mp3", "b.mp3"):
        (tmp_path / name).touch()
    (tmp_path / "m.jsonl").write_text('{"uri": "a.mp3", "language": "Portuguese"}\n{"uri": "b.mp3"}')
    first, second = planned(tmp_path / "m.jsonl")
    assert (first.spec.language, second.spec) == ("pt", SPEC)
    run(tmp_path / "m.jsonl")
    assert reasons(tmp_path) == {"a.mp3": ("done", "done (pt)"), "b.mp3": ("done", "done")}


def test_a_manifest_line_that_contradicts_the_spec_fails_alone(tmp_path):
    """The turbo models cannot translate."""
    (tmp_path / "a.mp3").touch()
    (tmp_path / "b.mp3").touch()
    (tmp_path / "m.jsonl").write_text('{"uri": "a.mp3", "task": "translate"}\n{"uri": "b.mp3"}')
    bad, good = planned(tmp_path / "m.jsonl", spec=JobSpec())
    assert (bad.decision, good.decision) == (Decision.FAIL, Decision.TRANSCRIBE)
    assert re.search(r"a\.mp3: .*turbo", bad.reason)


# crashes


def test_a_plan_after_a_crash_predicts_the_recovery(aula):
    """Without doing it; the next run does."""
    head = read_header(aula.with_suffix(".json"))
    temporary = aula.parent / f".transcribe-{host_id()}-{2**22 + 1}-01234567.tmp"
    aula.with_suffix(".json").rename(temporary)
    before = snapshot(aula.parent)
    (job,) = planned(aula)
    assert (job.decision, job.reason, job.formats) == (Decision.RENDER, "left by a crash", ())
    aula.with_suffix(".vtt").unlink()
    (job,) = planned(aula)
    assert (job.decision, job.reason, job.formats) == (Decision.RENDER, "left by a crash, vtt missing", ("vtt",))
    assert temporary in before
    assert run(aula) == ["render"]
    assert read_header(aula.with_suffix(".json")) == head
    assert reasons(aula) == {"aula.mp3": ("done", "done")}


def test_a_plan_after_a_crash_ignores_older_renderings(aula):
    """Renderings of an earlier transcript count as missing."""
    job = planned(aula)[0]
    head = read_header(aula.with_suffix(".json"))
    newer = transcript_of(job.recording, SPEC).with_outputs(
        {"aula.srt": "0" * 64, "aula.vtt": head.outputs["aula.vtt"]}, dict(head.subtitles)
    )
    (aula.parent / f".transcribe-{host_id()}-{2**22 + 1}-01234567.tmp").write_text(newer.dumps())
    assert reasons(aula) == {"aula.mp3": ("render", "left by a crash, srt missing")}
    assert run(aula) == ["render"]
    assert reasons(aula) == {"aula.mp3": ("done", "done")}


# whether anything can be written


@pytest.fixture
def read_only(tmp_path):
    """A folder with a recording, on a file system that is read-only even for root."""
    folder = tmp_path / "ro"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("cannot mount")
    try:
        (folder / "x.mp3").touch()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_run_that_cannot_write_anything_ends_before_it_starts(read_only):
    """StorageNotReady; with an output folder the run works."""
    with pytest.raises(StorageNotReady, match="read-only file system"):
        check_writable(planned(read_only))
    elsewhere = planned(read_only, output_dir=read_only.parent / "out/deep")
    assert check_writable(elsewhere) == elsewhere
    assert not (read_only.parent / "out").exists()


def test_recordings_in_an_unwritable_folder_fail_alone(read_only):
    """The others are processed."""
    (read_only.parent / "ok.mp3").touch()
    jobs = check_writable(planned(read_only, read_only.parent / "ok.mp3"))
    assert [job.decision for job in jobs] == [Decision.FAIL, Decision.TRANSCRIBE]
    assert isinstance(jobs[0].error, OutputRefused)
    assert "read-only" in jobs[0].reason


def test_a_finished_recording_needs_no_writable_folder(aula):
    """A tree on a read-only share can be planned."""
    jobs = planned(aula)
    assert check_writable(jobs) == jobs
    assert check_writable([]) == []


def test_a_full_disk_and_a_file_in_the_way_are_detected_early(tmp_path):
    """Before the model is loaded."""
    (tmp_path / "a.mp3").touch()
    (tmp_path / "out").touch()
    with pytest.raises(StorageNotReady, match="out is not a folder"):
        check_writable(planned(tmp_path, output_dir=tmp_path / "out"))
    full = tmp_path / "full"
    full.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(full)], capture_output=True, check=False
    ).returncode:
        pytest.skip("cannot mount")
    try:
        (full / "a.mp3").write_bytes(b"x" * 60_000)
        with pytest.raises(StorageNotReady, match="is full"):
            check_writable(planned(full))
    finally:
        subprocess.run(["umount", str(full)], check=True)
