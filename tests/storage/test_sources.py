"""Finding recordings: the rules of folders hold in every kind of storage."""

from __future__ import annotations

import json

import pytest

from tests.storage.places import Tree
from transcribe_cli.errors import SourceNotFound, StorageNotReady, UsageError
from transcribe_cli.sources import find_recordings
from transcribe_cli.storage import Location, bind_to_sources, locate

NAMES = (
    "aula 2.mp3", "aula 10.mp3", "notas.pdf", ".oculto.mp3", "aula 2.srt",
    "b/lição.WAV", "b/.lixo/x.mp3", "a/x.mp4", "a/fundo/y.ogg", "rascunhos/z.mp3",
)  # fmt: skip
ORDER = ["aula 2.mp3", "aula 10.mp3", "a/x.mp4", "a/fundo/y.ogg", "b/lição.WAV", "rascunhos/z.mp3"]


@pytest.fixture
def filled(tree: Tree) -> Tree:
    """A tree with recordings and other files."""
    for name in NAMES:
        tree.put(name, name.encode())
    return tree


def labels(tree: Tree, *sources: str, **options: object) -> list[str]:
    """The labels of the recordings found."""
    return [recording.label for recording in find_recordings(list(sources) or [tree.url], storage=tree.options, **options)]


def test_the_order_of_recordings_is_the_same_in_every_store(filled: Tree) -> None:
    """Files before subfolders, in natural order, without hidden and other files."""
    assert labels(filled) == ORDER
    assert labels(filled, f"{filled.url}/") == ORDER


def test_filters_work_in_every_store(filled: Tree) -> None:
    """By name, by path below the root, by folder."""
    assert labels(filled, include=["*.mp3"]) == ["aula 2.mp3", "aula 10.mp3", "rascunhos/z.mp3"]
    assert labels(filled, exclude=["rascunhos/", "a/**"]) == ["aula 2.mp3", "aula 10.mp3", "b/lição.WAV"]


def test_globs_work_in_every_store(filled: Tree) -> None:
    """They can also match folders."""
    assert labels(filled, f"{filled.url}/**/*.mp[34]") == ["aula 2.mp3", "aula 10.mp3", "a/x.mp4", "rascunhos/z.mp3"]
    assert sorted(labels(filled, f"{filled.url}/[ab]")) == ["a/fundo/y.ogg", "a/x.mp4", "b/lição.WAV"]
    with pytest.raises(SourceNotFound, match="Nothing matches"):
        labels(filled, f"{filled.url}/*.flac")


def test_a_file_is_identified_by_its_size_and_etag(remote: Tree) -> None:
    """The identity is the same from a listing and from a request, and differs after the file was rewritten."""
    remote.put("aulas/x.mp3", b"sound")
    (listed,) = find_recordings([remote.url], storage=remote.options)
    (asked,) = find_recordings([f"{remote.url}/aulas/x.mp3"], storage=remote.options)
    assert listed.size == 5
    assert listed.identity == asked.identity
    assert listed.uri == f"{remote.url}/aulas/x.mp3"
    remote.put("aulas/x.mp3", b"other!")
    (later,) = find_recordings([remote.url], storage=remote.options)
    assert later.identity != listed.identity


def test_a_missing_source_is_an_error(remote: Tree) -> None:
    """A file, a folder."""
    remote.put("x.mp3", b"sound")
    for name in ("y.mp3", "nowhere", "nowhere/"):
        with pytest.raises(SourceNotFound, match="does not exist"):
            labels(remote, f"{remote.url}/{name}")


def test_lists_and_manifests_can_have_urls_and_be_in_buckets(remote: Tree, tmp_path) -> None:
    """A missing file fails alone."""
    remote.put("a/x.mp3", b"sound")
    remote.put("a/y.mp3", b"sound")
    (tmp_path / "list").write_text(f"{remote.url}/a/x.mp3\n{remote.url}/a/gone.mp3\n")
    options = bind_to_sources(remote.options, [remote.url])  # lines of a list name no host for credentials
    x, gone = find_recordings([f"@{tmp_path}/list"], storage=options)
    assert x.problem is None
    assert "gone.mp3 does not exist" in str(gone.problem)
    remote.put("m.jsonl", b'{"uri": "a/y.mp3", "language": "pt"}\n')
    (y,) = find_recordings([f"{remote.url}/m.jsonl"], storage=remote.options)
    assert (y.label, y.overrides) == ("y.mp3", {"language": "pt"})
    with pytest.raises(SourceNotFound, match=r"The list .*nolist does not exist"):
        labels(remote, f"@{remote.url}/nolist")


def test_unusable_names_are_rejected(bucket: Tree) -> None:
    """With a version ID, `..` or an empty part. The other files are found. Folder markers are skipped."""
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


def test_a_prefix_takes_one_listing(proxied) -> None:
    """There is no request per file."""
    tree, proxy = proxied
    for number in range(12):
        tree.put(f"pasta {number % 3}/{number}.mp3", b"sound")
    proxy.requests.clear()
    assert len(labels(tree, f"{tree.url}/")) == 12
    assert len([head for head in proxy.requests if b"list-type=2" in head]) == 1
    assert len(proxy.requests) <= 2  # the first may be one that finds out about the bucket's region


def test_archives_are_folders(tmp_path, bucket: Tree) -> None:
    """Local, and in a bucket. Their members are identified by checksums."""
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
def test_invalid_urls_are_rejected_in_one_line(url: str, message: str) -> None:
    """The message does not contain a password."""
    with pytest.raises(UsageError, match=message) as caught:
        locate(url, {})
    assert "secret" not in str(caught.value)


def test_the_query_of_a_url_is_not_stored(web) -> None:
    """It may be a signature. It is sent to the server."""
    web.files["/aula.mp3"] = b"sound"
    (recording,) = find_recordings([f"{web.url}/aula.mp3?X-Signature=geheim"])
    assert "geheim" not in json.dumps([recording.uri, recording.label, repr(recording), str(recording.path)])
    assert "X-Signature=geheim" in web.queries


def test_links_of_pages_and_feeds_are_found(web) -> None:
    """Links of an index and enclosures of a feed."""
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
def test_a_missing_bucket_is_not_an_empty_folder(servers, kind: str) -> None:
    """Azure's client lists a missing bucket as empty."""
    server = servers(kind)
    with pytest.raises((SourceNotFound, StorageNotReady), match=r"bucket .*does not exist"):
        list(find_recordings([f"{server.url.partition('://')[0]}://nowhere-at-all/x/"], storage=server.options))
