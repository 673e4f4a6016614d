"""The attacker fills the tree, bucket or server that a user transcribes, and the user runs `run`, `plan`, `status` and `render`.

They can put there files with the names of our temporary files and transcripts, whose content they choose, symlinks, named pipes and hard
links. They know our formats, and the names and contents of the other files. Nothing may be removed, replaced or read but the outputs of
the recordings.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.storage.places import Tree, new, started
from tests.transcripts import commit, transcript_of
from transcribe_cli.plan import plan
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Output, add_renderings, assign_outputs, find_leftovers, recover
from transcribe_cli.sinks.processes import is_alive, parse_temporary_name
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import AnyPath, Location, below

TEMPORARY = ".transcribe-00000000-1-0123abcd.tmp"
VICTIMS = {
    "a.m4a": b"a recording",
    "aula.m4a": b"another recording",
    "notes.docx": b"notes",
    "aula.docx": b"foreign, though it has the stem and a format",
    "other.srt": b"official subtitles",
    "sub/b.txt": b"below",
    "folder.srt/x.txt": b"in a folder that has the name of an output",
}
NAMES = [
    *VICTIMS,
    "../outside.txt",
    "../../outside.txt",
    "sub/../a.m4a",
    "sub",
    "folder.srt",
    "/etc/hostname",
    "file:///etc/hostname",
    "",
    ".",
    "..",
    "/",
    "a\n.m4a",
    "a\0.m4a",
    "\\x00",
    "\\xff/../a.m4a",
    "x" * 5000,
    "aula.srt/..",
    "./a.m4a",
    "aula.m4a/",
    "\x1b]52;c;eA==\x07.srt",
    "C:\\a.m4a",
    "..\\a.m4a",
    "%2e%2e%2fa.m4a",
]


@pytest.fixture(scope="module", params=["local", "memory", "s3", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Tree | None]]:
    """A kind of storage, and its server."""
    if request.param in ("local", "memory"):
        yield request.param, None
        return
    with started(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield request.param, server


@pytest.fixture
def tree(place: tuple[str, Tree | None], tmp_path: Path) -> Tree:
    """A tree with a recording and the victims, below a folder with one more victim."""
    kind, server = place
    outer = new(kind, server, tmp_path)
    outer.put("outside.txt", b"outside")
    tree = Tree(f"{outer.url}/tree", outer.options, outer.env)
    tree.put("aula.mp3", b"sound")
    for name, content in VICTIMS.items():
        tree.put(name, content)
    return tree


def document(name: str = "aula.mp3", outputs: dict[str, str] | None = None, **source: Any) -> bytes:
    """A complete transcript that claims anything."""
    (recording,) = _recording()
    claimed = json.loads(transcript_of(recording).dumps())
    claimed["source"] |= {"name": name, "uri": f"file:///anywhere/{name}", **source}
    claimed["outputs"] = outputs if outputs is not None else dict.fromkeys(NAMES, "0" * 64)
    return json.dumps(claimed).encode()


def _recording() -> list[Any]:
    from transcribe_cli.sources import Recording

    return [Recording(Path("/anywhere/aula.mp3"), Path("/anywhere"))]


def planned(tree: Tree, **settings: Any) -> list[Any]:
    """What `plan`, `status` and `run` begin with."""
    found = find_recordings([f"{tree.url}/"], storage=tree.options)
    return plan(found, JobSpec(), Settings(storage=tree.options, **settings))


def plant(tree: Tree, data: bytes, name: str = TEMPORARY) -> None:
    """Put a file there that is an hour old, on a disk."""
    path = tree.put(name, data)
    if isinstance(path, Path):
        os.utime(path, (time.time() - 3600,) * 2)


@pytest.fixture
def abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every temporary file counts as abandoned. In buckets, the times of files cannot be set."""
    monkeypatch.setattr("transcribe_cli.sinks.atomic._MAX_AGE_SECONDS", -1e9)


def victims(tree: Tree) -> dict[str, bytes | None]:
    """The victims as they are now."""
    outer = Tree(tree.url.rpartition("/")[0], tree.options, tree.env)
    return {**{name: tree.get(name) for name in VICTIMS}, "../outside.txt": outer.get("outside.txt")}


SAFE = {**VICTIMS, "../outside.txt": b"outside"}


