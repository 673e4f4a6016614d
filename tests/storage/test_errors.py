"""Whatever is wrong with a store is one line with its cure, soon, and without a secret."""

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


def trouble(url: str, options: dict) -> TranscribeError:
    """What is said of a source."""
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
    """Nobody's credentials."""
    for name in set(__import__("os").environ) - set(without_credentials()):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("changed", "message", "cure"),
    [
        ({"key": None, "secret": None}, "no credentials were found", "AWS_PROFILE"),
        ({"profile": "nobody", "key": None, "secret": None}, "there is no such profile", "AWS_PROFILE"),
        ({"endpoint_url": "nowhere"}, "cannot be reached", "endpoint_url"),
        ({"endpoint_url": "tls"}, "cannot be reached", "endpoint_url"),
        ({"config_kwargs": {"nonsense": 1}}, "cannot be used", ""),
    ],
)
def test_s3_that_cannot_be_used(bucket: Tree, changed: dict, message: str, cure: str) -> None:
    """Exit code 4, with what to set."""
    options = dict(bucket.options["s3"])
    places = {"nowhere": f"http://127.0.0.1:{free_port()}", "tls": options["endpoint_url"].replace("http:", "https:")}
    options |= {name: places.get(value, value) if isinstance(value, str) else value for name, value in changed.items()}
    options = {name: value for name, value in options.items() if value is not None}
    error = trouble(f"{bucket.url}/x/", {"s3": options})
    assert isinstance(error, NotReady)
    assert error.exit_code == 4
    assert message in error.message
    assert cure in error.hint


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "denies access"), (503, "overloaded or failing"), (400, "cannot be used")],
)
def test_answers_of_a_store(proxied, status: int, message: str) -> None:
    """By their numbers, since some stores say nothing else."""
    tree, proxy = proxied
    proxy.breaking = lambda number, head: ("status", status)
    error = trouble(f"{tree.url}/x/", dict(tree.options))
    assert isinstance(error, StorageNotReady)
    assert message in error.message


def test_http_that_cannot_be_used(web) -> None:
    """Fsspec says FileNotFoundError to all of these."""

    def refused(request) -> None:
        request.send_response(403)
        request.send_header("Content-Length", "0")
        request.end_headers()

    web.answers["/closed.mp3"] = refused
    assert "denies access (403)" in trouble(f"{web.url}/closed.mp3?sig=X-Amz-1", {}).message
    assert "cannot be reached" in trouble(f"http://127.0.0.1:{free_port()}/x.mp3", {}).message
    assert isinstance(trouble(f"{web.url}/gone.mp3", {}), SourceNotFound)


def test_sftp_that_cannot_be_used(servers, tmp_path: Path) -> None:
    """A wrong password; a server that is not known, or not there."""
    server = servers("sftp")
    options = dict(server.options["sftp"])
    assert "were rejected" in trouble(f"{server.url}/", {"sftp": {**options, "password": "wrong"}}).message
    unknown = trouble(f"{server.url}/", {"sftp": {**options, "known_hosts": str(tmp_path / "none")}})
    assert "known_hosts" in unknown.message
    assert "cannot be reached" in trouble(f"sftp://{USER}@127.0.0.1:{free_port()}/x/", {"sftp": options}).message


def test_a_missing_library_names_its_extra(tmp_path: Path) -> None:
    """Exit code 4 and the pip command."""
    for url, library, extra in [("s3://b/x", "s3fs", "s3"), ("gs://b/x", "gcsfs", "gcs"), ("sftp://h/x", "paramiko", "ssh")]:
        code = f"import sys; sys.modules[{library!r}] = None; from transcribe_cli.cli import main; main(['plan', {url!r}])"
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
        assert ran.returncode == 4
        assert f"pip install 'transcribe-cli[{extra}]'" in ran.stderr
        assert len(ran.stderr.splitlines()) == 1


def test_an_output_folder_that_takes_nothing_is_found_out_before_the_first_hour(bucket: Tree, web, proxied, tmp_path) -> None:
    """A bucket that is not there or may not be written to, and what cannot be written to at all."""
    bucket.put("x.mp3", b"sound")
    web.files["/x.mp3"] = b"sound"
    tree, proxy = proxied
    proxy.breaking = lambda number, head: ("status", 403) if head.startswith(b"PUT") else None
    for source, output, message in [
        (bucket.url, "s3://nowhere-at-all/out", "no such bucket"),
        (f"{web.url}/x.mp3", None, "cannot be written to"),
        (tree.url, None, "denies access"),
    ]:
        options = tree.options if source == tree.url else bucket.options
        settings = Settings(storage=options, output_dir=output)
        with pytest.raises(StorageNotReady, match=message):
            check_writable(plan(find_recordings([source], storage=options), JobSpec(), settings))


def test_keys_in_a_file_that_others_can_read_are_refused_and_never_shown(transcribe: Callable[..., Ran], tmp_path: Path) -> None:
    """`config show` has stars."""
    file = tmp_path / "transcribe.toml"
    file.write_text(f'[storage.s3]\nkey = "{KEY}"\nsecret = "{SECRET}"\nanon = false\n')
    file.chmod(0o644)
    ran = transcribe("config", "show")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "chmod 600" in ran.err
    file.chmod(0o600)
    ran = transcribe("config", "show")
    assert ran.code == 0
    assert '"key": "***"' in ran.out
    assert SECRET not in ran.out + ran.err
    file.write_text("[storage.s4]\nanon = true\n")
    assert "there is no storage called 's4'" in transcribe("config", "show").err


def test_what_is_handled_around_a_question_is_not_its_answer(remote: Tree) -> None:
    """Python chains it to whatever is raised meanwhile: a lease that was there and is gone is gone."""
    place = remote.at("a.mp3")
    try:
        raise FileExistsError
    except FileExistsError:
        assert place.store.exists(place) is False
        with pytest.raises(FileNotFoundError):
            place.store.read(place)


def test_stores_are_connected_once_for_the_same_settings(bucket: Tree) -> None:
    """And anew for others."""
    one, same = connect.locate(bucket.url, bucket.options), connect.locate(f"{bucket.url}/x", bucket.options)
    assert one.store is same.store
    assert connect.locate(bucket.url, {"s3": {"anon": True}}).store is not one.store
