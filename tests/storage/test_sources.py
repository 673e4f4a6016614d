"""Finding recordings: the rules of folders hold in every kind of storage."""

from __future__ import annotations

import json

import pytest

from tests.storage.places import Tree
from transcribe_cli.errors import SourceNotFound, StorageNotReady, UsageError
from transcribe_cli.sources import find_recordings
from transcribe_cli.storage import Location, locate

NAMES = (
    "aula 2.mp3", "aula 10.mp3", "notas.pdf", ".oculto.mp3", "aula 2.srt",
    "b/lição.WAV", "b/.lixo/x.mp3", "a/x.mp4", "a/fundo/y.ogg", "rascunhos/z.mp3",
)  # fmt: skip
ORDER = ["aula 2.mp3", "aula 10.mp3", "a/x.mp4", "a/fundo/y.ogg", "b/lição.WAV", "rascunhos/z.mp3"]


@pytest.fixture
def filled(tree: Tree) -> Tree:
    """A tree with recordings and other things."""
    for name in NAMES:
        tree.put(name, name.encode())
    return tree


def labels(tree: Tree, *sources: str, **options: object) -> list[str]:
    """What is found, below its root."""
    return [recording.label for recording in find_recordings(list(sources) or [tree.url], storage=tree.options, **options)]


def test_a_tree_gives_its_recordings_in_the_same_order_everywhere(filled: Tree) -> None:
    """Files before subfolders, numbers as numbers, hidden ones and other files left out."""
    assert labels(filled) == ORDER
    assert labels(filled, f"{filled.url}/") == ORDER


def test_filters_hold_everywhere(filled: Tree) -> None:
    """By name, by path below the root, by folder."""
    assert labels(filled, include=["*.mp3"]) == ["aula 2.mp3", "aula 10.mp3", "rascunhos/z.mp3"]
    assert labels(filled, exclude=["rascunhos/", "a/**"]) == ["aula 2.mp3", "aula 10.mp3", "b/lição.WAV"]


def test_globs_mean_the_same_everywhere(filled: Tree) -> None:
    """Also when they match folders."""
    assert labels(filled, f"{filled.url}/**/*.mp[34]") == ["aula 2.mp3", "aula 10.mp3", "a/x.mp4", "rascunhos/z.mp3"]
    assert sorted(labels(filled, f"{filled.url}/[ab]")) == ["a/fundo/y.ogg", "a/x.mp4", "b/lição.WAV"]
    with pytest.raises(SourceNotFound, match="Nothing matches"):
        labels(filled, f"{filled.url}/*.flac")


def test_a_file_is_known_by_its_size_and_what_changes_with_its_content(remote: Tree) -> None:
    """The same from a listing and from a question; another after it was written again."""
    remote.put("aulas/x.mp3", b"sound")
    (listed,) = find_recordings([remote.url], storage=remote.options)
    (asked,) = find_recordings([f"{remote.url}/aulas/x.mp3"], storage=remote.options)
    assert listed.size == 5
    assert listed.identity == asked.identity
    assert listed.uri == f"{remote.url}/aulas/x.mp3"
    remote.put("aulas/x.mp3", b"other!")
    (later,) = find_recordings([remote.url], storage=remote.options)
    assert later.identity != listed.identity


def test_what_is_not_there_is_said(remote: Tree) -> None:
    """A file, a folder."""
    remote.put("x.mp3", b"sound")
    for name in ("y.mp3", "nowhere", "nowhere/"):
        with pytest.raises(SourceNotFound, match="does not exist"):
            labels(remote, f"{remote.url}/{name}")


def test_lists_and_manifests_name_urls_and_lie_in_buckets_themselves(remote: Tree, tmp_path) -> None:
    """What is not there fails by itself."""
    remote.put("a/x.mp3", b"sound")
    remote.put("a/y.mp3", b"sound")
    (tmp_path / "list").write_text(f"{remote.url}/a/x.mp3\n{remote.url}/a/gone.mp3\n")
    x, gone = find_recordings([f"@{tmp_path}/list"], storage=remote.options)
    assert x.problem is None
    assert "gone.mp3 does not exist" in str(gone.problem)
    remote.put("m.jsonl", b'{"uri": "a/y.mp3", "language": "pt"}\n')
    (y,) = find_recordings([f"{remote.url}/m.jsonl"], storage=remote.options)
    assert (y.label, y.overrides) == ("y.mp3", {"language": "pt"})
    with pytest.raises(SourceNotFound, match=r"The list .*nolist does not exist"):
        labels(remote, f"@{remote.url}/nolist")


