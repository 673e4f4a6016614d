"""Names, clashes, atomic writing, and what a crash leaves behind."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transcripts import add, commit, transcript_of
from transcribe_cli import sinks
from transcribe_cli.errors import OutputRefused, StorageNotReady
from transcribe_cli.formats import render_bytes
from transcribe_cli.sinks import Output, assign_outputs, find_leftovers, json_path, read_header, recover, write_atomically
from transcribe_cli.sinks.names import shorten_name
from transcribe_cli.sinks.processes import host_id
from transcribe_cli.sources import Recording, find_recordings, from_json_safe, json_safe
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Transcript

FORMATS = ("srt", "vtt")


def recordings(folder: Path, *names: str | bytes) -> list[Recording]:
    """Recordings with these file names."""
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")
    return list(find_recordings([str(folder)]))


def stems(folder: Path, output_dir: Path | None = None) -> dict[str, str | None]:
    """Name of each recording in a folder to its stem; None if it was refused."""
    found = list(find_recordings([str(folder)]))
    return {
        r.path.name: None if a.refused else a.output.stem for r, a in zip(found, assign_outputs(found, output_dir), strict=True)
    }


def one(folder: Path, name: str | bytes = "aula.mp3") -> tuple[Recording, Output]:
    """A recording and its output."""
    (recording,) = recordings(folder, name)
    return recording, assign_outputs([recording], None)[0].output


def rendering(text: str) -> dict[str, str]:
    """Renderings that take more than one write."""
    return {name: f"{name} {text}\n" * 3000 for name in FORMATS}


def names(folder: Path) -> set[str]:
    """The names in a folder."""
    return {path.name for path in folder.iterdir()}


# names


def test_outputs_are_named_after_the_recording(tmp_path):
    """Only the last extension is removed."""
    recordings(tmp_path, "aula.mp4", "aula.1.mp3", "aula.2.mp3", "no.dots...mp3")
    assert stems(tmp_path) == {"aula.mp4": "aula", "aula.1.mp3": "aula.1", "aula.2.mp3": "aula.2", "no.dots...mp3": "no.dots.."}


@pytest.mark.parametrize(
    ("clash", "alone"),
    [
        (["a.mp3", "a.mp4"], "b.mp3"),
        (["A.mp3", "a.mp3"], "b.mp3"),
        (["a.mp3", "a.wav", "a.mkv"], "a.1.mp3"),
        (["ação.mp3", "ac\u0327a\u0303o.wav"], "acao.mp3"),
        (["STRASSE.mp3", "straße.wav"], "strasse2.mp3"),
        (["a.mp3", "a.mp3.wav", "a.wav"], "b.mp3"),
    ],
)
def test_when_names_clash_each_keeps_its_extension(tmp_path, clash, alone):
    """Compared without regard to case and Unicode composition."""
    recordings(tmp_path, *clash, alone)
    assert stems(tmp_path) == {**{name: name for name in clash}, alone: Path(alone).stem}


def test_a_clash_counts_whether_or_not_the_other_is_part_of_the_run(tmp_path):
    """Otherwise a name would depend on the selection. A folder or a text file is not a recording."""
    recordings(tmp_path, "a.mp3", "a.mp4", "b.mp3", "b.txt")
    (tmp_path / "b.mp4").mkdir()
    (a,) = find_recordings([str(tmp_path / "a.mp3")])
    (b,) = find_recordings([str(tmp_path / "b.mp3")])
    assert [place.output.stem for place in assign_outputs([a], None)] == ["a.mp3"]
    assert [place.output.stem for place in assign_outputs([b], None)] == ["b"]


def test_an_output_folder_mirrors_the_tree(tmp_path):
    """Below the folder that the source named."""
    found = recordings(tmp_path / "in", "x/y/a.mp3", "b.mp3")
    places = [place.output.path("srt") for place in assign_outputs(found, tmp_path / "out")]
    assert places == [tmp_path / "out/b.srt", tmp_path / "out/x/y/a.srt"]


def test_two_recordings_with_the_same_output_are_both_refused(tmp_path):
    """Each error names the other; the remaining recordings are processed."""
    recordings(tmp_path, "1/a.mp3", "1/b.mp3", "2/A.wav", "2/c.mp3")
    found = list(find_recordings([str(tmp_path / "1"), str(tmp_path / "2")]))
    places = assign_outputs(found, tmp_path / "out")
    assert [place.refused is not None for place in places] == [True, False, True, False]
    assert str(tmp_path / "2/A.wav") in places[0].refused.message
    assert str(tmp_path / "1/a.mp3") in places[2].refused.message


@pytest.mark.parametrize(
    "name",
    [b"x" * 251 + b".mp3", b"y" + "é".encode() * 125 + b".mp3", b"\xe7" * 251 + b".mp3", "👩‍🏫".encode() * 22 + b"123456789.mp3"],
)
def test_a_name_too_long_for_a_suffix_is_shortened(tmp_path, name):
    """It can be written, and is the same every time."""
    recording, output = one(tmp_path, name)
    assert assign_outputs([recording], None)[0].output == output
    commit(output, transcript_of(recording), rendering(""))
    assert len(os.fsencode(json_path(output).name)) <= 255
    assert "~" in output.stem


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1), st.binary(max_size=300))
def test_shortened_names_fit_and_remain_distinct(text, raw):
    """For any script and bytes; two long names do not become equal."""
    for stem in (text * 200, os.fsdecode(raw.replace(b"\0", b"").replace(b"/", b"") * 9 + b"x" * 250)):
        short = shorten_name(stem)
        assert len(os.fsencode(f"{short}.json")) <= 255
        assert os.fsdecode(os.fsencode(short)) == short
        assert shorten_name(stem + "y") != short
    assert shorten_name(text[:40]) == text[:40]


@settings(max_examples=60, deadline=None)
@given(
    st.sets(
        st.builds(
            lambda stem, ending: f"{stem}{ending}",
            st.sampled_from(["a", "A", "a.mp3", "ç", "c\u0327", "a.b", "x" * 251, "x" * 250 + "y"]),
            st.sampled_from([".mp3", ".MP3", ".wav", ".mp3.wav", ".wav.mp3"]),
        ).filter(lambda name: len(os.fsencode(name)) <= 255),
        min_size=1,
    )
)
def test_no_two_recordings_have_the_same_outputs(file_names):
    """Next to the recordings all can be written. In one output folder, names are refused that a file system may not distinguish."""
    with tempfile.TemporaryDirectory() as folder:
        recordings(Path(folder), *file_names)
        beside = stems(Path(folder))
        assert None not in beside.values()
        assert len(set(beside.values())) == len(file_names)
        elsewhere = [stem.casefold() for stem in stems(Path(folder), Path(folder) / "out").values() if stem is not None]
        assert len(set(elsewhere)) == len(elsewhere)


# one file


def test_a_file_is_written_with_the_permissions_of_any_new_file(tmp_path):
    """Not with the 0600 of a temporary file; folders are created."""
    mask = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a/b/x.srt", b"1")
    finally:
        os.umask(mask)
    assert (tmp_path / "a/b/x.srt").stat().st_mode & 0o777 == 0o640
    assert names(tmp_path / "a/b") == {"x.srt"}


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    """A folder in the way, a file instead of a folder, a name that is too long."""
    (tmp_path / "x.srt").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "x.srt", tmp_path / "file/y.srt", tmp_path / ("z" * 300)):
        with pytest.raises(OutputRefused, match="cannot be written"):
            write_atomically(path, b"1")
    assert names(tmp_path) == {"x.srt", "file"}


@contextlib.contextmanager
def mounted(path: Path, *options: str):
    """Mount a new file system there."""
    path.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(path)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.decode().strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_leaves_the_old_file_and_no_temporary(tmp_path):
    """StorageNotReady, because the next file would fail, too."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=256k", "tmpfs") as disk:
        write_atomically(disk / "x.srt", b"old")
        with pytest.raises(StorageNotReady, match="disk is full"):
            write_atomically(disk / "x.srt", b"n" * 400_000)
        assert names(disk) == {"x.srt"}
        assert (disk / "x.srt").read_bytes() == b"old"


