"""Outputs: the same promises in a folder of this machine, in buckets and on servers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.storage.places import Tree
from tests.storage.web import Proxy
from tests.transcripts import add, commit, transcript_of
from transcribe_cli.errors import OutputRefused
from transcribe_cli.plan import Decision, file_version, plan, replan
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Listings, files_of, json_path, read_header, read_transcript, recover
from transcribe_cli.sinks.atomic import host_id
from transcribe_cli.sources import Recording, find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import Location
from transcribe_cli.transcript import Transcript

SPEC = JobSpec(model="small")
STAMP = Settings().subtitle_style.stamp
RENDERED = {"srt": "1\n", "vtt": "WEBVTT\n", "txt": "olá\n"}


def planned(tree: Tree, spec: JobSpec = SPEC, **settings):
    """The jobs of a run over a tree."""
    everything, listings = Settings(storage=tree.options, **settings), Listings()
    return plan(find_recordings([f"{tree.url}/"], storage=tree.options, listings=listings), spec, everything, listings)


def run(tree: Tree, spec: JobSpec = SPEC, **settings) -> list[str]:
    """Execute the plan as `batch` does. Returns its decisions."""
    jobs = planned(tree, spec, **settings)
    for folder in {job.output.folder for job in jobs}:
        recover(folder)
    for job in jobs:
        rendered = {name: RENDERED[name] for name in job.formats if name != "json"}
        if job.decision is Decision.TRANSCRIBE:
            commit(job.output, made(job.recording, job.spec), rendered, stamp=STAMP, overwrite=settings.get("overwrite", False))
        elif job.decision is Decision.RENDER:
            add(job.output, read_transcript(json_path(job.output)), rendered, stamp=STAMP)
    return [job.decision.value for job in jobs]


def made(recording: Recording, spec: JobSpec) -> Transcript:
    """A transcript of the recording."""
    transcript = transcript_of(recording, spec)
    return transcript.model_copy(update={"source": transcript.source.model_copy(update={"etag": recording.etag})})


def reasons(tree: Tree, **options) -> dict[str, tuple[str, str]]:
    """Path to decision and reason."""
    return {job.recording.label: (job.decision.value, job.reason) for job in planned(tree, **options)}


@pytest.fixture
def aula(tree: Tree) -> Tree:
    """A tree with a finished recording."""
    tree.put("aula.mp3", b"sound")
    assert run(tree) == ["transcribe"]
    return tree


def names(tree: Tree) -> set[str]:
    """The files in the tree."""
    return set(tree.files())


def test_a_recording_gets_its_outputs_and_is_done(aula: Tree) -> None:
    """They are next to it, with its name, and there are no others. Then nothing is left to do."""
    assert names(aula) == {"aula.mp3", "aula.json", "aula.srt", "aula.vtt"}
    assert reasons(aula) == {"aula.mp3": ("done", "done")}
    assert aula.files()["aula.srt"] == b"1\n"


def test_a_single_file_has_the_metadata_of_its_listing(aula: Tree) -> None:
    """The same time and ETag. Otherwise, it would look changed."""
    top = aula.at()
    files = files_of(top)
    listed = files.entries(top)
    assert set(listed) == names(aula)
    for name, entry in listed.items():
        assert file_version(entry.stat()) == file_version(files.status(top / name))
    some = files.existing([top / name for name in ("aula.json", "aula.srt", "aula.txt")])
    assert {path.name: file_version(status) for path, status in some.items()} == {
        name: file_version(listed[name].stat()) for name in ("aula.json", "aula.srt")
    }


def test_outputs_of_another_run_are_seen_without_listing_the_folder(proxied: tuple[Tree, Proxy]) -> None:
    """The folder may have ten thousand recordings."""
    tree, proxy = proxied
    for name in ("aula.mp3", "aula.mp4", "aula2.mp3", "prova.mp3"):
        tree.put(name, name.encode())
    (job,) = [job for job in planned(tree) if job.recording.label == "aula.mp4"]
    assert run(tree) == ["transcribe"] * 4
    proxy.requests.clear()
    again = replan(job, SPEC, Settings(storage=tree.options))
    assert (again.decision, again.output) == (Decision.DONE, job.output)
    listings = [head for head in proxy.requests if b"list-type=2" in head]
    assert listings
    assert all(b"aula." in head.split(b"\r\n")[0] for head in listings)


def test_recordings_of_one_stem_keep_their_extension(tree: Tree) -> None:
    """Recordings in other folders have no effect."""
    for name in ("a.mp3", "a.mp4", "b/a.mp3"):
        tree.put(name, name.encode())
    run(tree)
    assert {name for name in names(tree) if name.endswith(".srt")} == {"a.mp3.srt", "a.mp4.srt", "b/a.srt"}
    assert set(dict(reasons(tree).values())) == {"done"}


def test_a_missing_format_is_rendered_and_a_changed_recording_is_done_again(aula: Tree) -> None:
    """The plan has the reason."""
    assert reasons(aula, output_format=("srt", "txt"))["aula.mp3"] == ("render", "txt missing")
    assert run(aula, output_format=("srt", "txt")) == ["render"]
    assert reasons(aula, output_format=("srt", "vtt", "txt"))["aula.mp3"] == ("done", "done")
    assert reasons(aula, spec=JobSpec(model="medium"))["aula.mp3"] == ("transcribe", "outdated: model small -> medium")
    time.sleep(0.01)
    aula.put("aula.mp3", b"another")
    assert reasons(aula)["aula.mp3"] == ("transcribe", "recording changed")
    assert run(aula) == ["transcribe"]
    assert reasons(aula)["aula.mp3"] == ("done", "done")


def test_files_of_other_tools_are_not_changed(tree: Tree) -> None:
    """Official subtitles, a JSON of another tool. Only --overwrite replaces them."""
    tree.put("aula.mp3", b"sound")
    tree.put("aula.srt", b"official")
    assert reasons(tree)["aula.mp3"][0] == "fail"
    tree.put("x.mp3", b"sound")
    tree.put("x.json", b'{"mine": true}')
    assert reasons(tree)["x.mp3"][0] == "fail"
    assert run(tree) == ["fail", "fail"]
    assert tree.files()["aula.srt"] == b"official"
    assert run(tree, overwrite=True) == ["transcribe", "transcribe"]
    assert tree.files()["aula.srt"] == b"1\n"


def test_an_edit_is_kept(aula: Tree) -> None:
    """It is detected by its time or content. A new transcription goes beside it."""
    time.sleep(1.1)  # the times of S3 are whole seconds
    aula.put("aula.srt", b"edited")
    assert reasons(aula)["aula.mp3"] == ("done", "done (aula.srt was edited)")
    aula.put("aula.mp3", b"another")
    (recording,) = find_recordings([f"{aula.url}/"], storage=aula.options)
    (job,) = planned(aula)
    assert (job.decision, job.output.stem) == (Decision.TRANSCRIBE, "aula.new")
    with pytest.raises(OutputRefused, match="edited"):
        commit(replace(job.output, stem="aula"), made(recording, SPEC), {"srt": "2\n"}, stamp=STAMP)
    commit(job.output, made(recording, SPEC), {"srt": "2\n"}, stamp=STAMP)
    assert (aula.files()["aula.srt"], aula.files()["aula.new.srt"]) == (b"edited", b"2\n")


def test_the_json_is_written_last(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run completes an interrupted set of outputs, without recognition."""
    tree.put("aula.mp3", b"sound")
    (job,) = planned(tree)
    breaking(monkeypatch, tree, ".vtt")
    with pytest.raises(RuntimeError, match="broke off"):
        commit(job.output, made(job.recording, SPEC), {name: RENDERED[name] for name in ("srt", "vtt")}, stamp=STAMP)
    monkeypatch.undo()
    assert reasons(tree)["aula.mp3"] == ("render", "vtt missing")
    assert run(tree) == ["render"]
    assert names(tree) == {"aula.mp3", "aula.json", "aula.srt", "aula.vtt"}