def test_names_that_mean_something_else_are_refused(bucket: Tree) -> None:
    """A version, a step out of the folder, nothing at all; the others are found. Folder markers are no recordings."""
    place = bucket.at("dir")
    assert isinstance(place, Location)
    top = bucket.url.split("/")[2]
    for name in ("a/../../x.mp3", "a//b.mp3", "ok.mp3", "dir.mp3/", "q?versionId=1.mp3"):
        place.store._fs.call_s3("put_object", Bucket=top, Key=f"{place.parent.key}/{name}", Body=b"")
    found = {recording.path.name: recording.problem for recording in find_recordings([bucket.url], storage=bucket.options)}
    assert {name for name, problem in found.items() if problem is None} == {"ok.mp3"}
    assert set(found) == {"x.mp3", "b.mp3", "ok.mp3", "q?versionId=1.mp3"}
    with pytest.raises(UsageError, match="version"):
        labels(bucket, f"{bucket.url}/q?versionId=1.mp3")


def test_one_listing_is_all_that_a_prefix_costs(proxied) -> None:
    """No question for single files."""
    tree, proxy = proxied
    for number in range(12):
        tree.put(f"pasta {number % 3}/{number}.mp3", b"sound")
    proxy.requests.clear()
    assert len(labels(tree, f"{tree.url}/")) == 12
    assert len([head for head in proxy.requests if b"list-type=2" in head]) == 1
    assert len(proxy.requests) <= 2  # the first may be one that finds out about the bucket's region


def test_archives_are_folders(tmp_path, bucket: Tree) -> None:
    """Here, and in a bucket; their members are known by their checksums."""
    import zipfile

    with zipfile.ZipFile(tmp_path / "aulas.zip", "w") as archive:
        archive.writestr("a/x.mp3", b"sound")
        archive.writestr("y.mp3", b"other")
    bucket.put("aulas.zip", (tmp_path / "aulas.zip").read_bytes())
    for url in (f"zip://::{tmp_path}/aulas.zip", f"zip://::{bucket.url}/aulas.zip"):
        recordings = list(find_recordings([url], storage=bucket.options))
        assert [(recording.label, recording.size) for recording in recordings] == [("y.mp3", 5), ("a/x.mp3", 5)]
        assert all(str(recording.etag).startswith("crc32-") for recording in recordings)
        assert recordings[1].uri == f"zip://a/x.mp3::{url.partition('::')[2]}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sftp://me:secret@host/x", "must not contain a password"),
        ("https://me:secret@host/x.mp3", "must not contain a password"),
        ("s3://", "has no bucket"),
        ("zip://x.mp3", "has no archive"),
        ("s3://b/x::s3://c/y", "only zip:// and tar:// can be chained"),
    ],
)
def test_urls_that_cannot_be_meant_are_refused_in_one_line(url: str, message: str) -> None:
    """And nothing that may be a password is repeated."""
    with pytest.raises(UsageError, match=message) as caught:
        locate(url, {})
    assert "secret" not in str(caught.value)


def test_no_document_has_a_query(web) -> None:
    """It may be a signature; the server gets it."""
    web.files["/aula.mp3"] = b"sound"
    (recording,) = find_recordings([f"{web.url}/aula.mp3?X-Signature=geheim"])
    assert "geheim" not in json.dumps([recording.uri, recording.label, repr(recording), str(recording.path)])
    assert "X-Signature=geheim" in web.queries


def test_pages_and_feeds_name_recordings(web) -> None:
    """Links of an index, enclosures of a feed; nothing else."""
    web.files |= {"/p/": b'<a href="aula%201.mp3">1</a><a href="x.html">2</a><a href="/p/sub/b.ogg">3</a>', "/p/aula 1.mp3": b"1"}
    web.files |= {
        "/p/sub/b.ogg": b"22",
        "/feed": f'<rss><item><enclosure url="{web.url}/p/aula%201.mp3?t=1"/></item></rss>'.encode(),
    }
    web.types |= {"/p/": "text/html", "/feed": "application/rss+xml; charset=utf-8"}
    assert [(found.label, found.size) for found in find_recordings([f"{web.url}/p/"])] == [("aula 1.mp3", 1), ("sub/b.ogg", 2)]
    assert [found.label for found in find_recordings([f"{web.url}/feed"])] == ["p/aula 1.mp3"]
    web.files["/empty"], web.types["/empty"] = b"<p>", "text/html"
    with pytest.raises(SourceNotFound, match="has no links to recordings"):
        list(find_recordings([f"{web.url}/empty"]))


@pytest.mark.parametrize("kind", ["s3", *(pytest.param(kind, marks=pytest.mark.emulators) for kind in ("azure", "gcs"))])
def test_a_bucket_that_is_not_there_is_not_an_empty_folder(servers, kind: str) -> None:
    """Azure's client lists it as empty."""
    server = servers(kind)
    with pytest.raises((SourceNotFound, StorageNotReady), match=r"no (such )?bucket"):
        list(find_recordings([f"{server.url.partition('://')[0]}://nowhere-at-all/x/"], storage=server.options))
