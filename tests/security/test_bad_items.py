"""One bad item never ends a run.

The attacker fills the folder, list, page, feed or bucket that a run works on. They can put any bytes into any file of it and give any
answer from their own server. They want the recordings of everybody else to stay without transcripts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.cli.recordings import SHORT
from tests.conftest import Ran, spoken
from tests.storage.web import Web
from tests.transcripts import transcript_of
from transcribe_cli.plan import Decision, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import read_header
from transcribe_cli.sources import Recording, find_recordings
from transcribe_cli.spec import JobSpec

NUMBERS = [
    "1e999",
    "-1e999",
    "1e308",
    "NaN",
    "Infinity",
    "-1",
    "9" * 5000,
    "9" * 4000,
    "1" + "0" * 400,
    "0.5",
    '"1"',
    "null",
    "true",
    "[]",
    "{}",
]
URLS = [
    "http://[::1/a.mp3",
    "http://[::1%eth0]:x/a.mp3",
    "http://[v1.x]/a.mp3",
    "https://me:secret@host/a.mp3",
    "http://me@host/a.mp3",
    "http://host:99999999/a.mp3",
    "http://host:x/a.mp3",
    "http:///a.mp3",
    "http://" + "a" * 300 + "/a.mp3",
    "http://a..b/a.mp3",
    "http://127.0.0.1:1/a.mp3",
    "http://127.0.0.1:0/a.mp3",
    "http://\u2100.example/a.mp3",
]
LINES = [
    *URLS,
    "sftp://h:99999999/a.mp3",
    "sftp://h:-1/a.mp3",
    "sftp://[::1/a.mp3",
    "sftp://h:/x:y/a.mp3",
    "zip://a::zip://b::zip://c",
    "zip://a.mp3::" * 2000 + "x.zip",
    "zip://::nowhere.zip",
    "zip://::.",
    "zip://::notes.txt",
    "tar://::notes.txt",
    "zip://a::simplecache::http://127.0.0.1:1/x.zip",
    "zip://a::memory://nothing.zip",
    "zip://",
    "s3://",
    "s3:///x",
    "ftp://h/a.mp3",
    "x" * 5000,
    "a/" * 3000,
    "\0.mp3",
    "file://elsewhere/a.mp3",
    "file:///%00.mp3",
    "http://127.0.0.1:1/[z-a].mp3",
    "memory://[z-a]*.mp3",
]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A recording that everybody else needs."""
    path = tmp_path / "good.mp3"
    path.write_bytes(b"sound")
    return path


def transcript_text(path: Path) -> str:
    """A transcript beside the recording, as a run writes it."""
    (recording,) = find_recordings([str(path)])
    return transcript_of(recording, JobSpec(model="small")).dumps()


# transcripts


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("key", ["size", "duration", "schema_version", "segments", "language_probability"])
def test_a_transcript_with_any_number_fails_alone(key: str, number: str, good: Path) -> None:
    """In its header and behind it: `plan` decides about the others."""
    bad = good.with_name("bad.mp3")
    bad.write_bytes(b"sound")
    written = json.loads(transcript_text(bad))
    (written["source"] if key == "size" else written)[key] = "NUMBER"
    bad.with_suffix(".json").write_text(json.dumps(written).replace('"NUMBER"', number).replace('{"schema', '{"schema', 1))
    jobs = {job.recording.name: job for job in plan(find_recordings([str(good.parent)]), JobSpec(model="small"), Settings())}
    assert jobs["good.mp3"].decision is Decision.TRANSCRIBE
    assert jobs["bad.mp3"].decision in (Decision.FAIL, Decision.TRANSCRIBE, Decision.DONE, Decision.RENDER)


@pytest.mark.parametrize(
    "uri", ["http://[::1/", "file://[x/a", "file:///" + "a" * 5000, "file:///%00", "\\ud800", 5, None, ["x"], {}]
)
@pytest.mark.parametrize("key", ["uri", "name", "etag", "modified"])
def test_a_transcript_of_a_source_with_any_text_fails_alone(key: str, uri: object, good: Path) -> None:
    """Its URI is compared with that of the recording."""
    written = json.loads(transcript_text(good))
    written["source"][key] = uri
    good.with_suffix(".json").write_text(json.dumps(written, indent=None).replace("\\\\ud800", "\\ud800"))
    (job,) = plan(find_recordings([str(good)]), JobSpec(model="small"), Settings())
    assert isinstance(job.reason, str)


@pytest.mark.parametrize(
    "spec", [{"model": 1e308}, {"x": [[[]]]}, {"language": ["a"]}, {"temperature": "9" * 5000}, {"model": {}}, {"a": None}]
)
def test_a_transcript_with_any_spec_fails_alone(spec: dict[str, object], good: Path) -> None:
    """The reason in the plan quotes its values."""
    written = json.loads(transcript_text(good))
    written["job"] |= {"spec": spec, "fingerprint": "0"}
    good.with_suffix(".json").write_text(json.dumps(written))
    (job,) = plan(find_recordings([str(good)]), JobSpec(model="small"), Settings())
    assert job.reason


def test_render_reports_a_transcript_with_absurd_times(good: Path, transcribe: Callable[..., Ran]) -> None:
    """The others are rendered; one line, no traceback."""
    for number, start in enumerate(("0.0", "1e308", "1e999", "-5.0")):
        path = good.with_name(f"{number}.mp3")
        path.write_bytes(b"sound")
        path.with_suffix(".json").write_text(transcript_text(path).replace('"start": 0.0', f'"start": {start}'))
    ran = transcribe("render", good.parent, "-f", "srt,vtt,txt,docx,html,csv,textgrid")
    assert "Unexpected" not in ran.err
    assert "Traceback" not in ran.err
    assert good.with_name("0.srt").exists()
    assert not good.with_name("1.srt").exists()