def test_a_disk_that_fills_up_between_the_files_keeps_the_transcript(tmp_path):
    """The JSON is kept and lists the missing files. No old file remains, and the next run renders the rest."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=512k", "tmpfs") as disk:
        recording, output = one(disk)
        commit(output, transcript_of(recording), {"srt": "old", "vtt": "old"})
        with pytest.raises(StorageNotReady):
            commit(output, transcript_of(recording, text=" new"), {"srt": "new", "vtt": "new" * 200_000})
        assert names(disk) == {"aula.mp3", "aula.json", "aula.srt"}
        assert Transcript.loads(output.path("json").read_bytes()).text == " new"
        assert output.path("srt").read_text() == "new"
        add(output, Transcript.loads(output.path("json").read_bytes()), {"vtt": "shorter"})
        assert output.path("vtt").read_text() == "shorter"


def test_a_read_only_file_system_is_not_an_error_of_one_file(tmp_path):
    """Root could write anywhere else."""
    (tmp_path / "real").mkdir()
    with (
        mounted(tmp_path / "ro", "-t", "tmpfs", "-o", "ro", "tmpfs") as folder,
        pytest.raises(StorageNotReady, match="read-only"),
    ):
        write_atomically(folder / "x.srt", b"1")


# the files of a recording


def test_a_transcript_lists_its_renderings_and_is_the_last_of_the_set(tmp_path):
    """By name and SHA-256; the JSON is newer than the files that it lists."""
    recording, output = one(tmp_path)
    written = commit(output, transcript_of(recording), {"json": "not this", "srt": "1\n", "vtt": "WEBVTT\n"})
    assert written.outputs == {
        f"aula.{name}": hashlib.sha256(text).hexdigest() for name, text in (("srt", b"1\n"), ("vtt", b"WEBVTT\n"))
    }
    assert Transcript.loads(output.path("json").read_bytes()) == written
    assert all(output.path(name).stat().st_mtime_ns <= output.path("json").stat().st_mtime_ns for name in FORMATS)
    assert names(tmp_path) == {"aula.mp3", "aula.json", "aula.srt", "aula.vtt"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_transcript_of_another_recording_is_never_overwritten(tmp_path, overwrite):
    """Not even with --overwrite."""
    other, output = one(tmp_path, "aula.wav")
    commit(output, transcript_of(other), {})
    before = output.path("json").read_bytes()
    (tmp_path / "aula.wav").rename(tmp_path / "aula.mp3")
    recording, output = one(tmp_path, "aula.mp3")
    with pytest.raises(OutputRefused, match=r"transcript of another recording, aula\.wav"):
        commit(output, transcript_of(recording), rendering("x"), overwrite=overwrite)
    assert names(tmp_path) == {"aula.mp3", "aula.json"}
    assert output.path("json").read_bytes() == before


def test_an_output_folder_does_not_mix_recordings_of_the_same_name(tmp_path):
    """Two folders, one after the other, into the same folder: the second is refused, unless the first was only moved."""
    (first,) = recordings(tmp_path / "1", "a.mp3")
    (second,) = recordings(tmp_path / "2", "a.mp3")
    os.utime(second.path, (0, 0))
    (second,) = find_recordings([str(tmp_path / "2")])
    output = Output(tmp_path / "out", "a")
    commit(output, transcript_of(first), {})
    with pytest.raises(OutputRefused, match="another recording"):
        commit(output, transcript_of(second), {}, overwrite=True)
    first.path.unlink()
    commit(output, transcript_of(second), {})


def test_a_file_that_we_did_not_write_is_kept(tmp_path):
    """Official subtitles next to a video are common. Everything else is written, because the work is done."""
    recording, output = one(tmp_path)
    output.path("srt").write_text("official")
    with pytest.raises(OutputRefused, match=r"aula\.srt was not written by this tool") as caught:
        commit(output, transcript_of(recording), rendering("1"))
    assert "--overwrite" in caught.value.hint
    assert output.path("srt").read_text() == "official"
    assert set(read_header(output.path("json")).outputs) == {"aula.vtt"}
    with pytest.raises(OutputRefused):
        add(output, Transcript.loads(output.path("json").read_bytes()), {"srt": "ours"})
    assert set(commit(output, transcript_of(recording), rendering("2"), overwrite=True).outputs) == {"aula.srt", "aula.vtt"}
    assert output.path("srt").read_text() == rendering("2")["srt"]


def test_a_foreign_file_with_identical_content_is_accepted(tmp_path):
    """It may be listed as an output."""
    recording, output = one(tmp_path)
    output.path("srt").write_text("same")
    assert set(commit(output, transcript_of(recording), {"srt": "same"}).outputs) == {"aula.srt"}


def test_a_json_that_is_not_a_transcript_is_kept(tmp_path):
    """Except with --overwrite."""
    recording, output = one(tmp_path)
    output.path("json").write_text('{"title": "yt-dlp wrote this"}')
    with pytest.raises(OutputRefused, match="was not written by this tool"):
        commit(output, transcript_of(recording), rendering("1"))
    assert names(tmp_path) == {"aula.mp3", "aula.json"}
    commit(output, transcript_of(recording), rendering("1"), overwrite=True)
    assert read_header(output.path("json")) is not None


def test_an_edited_rendering_is_not_replaced_by_a_new_transcript(tmp_path):
    """A user corrected it. Nothing is written: the new transcript belongs beside the old one."""
    recording, output = one(tmp_path)
    commit(output, transcript_of(recording), rendering("1"))
    output.path("srt").write_text("corrected")
    with pytest.raises(OutputRefused, match=r"aula\.srt .* edited"):
        commit(output, transcript_of(recording, text=" new"), rendering("2"))
    assert output.path("srt").read_text() == "corrected"
    assert output.path("vtt").read_text() == rendering("1")["vtt"]


def test_a_missing_rendering_is_rendered_without_changing_the_json(tmp_path):
    """After one .srt is deleted, only that file is written."""
    recording, output = one(tmp_path)
    written = commit(output, transcript_of(recording), rendering("1"))
    before = output.path("json").stat()
    output.path("srt").unlink()
    assert add(output, written, {"srt": rendering("1")["srt"]}) == written
    assert output.path("json").stat() == before
    assert output.path("srt").read_text() == rendering("1")["srt"]


def test_a_new_format_is_listed_and_edits_are_still_detected(tmp_path):
    """The JSON is rewritten and keeps its modification time."""
    recording, output = one(tmp_path)
    written = commit(output, transcript_of(recording), rendering("1"))
    output.path("vtt").write_text("edited")
    assert set(add(output, written, {"txt": "olá"}).outputs) == {"aula.srt", "aula.vtt", "aula.txt"}
    assert set(read_header(output.path("json")).outputs) == {"aula.srt", "aula.vtt", "aula.txt"}
    with pytest.raises(OutputRefused, match=r"aula\.vtt"):
        add(output, written, rendering("2"))


def test_invalid_unicode_can_be_written(tmp_path):
    """A lone surrogate in a prompt must not make the run fail."""
    recording, output = one(tmp_path)
    transcript = transcript_of(recording, text=" half \ud83d")
    sinks.commit(output, transcript, {name: render_bytes(name, transcript) for name in ("tsv", "html")})
    assert json.loads(output.path("json").read_bytes())["text"] == transcript.text
    assert output.path("tsv").read_text().endswith("half\n")


@pytest.mark.parametrize(
    "name", [b"-rf.mp3", b"a\nb\x1b[2J.mp3", b"ola\xe7\xe3o.mp3", '👩‍🏫 "x".mp3'.encode(), b"x" * 251 + b".mp3"]
)
def test_hostile_names_are_written_listed_and_read_back(tmp_path, name):
    """In the JSON, undecodable bytes are written as escapes; on the disk they stay as they are."""
    recording, output = one(tmp_path, name)
    commit(output, transcript_of(recording), rendering("1"))
    head = read_header(output.path("json"))
    assert head.identity == (recording.name, recording.size, recording.modified)
    assert {from_json_safe(listed) for listed in head.outputs} == {output.path(name).name for name in FORMATS}
    assert names(tmp_path) == {output.path(name).name for name in ("json", *FORMATS)} | {recording.path.name}


# heads


def test_a_header_is_read_from_the_first_lines(tmp_path):
    """For any length, and if a read ends within a character."""
    recording, output = one(tmp_path, "ção.mp3")
    for length in (0, 1000, 1300, 1301, 1302, 5000, 10_000):
        spec = JobSpec(initial_prompt="ç" * length, hotwords="ã" * length)
        transcript = transcript_of(recording, spec, segments=500)
        commit(output, transcript, rendering(str(length)))
        head = read_header(output.path("json"))
        assert (head.fingerprint, head.spec, set(head.outputs)) == (spec.fingerprint, spec.canonical(), {"ção.srt", "ção.vtt"})


def test_a_named_pipe_does_not_block(tmp_path):
    """One with the name of an output is foreign."""
    recording, output = one(tmp_path)
    for name in ("json", "srt"):
        os.mkfifo(output.path(name))
    assert read_header(output.path("json")) is None
    with pytest.raises(OutputRefused):
        commit(output, transcript_of(recording), rendering("1"))
    output.path("json").unlink()
    with pytest.raises(OutputRefused):
        commit(output, transcript_of(recording), rendering("1"))
    assert list(find_recordings([str(output.path("srt"))])) != []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"text": "whisper"}',
        '{"schema_version": 1}',
        '{"schema_version": 2, "source": {}}',
        '{"schema_version": 1, "source": []',
        '{"schema_version": 1, "source": {"name": "a"}, "job": {"spec": {}}, "outputs": {}, "language": "pt"}',
        '{"schema_version"' + "x" * 9000,
    ],
)
def test_what_is_not_a_transcript_has_no_header(tmp_path, content):
    """Empty, truncated, of another tool, or of a later version."""
    (tmp_path / "a.json").write_text(content)
    assert read_header(tmp_path / "a.json") is None
    assert read_header(tmp_path / "missing.json") is None
    assert read_header(tmp_path) is None


# crashes


def killed(work, *, after: float | None = None, at_call: int | None = None) -> bool:
    """Do the work in a child process that is killed after some seconds or before its nth disk change. Returns whether it was killed."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12 doubts forks beside threads; the child only writes files
        child = os.fork()
    if child == 0:
        try:
            if at_call is not None:
                _die_before(at_call)
            work()
        finally:
            os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _die_before(nth: int) -> None:
    """Kill this process before its nth disk change."""
    calls = 0

    def counting(function):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == nth:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    for name in ("open", "fsync", "replace", "unlink", "utime"):
        setattr(os, name, counting(getattr(os, name)))


