"""A secret in a URL that the user passes: signature, path parameter, password. It is sent to its server, and told to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran, spoken
from tests.storage.web import Web
from transcribe_cli.sources import find_recordings
from transcribe_cli.storage import locate
from transcribe_cli.text.credentials import shown_text, shown_url

CANARY = "geheim-9b1c"
Transcribe = Callable[..., Ran]


@pytest.fixture
def web(make_web: Callable[[], Web]) -> Web:
    """A server of recordings, of which some have path parameters in their URLs."""
    server = make_web()
    sound = spoken("Bom dia a todos.")
    paths = ("/a.wav", f"/x;key={CANARY}/b.wav", f"/c.wav;key={CANARY}", f"/p;key={CANARY}/d.wav")
    server.files |= dict.fromkeys(paths, sound)
    page = b'<a href="d.wav">d</a>'
    server.files[f"/p;key={CANARY}/"], server.types[f"/p;key={CANARY}/"] = page, "text/html"
    return server


def sources(web: Web) -> list[str]:
    """A recording of each kind of URL, and one in a page."""
    secret = [
        f"/a.wav?X-Amz-Signature={CANARY}",
        f"/x;key={CANARY}/b.wav",
        f"/c.wav;key={CANARY}?sig={CANARY}",
        f"/p;key={CANARY}/",
    ]
    return [f"{web.url}{path}" for path in secret]


def everything(folder: Path) -> bytes:
    """Names and contents of all files below a folder."""
    return b"\n".join(str(path).encode() + (path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*"))


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_run_tells_no_secret(web: Web, transcribe: Transcribe, tmp_path: Path, log_format: str) -> None:
    """Nor do plan, status and report, nor any file: transcripts, ledger, checkpoints."""
    out, state = tmp_path / "out", tmp_path / "state"
    places = ("--output-dir", out, "--state-dir", state)
    run = transcribe("run", *sources(web), "--model", "demo", "--log-format", log_format, *places)
    assert run.code == 0, run.err
    ran = [
        run,
        transcribe("run", *sources(web), "--model", "demo", *places),
        transcribe("plan", *sources(web), "--json", "--model", "demo", *places),
        transcribe("status", *sources(web), "--json", "--model", "demo", *places),
        transcribe("report", "--json", "--state-dir", state),
    ]
    assert [each.code for each in ran] == [0] * len(ran), [each.err for each in ran]
    assert CANARY not in "".join(each.out + each.err for each in ran)
    assert CANARY.encode() not in everything(out) + everything(state)
    uris = {path.name: json.loads(path.read_text())["source"]["uri"] for path in out.rglob("*.json")}
    assert uris == {
        f"{name}.json": f"{web.url}{place}/{name}.wav" for name, place in zip("abcd", ("", "/x", "", "/p"), strict=True)
    }


def test_a_recording_that_was_transcribed_before_is_done(web: Web, transcribe: Transcribe, tmp_path: Path) -> None:
    """Transcripts of earlier versions have the parameters of its folders in their `source.uri`."""
    command = (f"{web.url}/x;key={CANARY}/b.wav", "--model", "demo", "--output-dir", tmp_path / "out")
    assert transcribe("run", *command).code == 0
    (transcript,) = (tmp_path / "out").rglob("b.json")
    transcript.write_text(transcript.read_text().replace("/x/b.wav", f"/x;key={CANARY}/b.wav"))
    planned = transcribe("plan", *command, "--json")
    assert '"done"' in planned.out
    assert CANARY not in planned.out + planned.err


@pytest.mark.parametrize(
    "url",
    [
        "{web}/gone.wav?sig={canary}",
        "{web}/gone;key={canary}/x.wav",
        "{web}/gone.wav;key={canary}",
        "http://ana:{canary}@127.0.0.1:9/x.wav",
        "http://ana:{canary}/x@127.0.0.1:9/x.wav",
        "http://127.0.0.1:{canary}/x.wav",
        "http://127.0.0.1:9/x.wav;key={canary}?sig={canary}#{canary}",
        "http://[::1/x.wav?sig={canary}",
        "http:/127.0.0.1/x.wav?sig={canary}",
        "ftp://ana:{canary}@127.0.0.1/x.wav;key={canary}?{canary}",
        "@{web}/list?sig={canary}",
        "@{web}/gone?sig={canary}",
        "@{web}/l;key={canary}/list",
        "{web}/l;key={canary}/m.jsonl",
        "zip://::{web}/gone.zip?sig={canary}",
        "zip://a.wav::{web}/z;key={canary}/gone.zip",
        "zip://::zip://::zip://::zip://::{web}/gone.zip;key={canary}?sig={canary}",
        "s3://AKIA:{canary}@bucket/x.wav",
    ],
)
def test_an_error_tells_no_secret(web: Web, transcribe: Transcribe, tmp_path: Path, url: str) -> None:
    """Also with a traceback, and in the lines of a list that name no recording."""
    lines = f"gone.wav\n{web.url}/gone.wav?sig={CANARY}\nhttp://u:{CANARY}@h/x\n".encode()
    web.files |= {"/list": lines, f"/l;key={CANARY}/list": lines}
    web.files[f"/l;key={CANARY}/m.jsonl"] = b'{"uri": "gone.wav"}\n{"uri": 1}\n'
    source = url.replace("{web}", web.url).replace("{canary}", CANARY)
    for command in (("plan",), ("run", "--model", "demo", "--log-format", "json", "--state-dir", tmp_path / "state")):
        ran = transcribe(*command, source, "--output-dir", tmp_path / "out", env={"TRANSCRIBE_DEBUG": "1"})
        assert ran.code != 0 or command == ("plan",), ran
        assert CANARY not in ran.out + ran.err
    assert CANARY.encode() not in everything(tmp_path / "out") + everything(tmp_path / "state")


@pytest.mark.parametrize(
    "url",
    [
        "https://h/a.mp3",
        "http://h:8080/@ana/a;b.mp3",
        "http://[::1]:80/a%3Fb=c.mp3",
        "https://archive/web/https://h/a.mp3",
        "s3://b/a;b=c.mp3",
        "s3://b/a?b=c#d@e.mp3",
        "abfs://container@account/a.mp3",
        "sftp://ana@host:22/a;b=c.mp3",
        "zip://10:30/x@y;b=c.mp3::s3://b/a?b=c.zip",
        "file:///aulas/a;b=c.mp3",
        "aulas/a?b=c;d=e.mp3",
        "ana:x@y.mp3",
    ],
)
def test_what_holds_no_secret_is_unchanged(url: str) -> None:
    """The done test compares it with transcripts that exist."""
    assert shown_url(url) == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h:1/a;k=p/b;k=p.mp3;k=p?p#p", "https://h:1/a/b"),
        ("https://token@h/a", "https://h/a"),
        ("https://u:p%40h/a", "https://h/a"),
        ("https://u:p/p@h/a?x", "https://h/a"),
        ("https://h/a?next=https://u:p@h/x?p", "https://h/a"),
        ("s3://u:p@b/a?b=c", "s3://b/a?b=c"),
        ("sftp://u:p@h/a", "sftp://h/a"),
        ("zip://x::https://u:p@h/a;k=p?p", "zip://x::https://h/a"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    """It is shown the same again."""
    assert shown_url(url) == shown
    assert shown_url(shown) == shown


def test_what_is_shown_of_a_text() -> None:
    """The words after a URL stay."""
    text = "GET https://u:p@h/a;k=p?k=p#p failed, see (http://h/b) and /x?sig=p: why? a=b"
    assert shown_text(text) == "GET https://h/a?… failed, see (http://h/b) and /x?… why? a=b"


def test_the_server_gets_what_is_not_shown(web: Web) -> None:
    """A worker that downloads the recording itself, too."""
    (recording,) = find_recordings([f"{web.url}/x;key={CANARY}/b.wav?sig={CANARY}"])
    assert web.asked[-1][1] == f"/x;key={CANARY}/b.wav"
    assert f"sig={CANARY}" in web.queries
    location = locate(f"{web.url}/x;key={CANARY}/b.wav?sig={CANARY}", {})
    assert location.address == f"{web.url}/x;key={CANARY}/b.wav?sig={CANARY}"
    assert CANARY not in recording.uri + recording.label + repr(location) + str(location)