def test_files_of_a_killed_process_are_recovered(tree: Tree) -> None:
    """A complete transcript under a temporary name is renamed. An incomplete one is removed."""
    tree.put("aula.mp3", b"sound")
    (job,) = planned(tree)
    document = made(job.recording, SPEC).dumps().encode()
    process = subprocess.Popen(["true"])
    process.wait()
    gone = f".transcribe-{host_id()}-{process.pid}-"
    tree.put(f"{gone}00000001.tmp", document)
    tree.put(f"{gone}00000002.tmp", document[:100])
    assert planned(tree)[0].has_leftovers
    assert reasons(tree)["aula.mp3"][0] == "render"
    assert run(tree) == ["render"]
    assert names(tree) == {"aula.mp3", "aula.json", "aula.srt", "aula.vtt"}
    assert reasons(tree)["aula.mp3"] == ("done", "done")


def test_trusting_names_reads_no_transcript(aula: Tree) -> None:
    """The names of the files are enough."""
    aula.put("aula.json", b"whatever")
    assert reasons(aula, trust_names=True)["aula.mp3"] == ("done", "done, by file names only")
    assert reasons(aula)["aula.mp3"][0] == "fail"
    assert reasons(aula, trust_names=True, output_format=("txt",))["aula.mp3"][0] == "fail"


