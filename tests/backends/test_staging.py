"""Audio and results in a staging bucket, and recordings that are in a bucket already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.backends.conftest import SPEC, RemoteRunner
from tests.backends.gateway import DROP_AFTER, Gateway
from tests.backends.test_runpod import until
from tests.backends.worker_loop import worker_running
from tests.storage.places import Tree, new, started
from transcribe_cli.errors import StorageNotReady, UsageError
from transcribe_cli.events import RecordingSent
from transcribe_cli.plan import plan
from transcribe_cli.sources import find_recordings
from transcribe_cli.storage import Location, locate
from transcribe_cli.storage.signing import sign_url
from transcribe_cli.worker.handler import Worker


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """An S3 server."""
    with started("s3", tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def bucket(server: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A folder of a bucket; requests are too small for any audio."""
    monkeypatch.setattr("transcribe_cli.backends.runpod.INLINE_BYTES", 1000)
    return new("s3", server, tmp_path)


def test_audio_and_results_are_staged_and_removed(served: Gateway, remote: RemoteRunner, bucket: Tree) -> None:
    assert remote.run(staging=bucket.url, storage=bucket.options, upload="opus").exit_code == 0, remote.messages
    assert bucket.files() == {}
    for job in served.all_jobs():
        assert {"audio_url", "result_url"} <= job.body["input"].keys()
        assert job.output == {"version": 1, "stored": True, "seconds": 0.0}
        assert "X-Amz-Signature" in parse_qs(urlsplit(job.body["input"]["audio_url"]).query)
    assert all(event.bytes > 1000 for event in remote.events if isinstance(event, RecordingSent))


def test_a_staged_result_outlives_the_queue(gateway: Gateway, worker: Worker, remote: RemoteRunner, bucket: Tree) -> None:
    remote.run(detach=True, staging=bucket.url, storage=bucket.options)
    with worker_running(worker, gateway):
        until(lambda: all(job.status == "COMPLETED" for job in gateway.jobs.values()))
    gateway.retention = 0.0
    assert remote.run(staging=bucket.url, storage=bucket.options).exit_code == 0
    assert len(gateway.all_jobs()) == 2
    assert "twice" not in remote.messages
    assert bucket.files() == {}


def test_a_staged_result_outlives_a_lost_answer(served: Gateway, remote: RemoteRunner, bucket: Tree) -> None:
    served.lose = lambda job: True
    assert remote.run(staging=bucket.url, storage=bucket.options).exit_code == 0
    assert [job.starts for job in served.all_jobs()] == [1, 1]


def test_staged_audio_is_removed_when_jobs_cannot_be_sent(gateway: Gateway, remote: RemoteRunner, bucket: Tree) -> None:
    gateway.then["run"].extend([400] * 2 + [DROP_AFTER] * 2)
    assert remote.run(staging=bucket.url, storage=bucket.options, attempts=1).exit_code == 3
    assert bucket.files() == {}


def test_no_signed_url_is_in_any_file(gateway: Gateway, remote: RemoteRunner, bucket: Tree, tmp_path: Path) -> None:
    remote.run(detach=True, staging=bucket.url, storage=bucket.options)
    written = [path for path in (*remote.folder.rglob("*"), *remote.state.rglob("*")) if path.is_file()]
    secrets = [b"X-Amz-Signature", str(bucket.options["s3"]["secret"]).encode()]
    assert len(written) >= 4
    assert not [path for path in written if any(secret in path.read_bytes() for secret in secrets)]
    assert "Signature" not in "".join(str(event.as_record()) for event in remote.events)


def test_the_worker_downloads_a_recording_in_a_bucket_itself(served: Gateway, remote: RemoteRunner, bucket: Tree) -> None:
    bucket.put("um.wav", (remote.folder / "um.wav").read_bytes())
    settings = remote.settings(storage=bucket.options)
    jobs = plan(find_recordings([bucket.url], storage=bucket.options), SPEC, settings)
    assert remote.batch(jobs, SPEC, settings).run().exit_code == 0
    assert set(bucket.files()) == {"um.wav", "um.json", "um.srt", "um.vtt"}
    assert [event.bytes for event in remote.events if isinstance(event, RecordingSent)] == [0]
    assert b"Signature" not in bucket.files()["um.json"]


def test_signed_urls_read_and_write_without_credentials(bucket: Tree) -> None:
    place = bucket.put("dir/a file é.bin", b"content")
    assert isinstance(place, Location)
    assert httpx.get(sign_url(place, 60)).content == b"content"
    assert httpx.put(sign_url(place, 60, put=True), content=b"other").is_success
    assert bucket.files()["dir/a file é.bin"] == b"other"


def test_an_anonymous_bucket_cannot_sign(bucket: Tree) -> None:
    endpoint = bucket.options["s3"]["endpoint_url"]
    place = locate(f"{bucket.url}/a", {"s3": {"endpoint_url": endpoint, "anon": True}})
    with pytest.raises(StorageNotReady, match="no signature"):
        sign_url(place, 60)


@pytest.mark.parametrize("url", ["https://example.org/", "memory://folder"])
def test_only_buckets_can_stage(gateway: Gateway, remote: RemoteRunner, url: str) -> None:
    with pytest.raises(UsageError, match="cannot be the staging bucket"):
        remote.run(staging=url)
    assert not gateway.jobs


def test_a_missing_bucket_is_an_error_before_anything_is_sent(gateway: Gateway, remote: RemoteRunner, bucket: Tree) -> None:
    with pytest.raises(StorageNotReady, match="nowhere"):
        remote.run(staging="s3://nowhere/folder", storage=bucket.options)
    assert not gateway.jobs


def test_the_next_run_removes_what_a_killed_run_staged(
    served: Gateway, remote: RemoteRunner, bucket: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while staging: nothing was sent, so no message mentions paying twice."""
    (remote.folder / "dois.wav").unlink()
    with monkeypatch.context() as patch:
        patch.setattr("transcribe_cli.backends.staging.Staging.remove", lambda self, uri: True)  # as after kill -9
        patch.setattr("transcribe_cli.backends.audio_upload.download_url", _killed)
        with pytest.raises(SystemExit):
            remote.run(staging=bucket.url, storage=bucket.options)
    assert len(bucket.files()) == 1
    assert remote.run(staging=bucket.url, storage=bucket.options).exit_code == 0
    assert bucket.files() == {}
    assert "twice" not in remote.messages


def _killed(*arguments: object, **options: object) -> str:
    raise SystemExit(137)