def intact(folder: Path, generations: dict[str, dict[str, str]]) -> str:
    """Check that the files in a folder belong to one generation, and return it. Files may be missing."""
    assert not [name for name in names(folder) if name.endswith(".tmp")]
    transcript = Transcript.loads((folder / "aula.json").read_bytes())
    for name in FORMATS:
        path = folder / f"aula.{name}"
        if path.exists():
            assert path.read_text() == generations[transcript.text][name]
    return transcript.text


@pytest.mark.parametrize("same_spec", [True, False])
def test_killed_at_any_step_a_commit_is_complete_after_recovery(tmp_path, same_spec):
    """Killed before each single disk change: the old set or the new transcript exists, and the files are not mixed."""
    recording, output = one(tmp_path)
    spec = JobSpec() if same_spec else JobSpec(model="small")
    generations = {" one": rendering("one"), " two": rendering("two")}
    ends = []
    for call in range(1, 100):
        commit(output, transcript_of(recording, text=" one"), generations[" one"], overwrite=True)
        new = transcript_of(recording, spec, text=" two")
        was_killed = killed(lambda new=new: commit(output, new, generations[" two"]), at_call=call)
        if (head := read_header(output.path("json"))) is not None:  # before anybody recovers, it vouches for nothing but its own
            present = [name for name in head.outputs if (tmp_path / name).exists()]
            assert all(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == head.outputs[name] for name in present)
        recover(tmp_path)
        ends.append(intact(tmp_path, generations))
        if not was_killed:
            break
        transcript = Transcript.loads(output.path("json").read_bytes())
        add(output, transcript, {name: generations[transcript.text][name] for name in FORMATS})
        assert names(tmp_path) == {"aula.mp3", "aula.json", "aula.srt", "aula.vtt"}
    assert len(ends) > 15
    assert ends == sorted(ends)  # from some step on the new transcript is safe, and stays so
    assert ends.count(" two") > ends.count(" one")


