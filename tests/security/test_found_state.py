"""The attacker writes files that a run reads back: leases and transcripts in the tree, records in a state folder that others can write.

They also run the server that lists objects. Values are absurd, names lead elsewhere, and links and hard links lead to other files. Nothing
else is opened, written or removed, and no value ends a run.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.storage.places import Tree, new, started
from tests.transcripts import transcript_of
from transcribe_cli.audio import Waveform
from transcribe_cli.backends.job_ids import JobIdFile, JobIdRecord
from transcribe_cli.backends.staging import Staging
from transcribe_cli.batch.failures import Failure, Failures
from transcribe_cli.batch.leases import Lease, LeaseManager, Owner
from transcribe_cli.batch.leases.owner import utc_now
from transcribe_cli.batch.rendering import find_transcripts
from transcribe_cli.pipeline import checkpoint
from transcribe_cli.recognition.engines import Attempt, Clip, ClipResult, SpokenWord
from transcribe_cli.sinks import host_id
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.state_folder import StateFiles
from transcribe_cli.storage import Location, shared_files
from transcribe_cli.storage.entry import parse_entry
from transcribe_cli.transcript import Transcript
from transcribe_cli.vad import Region

LEASE = ".aula.mp3.transcribe-lease"
OWNER = Owner.this_process(utc_now())


def expired(path: Path) -> None:
    """Make a file an hour old."""
    os.utime(path, (time.time() - 3600,) * 2)


# leases


@pytest.mark.parametrize("content", [b"a recording", OWNER.dumps(), b""])
def test_a_lease_that_is_a_hard_link_is_replaced_and_the_other_file_stays(tmp_path: Path, content: bytes) -> None:
    """An archive may contain one to a recording in the same tree."""
    victim, lease = tmp_path / "a.m4a", tmp_path / LEASE
    victim.write_bytes(content)
    lease.hardlink_to(victim)
    expired(lease)
    with LeaseManager() as leases:
        assert isinstance(leases.acquire(lease), Lease)
        assert victim.read_bytes() == content
    assert victim.read_bytes() == content
    assert not lease.exists()


def test_a_lease_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """To a file, to nothing, to a folder, to a device."""
    victim = tmp_path / "a.m4a"
    victim.write_bytes(b"a recording")
    for target in (victim, tmp_path / "nowhere", tmp_path, Path("/dev/zero")):
        lease = tmp_path / LEASE
        lease.symlink_to(target)
        with LeaseManager() as leases:
            with pytest.raises(OSError, match=r"links|levels|regular"):
                leases.acquire(lease)
            assert leases.holder(lease) is None
            leases.sweep(tmp_path)
        assert lease.is_symlink()
        lease.unlink()
    assert victim.read_bytes() == b"a recording"
    assert {path.name for path in tmp_path.iterdir()} == {"a.m4a"}


def test_a_sweep_removes_no_other_file(tmp_path: Path) -> None:
    """Neither one that only ends as a lease does, nor one that is too long for a lease."""
    kept = [tmp_path / "talk.transcribe-lease", tmp_path / ".talk.mp3.transcribe-lease"]
    kept[0].write_bytes(OWNER.dumps())
    kept[1].write_bytes(b"a recording" * 10_000)
    for path in kept:
        expired(path)
    with LeaseManager() as leases:
        leases.sweep(tmp_path)
    assert all(path.exists() for path in kept)


@pytest.mark.parametrize(
    "values",
    [
        {"pid": -1},
        {"pid": 2**64},
        {"pid": True},
        {"pid": 10**400},
        {"host": "h" * 1_000_000},
        {"taken": "9" * 300},
        {"seconds": 1e308},
        {"duration": -1.0},
        {"seconds": 10**400},
        {"beat": -5},
        {"writing": 1},
        {"host": None},
        {"token": ["x"]},
    ],
)
def test_a_lease_with_absurd_values_has_an_unknown_owner(values: dict[str, Any]) -> None:
    """No process id of a group, no name of a megabyte, no duration that cannot be shown."""
    assert Owner.loads(json.dumps({**asdict(OWNER), **values}).encode()) == Owner()


@pytest.mark.parametrize("pid", [0, 1])
def test_a_planted_lease_expires(tmp_path: Path, pid: int) -> None:
    """Process 1 lives for ever, process 0 is no process."""
    lease = tmp_path / LEASE
    lease.write_bytes(replace(OWNER, machine=host_id(), pid=pid, writing=True, taken="99999-01-01T00:00:00Z").dumps())
    expired(lease)
    with LeaseManager() as leases:
        assert isinstance(leases.acquire(lease), Lease)


# over SFTP


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tree, Path]]:
    """An SFTP server, and its folder on this disk, where the attacker puts links."""
    folder = tmp_path_factory.mktemp("sftp")
    with started("sftp", folder) as tree:
        yield tree, folder / "sftp"


def test_files_over_sftp_are_not_written_through_links(server: tuple[Tree, Path], tmp_path: Path) -> None:
    """At the name of the file, at the fixed temporary name of earlier versions, and at the one that is used."""
    tree, disk = new("sftp", server[0], tmp_path), server[1]
    tree.put("a.m4a", b"a recording")
    (victim,) = disk.rglob(f"{tree.url.rpartition('/')[2]}/a.m4a")
    for name in ("aula.srt", ".transcribe.tmp", ".transcribe-chosen.tmp", LEASE):
        (victim.parent / name).symlink_to(victim)
    location = tree.at("aula.srt")
    assert isinstance(location, Location)
    location.store.write(location, b"1", "text/plain", ".transcribe-chosen.tmp")
    location.store.write(location, b"2", "text/plain")
    assert victim.read_bytes() == b"a recording"
    assert not (victim.parent / "aula.srt").is_symlink()
    lease = tree.at(LEASE)
    assert isinstance(lease, Location)
    found = shared_files.read_version(lease, ".transcribe-probe.tmp")
    assert found is not None
    assert shared_files.replace_version(lease, found.tag, b"mine")
    assert (victim.parent / LEASE).read_bytes() == b"mine"
    assert victim.read_bytes() == b"a recording"


@pytest.mark.parametrize("kind", ["memory", "s3", "sftp"])
def test_a_huge_lease_is_not_read(kind: str, tmp_path: Path) -> None:
    """It counts as one whose owner is not known."""
    if kind == "memory":
        _check_huge_lease(new(kind, None, tmp_path))
        return
    with started(kind, tmp_path) as there:
        _check_huge_lease(new(kind, there, tmp_path))


def _check_huge_lease(tree: Tree) -> None:
    lease = tree.put(LEASE, OWNER.dumps() + b" " * 1_000_000)
    assert isinstance(lease, Location)
    found = shared_files.read_version(lease, ".transcribe-probe.tmp")
    assert found is not None
    assert len(found.data) <= 1 << 16
    assert Owner.loads(found.data) == Owner()


# staging and records


def test_a_record_removes_and_reads_only_staged_objects(tmp_path: Path) -> None:
    """Its URLs name other objects, other buckets, local files."""
    with started("s3", tmp_path) as there:
        tree = new("s3", there, tmp_path)
        staging = Staging(f"{tree.url}/staging", tree.options)
        ours = staging.new_object("opus")
        staging.put(ours, b"staged")
        tree.put("aula.mp3", b"a recording")
        name = ours.name
        tree.put(f"other/{name}", b"of another folder")
        tree.put("staging/aula.mp3", b"a recording")
        for uri in (
            f"{tree.url}/aula.mp3",
            f"{tree.url}/staging/aula.mp3",
            f"{tree.url}/other/{name}",
            f"{tree.url}/staging/../other/{name}",
            f"{tree.url}/staging/x/{name}",
            f"{tree.url}/staging/{name}?versionId=1",
            f"s3://elsewhere/staging/{name}",
            f"file://{tmp_path}/{name}",
            f"memory://staging/{name}",
            "http://[::1/",
            "",
            "\0",
            "x" * 100_000,
        ):
            assert not staging.remove(uri)
            assert staging.get(uri) is None
        assert tree.get("aula.mp3") == tree.get("staging/aula.mp3") == b"a recording"
        assert tree.get(f"other/{name}") == b"of another folder"
        assert staging.get(ours.uri) == b"staged"
        assert staging.remove(ours.uri)
        assert staging.get(ours.uri) is None


RECORD = asdict(JobIdRecord("aula.mp3", "runpod", "endpoint", "id", 1.0, 1, 1.0))


@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"[" * 100_000,
        b"\xff",
        b"9" * 100_000,
        *(
            json.dumps({**RECORD, **values}).encode()
            for values in ({"id": 1}, {"sent": "x"}, {"sent": float("inf")}, {"seconds": []}, {"staged": None}, {"flags": "abc"})
        ),
    ],
)
def test_a_record_of_another_form_is_none(tmp_path: Path, content: bytes) -> None:
    """Of a job, and of a failure."""
    path = tmp_path / "x.job.json"
    path.write_bytes(content)
    assert JobIdFile(path).read() is None
    (tmp_path / "aula.mp3").write_bytes(b"sound")
    (recording,) = find_recordings([str(tmp_path / "aula.mp3")])
    Path(StateFiles(tmp_path, "failures", ".failure.json", 1.0).path(recording.uri)).parent.mkdir()
    Path(StateFiles(tmp_path, "failures", ".failure.json", 1.0).path(recording.uri)).write_bytes(content)
    assert Failures(tmp_path).of(recording) is None


def test_a_failure_has_only_texts(tmp_path: Path) -> None:
    """They are shown."""
    (tmp_path / "aula.mp3").write_bytes(b"sound")
    (recording,) = find_recordings([str(tmp_path / "aula.mp3")])
    path = StateFiles(tmp_path, "failures", ".failure.json", 1.0).path(recording.uri)
    path.parent.mkdir()
    failure = Failure(recording.uri, recording.size, recording.modified, "x", "broken", "99999-01-01T00:00:00Z")
    path.write_text(json.dumps({**asdict(failure), "message": {"a": 1}}))
    assert Failures(tmp_path).of(recording) is None
    path.write_text(json.dumps(asdict(failure)))
    assert Failures(tmp_path).of(recording) == failure


# listings of servers and archives


@pytest.mark.parametrize(
    ("info", "size"),
    [
        ({"size": -1}, None),
        ({"size": "1e999"}, None),
        ({"size": float("inf")}, None),
        ({"size": float("nan")}, None),
        ({"size": 10**400}, None),
        ({"size": "9" * 5000}, None),
        ({"size": [1]}, None),
        ({"size": 5, "date_time": (1980, 0, 0, 0, 0, 0)}, 5),
        ({"size": 5, "date_time": (1980, 1)}, 5),
        ({"size": 5, "mtime": 1e308}, 5),
        ({"size": 5, "mtime": -(10**18)}, 5),
        ({"size": 5, "mtime": float("nan")}, 5),
        ({"size": 5, "LastModified": "99999-01-01T00:00:00Z"}, 5),
        ({"size": 5, "Last-Modified": "Mon, 99 Foo 99999 99:99:99 GMT"}, 5),
        ({"size": 5, "updated": "0001-01-01T00:00:00+23:59"}, 5),
        ({"size": 5, "md5Hash": "%"}, 5),
        ({"size": 5, "md5Hash": "ção"}, 5),
    ],
)
def test_absurd_metadata_is_unknown(info: dict[str, Any], size: int | None) -> None:
    """In a zip, the month may be 0; in a tar, the year may have 18 digits."""
    entry = parse_entry({"name": "a.mp3", "type": "file", **info})
    assert (entry.size, entry.modified, entry.md5) == (size, "", None)
    assert entry.modified_ns == 0


# the URI in a transcript


def test_render_reads_the_names_next_to_the_recording_only_if_it_is_the_recording(tmp_path: Path) -> None:
    """A transcript that names another file gets no names from its folder; the true one does."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/aula.mp3").write_bytes(b"sound")
    (tmp_path / "in/speakers.toml").write_text('SPEAKER_00 = "Ana"\n')
    (recording,) = find_recordings([str(tmp_path / "in")])
    true = transcript_of(recording).model_copy(update={"speakers": ("SPEAKER_00",)})
    path = tmp_path / "out/aula.json"
    path.parent.mkdir()

    def names(transcript: Transcript) -> dict[str, str]:
        path.write_text(transcript.dumps())
        (file,) = find_transcripts([str(path)])
        return file.with_speaker_names({}).speaker_names

    assert names(true) == {"SPEAKER_00": "Ana"}
    for changes in (
        {"size": 4},
        {"name": "other.mp3"},
        {"uri": f"file://{tmp_path}/in/missing.mp3"},
        {"uri": "file:///%00/aula.mp3"},
        {"uri": "file:///" + "x" * 5000},
        {"uri": "http://[::1/aula.mp3"},
        {"uri": "file://"},
    ):
        assert names(true.model_copy(update={"source": true.source.model_copy(update=changes)})) == {}