@pytest.mark.usefixtures("abandoned")
@pytest.mark.parametrize("hashes", ["wrong", "true"])
def test_a_planted_temporary_file_removes_nothing(tree: Tree, hashes: str) -> None:
    """Whatever its `outputs` name, with other digests or with the true ones."""
    true = {name: hashlib.sha256(content).hexdigest() for name, content in VICTIMS.items()}
    plant(tree, document(outputs={**dict.fromkeys(NAMES, "0" * 64), **(true if hashes == "true" else {})}))
    planned(tree)
    recover(tree.at())
    planned(tree)
    assert victims(tree) == SAFE


@pytest.mark.usefixtures("abandoned")
def test_a_planted_source_name_leads_nowhere_else(tree: Tree) -> None:
    """It becomes the name of a JSON in the same folder, or none."""
    before = tree.names()
    for number, name in enumerate(NAMES):
        plant(tree, document(name), TEMPORARY.replace("0123abcd", f"{number:08x}"))
    planned(tree)
    recover(tree.at())
    planned(tree)
    assert victims(tree) == SAFE
    new = tree.names() - before  # moto cannot write a name with a line break; then the temporary file stays
    assert [name for name in new if not name.endswith((".json", ".tmp")) or "/" in name] == []
    assert {"a.json", "notes.json"} <= tree.names()


@pytest.mark.usefixtures("abandoned")
def test_a_planted_pair_removes_only_what_it_lists_truly(tree: Tree) -> None:
    """A finished transcript vouches for files of its own stem and formats that have the digest. A recording is never one of them."""
    true = {name: hashlib.sha256(content).hexdigest() for name, content in VICTIMS.items() if name != "aula.docx"}
    tree.put("aula.json", document(outputs={**true, "aula.docx": "1" * 64}))
    later = json.loads(document())
    later["job"]["finished_at"] = "99999-12-31T00:00:00Z"
    plant(tree, json.dumps(later).encode())
    planned(tree, output_format=("srt", "docx"))
    recover(tree.at())
    assert victims(tree) == SAFE


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_planted_transcript_replaces_no_foreign_file(tree: Tree, overwrite: bool) -> None:
    """Its `outputs` name victims with their true digests; the new set has its own names."""
    true = {name: hashlib.sha256(content).hexdigest() for name, content in VICTIMS.items() if name != "aula.docx"}
    tree.put("aula.json", document(outputs=true))
    for job in planned(tree, overwrite=overwrite):
        if job.recording.name != "aula.mp3":
            continue
        add_renderings(Output(job.output.folder, "aula"), _transcript(tree), {"txt": b"1"})
    assert victims(tree) == SAFE


def _transcript(tree: Tree) -> Any:
    from transcribe_cli.transcript import Transcript

    return Transcript.loads(tree.get("aula.json") or b"")


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/a", "a/", "a\0", "../x", "/"])
def test_a_location_refuses_names_that_lead_elsewhere(tree: Tree, name: str) -> None:
    """As pathlib does, in `with_name` and after `/`; and `below` refuses parts."""
    folder = tree.at("sub")
    if isinstance(folder, Location):
        with pytest.raises(ValueError, match="not a file name"):
            folder / name
        with pytest.raises(ValueError, match="not a file name"):
            folder.with_name(name)
    for path in (f"x/../{name}", f"/{name}"):
        with pytest.raises(ValueError, match="not a file name"):
            below(folder, PurePosixPath(path))


def test_names_in_urls_are_encoded() -> None:
    """A name with ? or # is not a query or a fragment of another URL."""
    from transcribe_cli.storage import locate

    page = locate("http://127.0.0.1:9/list/a%20b.mp3", {})
    assert page.with_name("x?y#z 100%.json").name == "x?y#z 100%.json"
    assert page.with_name("x?y#z 100%.json").key == "list/x%3Fy%23z%20100%25.json"


# on a disk


def test_links_pipes_and_folders_with_the_name_of_a_temporary_file_stay(tmp_path: Path) -> None:
    """They are not ours: a link would be published as a transcript, and lead anywhere."""
    secret = tmp_path / "outside/secret.json"
    secret.parent.mkdir()
    secret.write_bytes(document())
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "aula.mp3").write_bytes(b"sound")
    names = [TEMPORARY.replace("0123abcd", f"0000000{number}") for number in range(4)]
    (tree / names[0]).symlink_to(secret)
    os.mkfifo(tree / names[1])
    (tree / names[2]).mkdir()
    (tree / names[3]).symlink_to(tmp_path / "nowhere")
    for name in names[:3]:
        os.utime(tree / name, (0, 0))
    assert find_leftovers(tree) == []
    assert recover(tree) == []
    planned(Tree(str(tree)))
    assert {path.name for path in tree.iterdir()} == {"aula.mp3", *names}