def test_one_output_folder_mirrors_the_tree(tree: Tree, tmp_path) -> None:
    """From every store to a local folder, and the reverse."""
    for name in ("a/x.mp3", "b/x.mp3"):
        tree.put(name, name.encode())
    run(tree, output_dir=tmp_path / "out")
    there = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert there == {f"{folder}/x.{extension}" for folder in "ab" for extension in ("json", "srt", "vtt")}
    assert set(dict(reasons(tree, output_dir=tmp_path / "out").values())) == {"done"}
    local = Tree(str(tmp_path / "in"), tree.options)
    local.put("a/y.mp3", b"y")
    run(local, output_dir=f"{tree.url}/out")
    assert {name for name in names(tree) if "out/" in name} == {f"out/a/y.{extension}" for extension in ("json", "srt", "vtt")}
    assert reasons(local, output_dir=f"{tree.url}/out") == {"a/y.mp3": ("done", "done")}


def test_the_transcript_of_another_recording_is_never_replaced(tree: Tree, tmp_path) -> None:
    """It has the same name, is in another folder, and goes into the same output folder."""
    tree.put("a/x.mp3", b"one")
    tree.put("b/x.mp3", b"another")
    out = f"{tree.url}/out"
    one, other = (Tree(f"{tree.url}/{name}", tree.options) for name in "ab")
    assert run(one, output_dir=out) == ["transcribe"]
    assert reasons(other, output_dir=out)["x.mp3"][0] == "fail"


def test_times_and_types_in_a_bucket(bucket: Tree) -> None:
    """Browsers and players use the content type."""
    bucket.put("aula.mp3", b"sound")
    run(bucket)
    place = bucket.at("aula.json")
    assert isinstance(place, Location)
    fs = place.store._fs
    types = {
        end: fs.info(f"{place.store._root}{place.with_name(f'aula.{end}').key}")["ContentType"] for end in ("json", "srt", "vtt")
    }
    assert types == {
        "json": "application/json",
        "srt": "application/x-subrip; charset=utf-8",
        "vtt": "text/vtt; charset=utf-8",
    }


def test_the_done_test_of_many_takes_a_listing_and_their_headers(proxied, monkeypatch: pytest.MonkeyPatch) -> None:
    """One listing to find and compare, and 4 KiB of each transcript, or none with --trust-names."""
    tree, proxy = proxied
    for number in range(12):
        tree.put(f"{number % 4}/{number}.mp3", b"sound")
    assert run(tree) == ["transcribe"] * 12
    head = read_header(tree.at("0/0.json"))
    assert head is not None
    assert json.loads(tree.files()["0/0.json"])["source"]["etag"] == head.etag
    proxy.requests.clear()
    assert set(dict(reasons(tree).values())) == {"done"}
    assert counted(proxy.requests) == (1, 12)
    proxy.requests.clear()
    assert set(dict(reasons(tree, trust_names=True).values())) == {"done"}
    assert counted(proxy.requests) == (1, 0)
    # As if `add` had written the transcripts an hour later.
    monkeypatch.setattr(sys.modules["transcribe_cli.sinks.ownership"], "_COMMIT_NS", -1)
    proxy.requests.clear()
    assert set(dict(reasons(tree).values())) == {"done"}
    assert counted(proxy.requests) == (1, 3 * 12)


def counted(requests: Iterable[bytes]) -> tuple[int, int]:
    """The numbers of listings and of other requests, except those about the bucket."""
    listings = [head for head in requests if b"list-type=2" in head]
    return len(listings), len([head for head in requests if b"list-type=2" not in head and not head.startswith(b"HEAD /aulas")])


def breaking(monkeypatch: pytest.MonkeyPatch, tree: Tree, extension: str) -> None:
    """Writes of files with this extension fail."""
    from transcribe_cli.sinks import atomic, objects

    def refuse(write):
        def written(path, *rest):
            if path.suffix == extension:
                raise RuntimeError("broke off")
            return write(path, *rest)

        return written

    monkeypatch.setattr(atomic, "write_atomically", refuse(atomic.write_atomically))
    monkeypatch.setattr(objects, "_put", refuse(objects._put))