def test_killed_at_any_step_an_addition_is_complete_after_recovery(tmp_path):
    """The existing files and their list are kept."""
    recording, output = one(tmp_path)
    generations = {" one": rendering("one")}
    for call in range(1, 100):
        written = commit(output, transcript_of(recording, text=" one"), generations[" one"])
        if not killed(lambda written=written: add(output, written, {"txt": "olá"}), at_call=call):
            break
        recover(tmp_path)
        intact(tmp_path, generations)
        assert {"aula.srt", "aula.vtt"} <= names(tmp_path)
        output.path("txt").unlink(missing_ok=True)
    assert call > 8
    assert output.path("txt").read_text() == "olá"


def test_killed_at_any_step_new_subtitles_match_the_list(tmp_path):
    """Or are missing: old ones are never listed under another standard."""
    recording, output = one(tmp_path)
    texts = {"netflix-1": rendering("one"), "bbc-2": rendering("two")}
    for call in range(1, 100):
        old = commit(output, transcript_of(recording), texts["netflix-1"], stamp="netflix-1", overwrite=True)
        was_killed = killed(lambda old=old: add(output, old, texts["bbc-2"], stamp="bbc-2"), at_call=call)
        recover(tmp_path)
        stamps = read_header(output.path("json")).subtitles
        for name in FORMATS:
            if output.path(name).exists():
                assert output.path(name).read_text() == texts[stamps[f"aula.{name}"]][name]
        if not was_killed:
            break
    assert call > 8
    assert stamps == {"aula.srt": "bbc-2", "aula.vtt": "bbc-2"}
    assert all(output.path(name).exists() for name in FORMATS)