def test_links_at_the_names_of_outputs_are_replaced_and_their_targets_stay(tmp_path: Path) -> None:
    """Also with --overwrite, and if a planted transcript lists the content of the target."""
    victim = tmp_path / "outside/victim.txt"
    victim.parent.mkdir()
    victim.write_bytes(b"victim")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "aula.mp3").write_bytes(b"sound")
    (recording,) = find_recordings([str(tree)])
    (place,) = assign_outputs([recording], None)
    for planted in (False, True):
        for name in ("json", "srt", "vtt"):
            place.output.path(name).unlink(missing_ok=True)
            place.output.path(name).symlink_to(victim)
        if planted:
            place.output.path("json").unlink()
            listed = dict.fromkeys(("aula.srt", "aula.vtt"), hashlib.sha256(b"victim").hexdigest())
            place.output.path("json").write_bytes(document(outputs=listed, uri=recording.uri))
        commit(place.output, transcript_of(recording), {"srt": "1", "vtt": "2"}, overwrite=not planted)
        assert victim.read_bytes() == b"victim"
        assert not any(place.output.path(name).is_symlink() for name in ("json", "srt", "vtt"))
    assert [path.name for path in victim.parent.iterdir()] == ["victim.txt"]


@pytest.mark.parametrize("name", ["aula.txt", "aula.json", "aula.SRT", "aula.TextGrid"])
@pytest.mark.parametrize("into", [None, "out"])
def test_audio_with_the_name_of_an_output_is_not_replaced(tmp_path: Path, name: str, into: str | None) -> None:
    """By its own transcript, or by that of another recording."""
    (tmp_path / name).write_bytes(b"sound")
    (tmp_path / "aula").write_bytes(b"sound")
    recordings = list(find_recordings([str(tmp_path / name), str(tmp_path / "aula")]))
    written: set[AnyPath] = set()
    for place in assign_outputs(recordings, into and tmp_path):
        if place.refused is None:
            written |= {place.output.path(format) for format in ("json", "srt", "txt", "textgrid")}
    assert not written & {recording.path for recording in recordings}
    (alone,) = assign_outputs(recordings[:1], None)
    assert alone.refused is None
    assert alone.output.stem == name


def test_the_extensions_of_outputs_are_those_of_no_recording() -> None:
    """So that a media file never has the name of an output."""
    from transcribe_cli.registry import FILE_EXTENSIONS
    from transcribe_cli.sources import MEDIA_SUFFIXES

    assert not {f".{extension}".lower() for extension in FILE_EXTENSIONS} & MEDIA_SUFFIXES


@pytest.mark.parametrize("pid", [-1, 0, -(2**40), 2**31, 2**63, 10**30])
def test_impossible_process_ids_are_not_alive(pid: int) -> None:
    """0 and -1 are groups of processes to the kernel."""
    assert not is_alive(pid)


@pytest.mark.parametrize("pid", ["9" * 5000, "٣", "-1", "1" * 11])
def test_names_with_impossible_process_ids_are_not_ours(pid: str) -> None:
    """A number of 5,000 digits cannot be converted."""
    assert parse_temporary_name(f".transcribe-00000000-{pid}-0123abcd.tmp") is None


@pytest.mark.parametrize("uri", ["http://[::1/x", "file:///%00", "file:///" + "x" * 5000, "file://", "", "\0", "file:///\ud800"])
def test_the_uri_of_a_planted_transcript_ends_no_plan(tmp_path: Path, uri: str) -> None:
    """In an output folder, whether the other recording still exists is checked."""
    tree = Tree(str(tmp_path / "in"))
    tree.put("aula.mp3", b"sound")
    (tmp_path / "out").mkdir()
    claimed = json.loads(document())
    claimed["source"] |= {"uri": uri, "size": 77}
    (tmp_path / "out/aula.json").write_text(json.dumps(claimed))
    (job,) = planned(tree, output_dir=tmp_path / "out")
    assert job.decision.value in ("transcribe", "fail")


def test_a_transcript_without_an_end_is_not_read_forever(tmp_path: Path) -> None:
    """Sparse files of 100 GB: one whose header never ends, one whose transcript never ends."""
    tree = Tree(str(tmp_path))
    tree.put("aula.mp3", b"sound")
    start = document()
    for name, head in (("aula.json", start[: start.index(b'"language"')]), (TEMPORARY, start[:-1])):
        tree.put(name, head)
        os.truncate(tmp_path / name, 100 << 30)
        os.utime(tmp_path / name, (time.time() - 3600,) * 2)
    (job,) = planned(tree)
    assert job.decision.value == "fail"
    recover(tmp_path)
    assert not (tmp_path / TEMPORARY).exists()