# checkpoints


@pytest.mark.parametrize(
    "values",
    [
        {"words": [["x", "0", None, 1, [1]]]},
        {"words": [[1, 0.0, 1.0, 1.0, [1]]]},
        {"words": "abc"},
        {"words": [["x", 0.0, 1.0, 1.0, ["a"]]]},
        {"phrases": [["x", 0.0, 1.0]]},
        {"attempt": {"tokens": [1], "text": 1}},
        {"attempt": []},
        {"attempt": {**asdict(Attempt((1,), " olá", 0.0, -0.1, 1.0, 0.0)), "heard": [["pt", 1e300]]}},
        {"attempt": {**asdict(Attempt((1,), " olá", 0.0, -0.1, 1.0, 0.0)), "heard": ["pt"]}},
    ],
)
def test_a_clip_of_another_form_is_recognized_again(
    tmp_path: Path, recorded: Callable[[], Waveform], values: dict[str, Any]
) -> None:
    """Its values would fail much later."""
    clip = Clip(0, 0, recorded(), (Region(0, 16000),), JobSpec())
    result = ClipResult(clip, Attempt((1,), " olá", 0.0, -0.1, 1.0, 0.0), (SpokenWord(" olá", 0.0, 1.0, 0.9, (1,)),), ())
    path = tmp_path / "x.clips.jsonl"
    record = checkpoint._record(result)
    path.write_text(json.dumps(record) + "\n")
    assert checkpoint.Checkpoint(path).find(clip) == result
    path.write_text(json.dumps({**record, **values}) + "\n")
    assert checkpoint.Checkpoint(path).find(clip) is None