def test_killed_at_random_a_batch_ends_with_every_set_complete(tmp_path):
    """Twenty kills while files are written; each run starts with recovery and continues."""
    found = recordings(tmp_path, *(f"aula {number}.mp3" for number in range(12)))
    outputs = [place.output for place in assign_outputs(found, None)]
    dice = random.Random(1)
    kills = recovered = 0

    def work() -> None:
        while True:
            for recording, output in zip(found, outputs, strict=True):
                text = str(time.time_ns())
                commit(output, transcript_of(recording, text=text, segments=50), rendering(text))

    while kills < 20:
        kills += killed(work, after=dice.uniform(0.03, 0.2))
        recovered += len(recover(tmp_path))
        for output in outputs:
            if (head := read_header(output.path("json"))) is not None:
                text = Transcript.loads(output.path("json").read_bytes()).text[:19]
                for name, listed in head.outputs.items():
                    path = tmp_path / name
                    assert not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() == listed
                    assert not path.exists() or path.read_text() == rendering(text)[path.suffix[1:]]
            else:
                assert not output.path("srt").exists()
        assert not [name for name in names(tmp_path) if name.endswith(".tmp")]
    assert recovered > 0


def leave(folder: Path, data: bytes, *, process: int | None = None, machine: str | None = None, age: float = 0) -> Path:
    """A temporary file as a crash leaves it. Its process has ended, unless one is given."""
    path = folder / f".transcribe-{machine or host_id()}-{process or 2**22 + 1}-0123abcd.tmp"
    path.write_bytes(data)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


