"""Whatever is wrong with a store is one line with its hint, soon, and without a secret."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran
from tests.storage.places import KEY, SECRET, Tree, free_port, without_credentials
from tests.storage.sftp import PASSWORD, USER
from transcribe_cli.errors import NotReady, SourceNotFound, StorageNotReady, TranscribeError
from transcribe_cli.plan import check_writable, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import connect

SECONDS = 60.0


def error_of(url: str, options: dict) -> TranscribeError:
    """The error of a source."""
    began = time.monotonic()
    with pytest.raises(TranscribeError) as caught:
        list(find_recordings([url], storage=options))
    assert time.monotonic() - began < SECONDS
    line = str(caught.value)
    assert "\n" not in line
    assert not any(secret in line for secret in (KEY, SECRET, PASSWORD, "Signature", "X-Amz"))
    return caught.value


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove credentials from the environment."""
    for name in set(__import__("os").environ) - set(without_credentials()):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("changed", "message", "hint"),
    [
        ({"key": None, "secret": None}, "no credentials were found", "AWS_PROFILE"),
        ({"profile": "nobody", "key": None, "secret": None}, "the profile does not exist", "AWS_PROFILE"),
        ({"endpoint_url": "nowhere"}, "cannot be reached", "endpoint_url"),
        ({"endpoint_url": "tls"}, "cannot be reached", "endpoint_url"),
        ({"config_kwargs": {"nonsense": 1}}, "cannot be used", ""),
    ],
)
def test_errors_of_s3(bucket: Tree, changed: dict, message: str, hint: str) -> None:
    """Exit code 4, and a hint with the setting."""
    options = dict(bucket.options["s3"])
    places = {"nowhere": f"http://127.0.0.1:{free_port()}", "tls": options["endpoint_url"].replace("http:", "https:")}
    options |= {name: places.get(value, value) if isinstance(value, str) else value for name, value in changed.items()}
    options = {name: value for name, value in options.items() if value is not None}
    error = error_of(f"{bucket.url}/x/", {"s3": options})
    assert isinstance(error, NotReady)
    assert error.exit_code == 4
    assert message in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "denies access"), (503, "overloaded or failing"), (400, "cannot be used")],
)
def test_errors_by_http_status(proxied, status: int, message: str) -> None:
    """Some stores return only the status code."""
    tree, proxy = proxied
    proxy.breaking = lambda number, head: ("status", status)
    error = error_of(f"{tree.url}/x/", dict(tree.options))
    assert isinstance(error, StorageNotReady)
    assert message in error.message


def test_errors_of_http(web) -> None:
    """The fsspec client raises FileNotFoundError for all of these."""

    def refused(request) -> None:
        request.send_response(403)
        request.send_header("Content-Length", "0")
        request.end_headers()

    web.answers["/closed.mp3"] = refused
    assert "denies access (403)" in error_of(f"{web.url}/closed.mp3?sig=X-Amz-1", {}).message
    assert "cannot be reached" in error_of(f"http://127.0.0.1:{free_port()}/x.mp3", {}).message
    assert isinstance(error_of(f"{web.url}/gone.mp3", {}), SourceNotFound)


def test_errors_of_sftp(servers, tmp_path: Path) -> None:
    """A wrong password, an unknown host key, a server that is down."""
    server = servers("sftp")
    options = dict(server.options["sftp"])
    assert "were rejected" in error_of(f"{server.url}/", {"sftp": {**options, "password": "wrong"}}).message
    unknown = error_of(f"{server.url}/", {"sftp": {**options, "known_hosts": str(tmp_path / "none")}})
    assert "known_hosts" in unknown.message
    assert "cannot be reached" in error_of(f"sftp://{USER}@127.0.0.1:{free_port()}/x/", {"sftp": options}).message


def test_a_missing_library_names_its_extra(tmp_path: Path) -> None:
    """Exit code 4 and the pip command."""
    for url, library, extra in [("s3://b/x", "s3fs", "s3"), ("gs://b/x", "gcsfs", "gcs"), ("sftp://h/x", "paramiko", "ssh")]:
        code = f"import sys; sys.modules[{library!r}] = None; from transcribe_cli.cli import main; main(['plan', {url!r}])"
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
        assert ran.returncode == 4
        assert f"pip install 'transcribe-cli[{extra}]'" in ran.stderr
        assert len(ran.stderr.splitlines()) == 1


def test_an_unwritable_output_folder_is_detected_before_the_run(bucket: Tree, web, proxied, tmp_path) -> None:
    """A missing bucket, one without write access, and storage that is read-only."""
    bucket.put("x.mp3", b"sound")
    web.files["/x.mp3"] = b"sound"
    tree, proxy = proxied
    proxy.breaking = lambda number, head: ("status", 403) if head.startswith(b"PUT") else None
    for source, output, message in [
        (bucket.url, "s3://nowhere-at-all/out", "bucket does not exist"),
        (f"{web.url}/x.mp3", None, "cannot be written to"),
        (tree.url, None, "denies access"),
    ]:
        options = tree.options if source == tree.url else bucket.options
        settings = Settings(storage=options, output_dir=output)
        with pytest.raises(StorageNotReady, match=message):
            check_writable(plan(find_recordings([source], storage=options), JobSpec(), settings))


def test_keys_in_a_file_that_others_can_read_are_rejected_and_never_shown(transcribe: Callable[..., Ran], tmp_path: Path) -> None:
    """`config show` prints stars."""
    file = tmp_path / "transcribe.toml"
    file.write_text(f'[storage.s3]\nkey = "{KEY}"\nsecret = "{SECRET}"\nanon = false\n')
    file.chmod(0o644)
    ran = transcribe("config", "show", "--config", file)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "chmod 600" in ran.err
    found = transcribe("config", "show")  # its keys are ignored, so they end nothing
    assert (found.code, len(found.err.splitlines())) == (0, 1)
    assert "chmod 600" in found.err
    assert SECRET not in ran.err + found.out + found.err
    file.chmod(0o600)
    ran = transcribe("config", "show", "--config", file)
    assert ran.code == 0
    assert '"key": "***"' in ran.out
    assert SECRET not in ran.out + ran.err
    file.write_text("[storage.s4]\nanon = true\n")
    assert "unknown storage 's4'" in transcribe("config", "show", "--config", file).err


def test_an_exception_being_handled_is_not_the_cause_of_an_error(remote: Tree) -> None:
    """Python chains it to new exceptions. A FileExistsError being handled must not hide that the file is missing."""
    place = remote.at("a.mp3")
    try:
        raise FileExistsError
    except FileExistsError:
        assert place.store.exists(place) is False
        with pytest.raises(FileNotFoundError):
            place.store.read(place)


def test_stores_are_reused_for_the_same_options(bucket: Tree) -> None:
    """Other options connect anew."""
    one, same = connect.locate(bucket.url, bucket.options), connect.locate(f"{bucket.url}/x", bucket.options)
    assert one.store is same.store
    assert connect.locate(bucket.url, {"s3": {"anon": True}}).store is not one.store