# lists, manifests, pages


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:40].encode("unicode_escape").decode())
def test_a_bad_line_of_a_list_fails_alone(line: str, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recordings before and after it are found, and the plan has one line for it."""
    monkeypatch.chdir(good.parent)
    good.with_name("notes.txt").write_text("no archive")
    other = good.with_name("z.mp3")
    other.write_bytes(b"sound")
    for name, data in (
        ("all.jsonl", "\n".join(json.dumps({"uri": uri}) for uri in ("good.mp3", line, "z.mp3"))),
        ("list", "good.mp3\n" + line.replace("\0", "%00") + "\nz.mp3"),
    ):
        good.with_name(name).write_text(data)
        source = name if name.endswith(".jsonl") else f"@{name}"
        first, bad, last = plan(find_recordings([source]), JobSpec(model="small"), Settings())
        assert (first.recording.name, first.decision) == ("good.mp3", Decision.TRANSCRIBE)
        assert (last.recording.name, last.decision) == ("z.mp3", Decision.TRANSCRIBE)
        assert bad.decision is Decision.FAIL
        assert "\n" not in str(bad.error)
        assert "secret" not in str(bad.error)


@pytest.mark.parametrize("url", URLS, ids=lambda url: url[:40].encode("unicode_escape").decode())
def test_a_bad_link_on_a_page_fails_alone(url: str, web: Web) -> None:
    """As a link, and as the enclosure of a feed."""
    web.files |= {"/good.mp3": b"sound", "/p/": f'<a href="/good.mp3">1</a><a href="{url}">2</a>'.encode()}
    web.files["/feed"] = f'<rss><enclosure url="{url}"/><enclosure url="{web.url}/good.mp3"/></rss>'.encode()
    web.types |= {"/p/": "text/html", "/feed": "application/rss+xml"}
    for page in ("/p/", "/feed"):
        problems = {found.name: found.problem for found in find_recordings([f"{web.url}{page}"])}
        assert problems.pop("good.mp3") is None
        (problem,) = problems.values()
        assert problem is not None
        assert "secret" not in str(problem)


@pytest.mark.parametrize("code", [403, 404, 410, 500, 302])
def test_a_link_that_a_server_refuses_fails_alone(code: int, web: Web) -> None:
    """Whatever it answers."""
    web.files |= {"/good.mp3": b"sound", "/p/": b'<a href="/good.mp3">1</a><a href="/bad.mp3">2</a>'}
    web.types["/p/"] = "text/html"

    def refuse(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.send_header("Location", "http://[::1/")
        handler.end_headers()

    web.answers["/bad.mp3"] = refuse
    problems = {found.name: found.problem for found in find_recordings([f"{web.url}/p/"])}
    assert problems["good.mp3"] is None
    assert problems["bad.mp3"] is not None


@pytest.mark.parametrize(
    "page", [b"<![x", b"<!" + b"[" * 100, b"<a href='&#" + b"9" * 5000 + b";.mp3'>", b"<!ENTITY", b"<?" * 50, b"\xff" * 50]
)
def test_a_broken_page_is_one_line(page: bytes, web: Web) -> None:
    """The links before the break are found, or the page is refused."""
    web.files |= {"/good.mp3": b"sound", "/p/": b'<a href="/good.mp3">1</a>' + page}
    web.types["/p/"] = "text/html"
    good = next(found for found in find_recordings([f"{web.url}/p/"]))
    assert good.name == "good.mp3"


# the whole program


def test_a_run_over_all_of_them_transcribes_the_rest(tmp_path: Path, transcribe: Callable[..., Ran]) -> None:
    """Exit code 3, one line for each bad item."""
    (tmp_path / "a.wav").write_bytes(spoken(SHORT))
    (tmp_path / "b.wav").write_bytes(spoken(SHORT))
    (tmp_path / "b.json").write_text(
        '{"schema_version": 1, "source": {"name": "b.wav", "uri": "x", "size": 1e999}, "language": 1}'
    )
    lines = ["a.wav", "b.wav", "sftp://h:99999999/x.mp3", "zip://a::zip://b::zip://c", "http://[::1/a.mp3"]
    (tmp_path / "all.jsonl").write_text("\n".join(json.dumps({"uri": line}) for line in lines) + "\nno json")
    ran = transcribe("run", "all.jsonl", "--model", "demo")
    assert ran.code == 3
    assert (tmp_path / "a.srt").exists()
    assert read_header(tmp_path / "a.json") is not None
    for number in (3, 4, 5, 6):
        assert len([line for line in ran.err.splitlines() if f"all.jsonl, line {number}" in line]) == 1, ran.err
    assert "Unexpected" not in ran.err


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server."""
    server = Web()
    yield server
    server.close()


def test_a_header_in_memory_has_the_range_of_one_in_a_file(good: Path) -> None:
    """What a run writes can be read again."""
    (recording,) = find_recordings([str(good)])
    assert isinstance(recording, Recording)
    good.with_suffix(".json").write_text(transcript_text(good))
    header = read_header(good.with_suffix(".json"))
    assert header is not None
    assert header.identity == recording.identity