@pytest.mark.parametrize("name", [b"aula.mp3", b"ola\xe7\xe3o.mp3", b"x" * 251 + b".mp3"])
@pytest.mark.parametrize("rendered", [{}, {"srt": "1"}])
def test_a_complete_transcript_is_moved_into_place(tmp_path, name, rendered):
    """Under the name that it was meant for, also without renderings. Finding it changes nothing."""
    recording, output = one(tmp_path, name)
    commit(output, transcript_of(recording), rendered)
    temporary = leave(tmp_path, output.path("json").read_bytes())
    output.path("json").unlink()
    assert [leftover.target for leftover in find_leftovers(tmp_path)] == [output.path("json")]
    assert temporary.exists()
    assert recover(tmp_path) == [output.path("json")]
    assert read_header(output.path("json")).identity[0] == recording.name
    assert recover(tmp_path) == []


@pytest.mark.parametrize("data", [b"", b"half a sub", b'{"schema_version": 1,\n"source": {"name": "aula.mp3"'])
def test_an_incomplete_transcript_is_removed(tmp_path, data):
    """Its recording is transcribed again."""
    leave(tmp_path, data)
    assert recover(tmp_path) == []
    assert names(tmp_path) == set()


def test_temporary_files_of_live_processes_are_kept(tmp_path):
    """Of this process, of another live one, of another machine for ten minutes; and files with similar names."""
    kept = [
        leave(tmp_path, b"1", process=os.getpid()),
        leave(tmp_path, b"1", process=1),
        leave(tmp_path, b"1", machine="00000000", age=500),
        tmp_path / ".transcribe-mine.tmp",
    ]
    kept[-1].touch()
    old = leave(tmp_path, b"1", machine="11111111", age=700)
    assert recover(tmp_path) == []
    assert all(path.exists() for path in kept)
    assert not old.exists()


def test_recovery_never_replaces_a_newer_or_foreign_transcript(tmp_path):
    """Another run may have finished since, or another recording may have been added."""
    recording, output = one(tmp_path)
    older = transcript_of(recording, text=" older")
    commit(output, transcript_of(recording, text=" newer"), {})
    leave(tmp_path, older.dumps().encode())
    assert recover(tmp_path) == []
    assert Transcript.loads(output.path("json").read_bytes()).text == " newer"
    document = json.loads(output.path("json").read_text())
    document["source"]["name"] = "aula.wav"
    output.path("json").write_text(json.dumps(document))
    leave(tmp_path, transcript_of(recording, text=" newest").dumps().encode())
    assert recover(tmp_path) == []
    assert read_header(output.path("json")).name == "aula.wav"
    assert names(tmp_path) == {"aula.mp3", "aula.json"}


def test_an_edit_after_the_crash_is_kept(tmp_path):
    """The new transcript goes beside it."""
    recording, output = one(tmp_path)
    commit(output, transcript_of(recording), rendering("1"))
    old = output.path("json").read_bytes()
    commit(output, transcript_of(recording), rendering("2"))
    temporary = leave(tmp_path, output.path("json").read_bytes())
    output.path("json").write_bytes(old)
    output.path("srt").write_text("edited")
    output.path("vtt").write_text(rendering("1")["vtt"])
    assert recover(tmp_path) == [tmp_path / "aula.new.json"]
    assert output.path("srt").read_text() == "edited"
    assert output.path("vtt").read_text() == rendering("1")["vtt"]
    assert output.path("json").read_bytes() == old
    assert not temporary.exists()


def test_recovery_of_a_missing_folder_does_nothing(tmp_path):
    """A folder that does not exist yet is not an error."""
    assert recover(tmp_path / "later") == []


def test_from_json_safe_reverses_json_safe():
    """The escapes of bytes that are not UTF-8, and nothing else."""
    for raw in (b"aula.mp3", b"\xe7\xe3", "ç\\n".encode(), b"\\x41 \xff"):
        assert os.fsencode(from_json_safe(json_safe(os.fsdecode(raw)))) == raw
