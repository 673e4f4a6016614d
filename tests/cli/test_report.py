"""`transcribe report`, and what runs record in the ledger."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

import pytest

from tests.cli.recordings import SHORT, check_harmless
from tests.cli.test_bad_input import without_privileges
from tests.conftest import Ran, command, environment, spoken
from tests.ledger.runs import RUN_START, doubtful_run, sqlite, whole_run, write
from transcribe_cli.ledger.database import Database

Transcribe = Callable[..., Ran]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One recording that can be transcribed, and one that cannot."""
    folder = tmp_path / "aulas"
    folder.mkdir()
    (folder / "a.wav").write_bytes(spoken(SHORT))
    (folder / "<b>.mp3").write_text("hello")
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder for the test."""
    return tmp_path / "state"


def test_a_report_lists_runs_and_failures(tree: Path, state: Path, transcribe: Transcribe) -> None:
    """As text and as JSON; a run with nothing new to do has a row only because a recording fails again."""
    for _ in range(2):
        assert transcribe("run", tree, "--model", "demo", "--state-dir", state, "--price-per-hour", "1").code == 3
    text = transcribe("report", "--state-dir", state)
    assert text.code == 0
    assert "2 runs, " in text.out
    assert "2 failures:" in text.out
    assert "<b>.mp3 is not a supported audio" in text.out
    document = json.loads(transcribe("report", "--state-dir", state, "--json").out)
    first, second = document["runs"]
    assert (first["transcribed"], first["failed"], first["exit_code"]) == (1, 1, 3)
    assert first["sources"] == [str(tree)]
    assert (first["model"], first["device"], first["backend"]) == ("demo", "cpu/int8", "local")
    assert first["rtfx"] > 0
    assert (second["transcribed"], second["audio_seconds"]) == (0, 0.0)
    assert document["totals"]["cost"] == pytest.approx(first["cost"] + second["cost"], abs=1e-6)
    assert [job["error_code"] for job in document["failed"]] == ["not_audio", "not_audio"]
    assert [job["uri"].startswith("file:///") for job in document["failed"]] == [True, True]


def test_the_html_page_is_complete_and_escaped(tree: Path, state: Path, transcribe: Transcribe) -> None:
    """A recording called <b> is not bold."""

    class Tags(HTMLParser):
        seen: ClassVar[set[str]] = set()

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.seen.add(tag)

    transcribe("run", tree, "--model", "demo", "--state-dir", state)
    page = transcribe("report", "--state-dir", state, "--html").out
    parser = Tags()
    parser.feed(page)
    assert page.startswith("<!doctype html>")
    assert parser.seen == {"html", "meta", "title", "style", "h1", "h2", "p", "table", "tr", "th", "td"}
    assert "&lt;b&gt;.mp3 is not a supported audio" in page


def test_a_report_has_the_doubtful_transcripts(state: Path, transcribe: Transcribe) -> None:
    """Counted for each run and in total, with reasons and places; escaped in text and HTML."""
    database = Database(sqlite(state))
    write(database, doubtful_run())
    write(database, whole_run(), start=RUN_START + timedelta(days=1))
    database.close()
    lines = check_harmless(transcribe("report", "--state-dir", state).out.encode()).splitlines()
    column = lines[0].index("to check")
    assert [line[column : column + 8].strip() for line in lines[1:3]] == ["1, 1 bad", "0"]
    assert lines[4].endswith("0 failed, 1 to check, 1 bad.")
    assert lines[6] == "1 to check, 1 bad:"
    assert lines[7].endswith("  check.mp3  check: Loops (0:02-0:03)")
    assert "  bad.mp3  BAD: Loops" in lines[8]
    document = json.loads(transcribe("report", "--state-dir", state, "--json").out)
    assert [run["verdicts"] for run in document["runs"]] == [{"check": 1, "bad": 1}, {"check": 0, "bad": 0}]
    assert document["totals"]["verdicts"] == {"check": 1, "bad": 1}
    assert [(job["recording"], job["reasons"][0]["level"]) for job in document["doubtful"]] == [
        ("check.mp3", "check"),
        ("bad.mp3", "bad"),
    ]
    page = transcribe("report", "--state-dir", state, "--html").out
    assert "<h2>To check</h2>" in page
    assert "<td>check: Loops (0:02-0:03)</td>" in page
    assert "<script>" not in page
    assert "topsecret" not in page


def test_runs_can_be_chosen(tree: Path, state: Path, transcribe: Transcribe) -> None:
    """By date and by number; anything else is rejected."""
    for _ in range(3):
        transcribe("run", tree, "--model", "demo", "--state-dir", state)
    assert "1 run, " in transcribe("report", "--state-dir", state, "--last", "1").out
    assert "3 runs, " in transcribe("report", "--state-dir", state, "--since", "1d").out
    assert "no matching runs" in transcribe("report", "--state-dir", state, "--since", "2999-01-01").out
    assert "no matching runs" in transcribe("report", "--state-dir", state, "--since", "2999-01-01", "--html").out
    for wrong in ("yesterday", "xd", "1e999d"):
        ran = transcribe("report", "--state-dir", state, "--since", wrong)
        assert ran.code == 2
        assert "2026-11-01" in ran.err
    assert transcribe("report", "--json", "--html").code == 2


def test_an_empty_ledger_has_no_runs(state: Path, transcribe: Transcribe) -> None:
    """And the command does not create one."""
    ran = transcribe("report", "--state-dir", state)
    assert (ran.code, state.exists()) == (0, False)
    assert "no matching runs" in ran.out
    assert json.loads(transcribe("report", "--state-dir", state, "--json").out)["totals"]["runs"] == 0


def test_a_run_may_be_kept_out_of_the_ledger(tree: Path, state: Path, transcribe: Transcribe) -> None:
    """With --no-ledger or the configuration; --ledger takes precedence."""
    (tree.parent / "transcribe.toml").write_text("ledger = false\n")
    transcribe("run", tree, "--model", "demo", "--state-dir", state)
    assert not (state / "ledger.db").exists()
    transcribe("run", tree, "--model", "demo", "--state-dir", state, "--overwrite", "--ledger")
    assert (state / "ledger.db").exists()
    transcribe("run", tree, "--model", "demo", "--state-dir", state, "--overwrite", "--ledger", "--no-ledger")
    assert "1 run, " in transcribe("report", "--state-dir", state).out


def test_sqlalchemy_is_not_imported_where_it_is_not_needed(tree: Path, state: Path) -> None:
    """For --help, a run without a ledger, and a run with nothing to do."""
    (tree / "<b>.mp3").unlink()
    for arguments in (["--help"], ["run", tree, "--model", "demo", "--no-ledger"], ["run", tree, "--model", "demo"]):
        line = [*command([*arguments, *(["--state-dir", state] if tree in arguments else [])])]
        line[1:1] = ["-X", "importtime"]
        ran = subprocess.run(line, env=environment(), capture_output=True, check=True)
        assert b"transcribe_cli" in ran.stderr
        assert b"sqlalchemy" not in ran.stderr
    assert not (state / "ledger.db").exists()


@pytest.mark.parametrize("broken", ["text", "folder", "newer", "locked", "read-only", "full"])
def test_a_broken_ledger_is_one_line_and_the_run_continues(tree: Path, state: Path, transcribe: Transcribe, broken: str) -> None:
    """Exit code and outputs are not affected."""
    (tree / "<b>.mp3").unlink()
    transcribe("run", tree, "--model", "demo", "--state-dir", state)
    for path in tree.glob("a.[jsv]*"):
        path.unlink()
    ledger, url = state / "ledger.db", f"sqlite:///{state / 'ledger.db'}"
    connection = sqlite3.connect(ledger, isolation_level=None)
    before = connection.execute("select count(*) from runs").fetchone()
    match broken:
        case "text":
            ledger.write_text("these are my notes" * 999)
        case "folder":
            ledger.unlink()
            ledger.mkdir()
        case "newer":
            connection.execute("update ledger_schema set version = 99")
        case "locked":
            connection.execute("begin immediate")
        case "read-only":
            url = f"sqlite:///file:{ledger}?mode=ro&uri=true"
        case "full":
            url = "sqlite:////dev/full"
    ran = transcribe("run", tree, "--model", "demo", "--state-dir", state, "--ledger-url", url)
    assert ran.code == 0
    assert {path.name for path in tree.iterdir()} == {"a.wav", "a.json", "a.srt", "a.vtt"}
    warnings = [line for line in ran.err.splitlines() if line.startswith("Warning:")]
    assert len(warnings) == 1
    assert "ledger" in warnings[0]
    assert "Traceback" not in ran.err
    if broken in ("newer", "read-only"):
        assert connection.execute("select count(*) from runs").fetchone() == before
    connection.close()
    if broken in ("text", "folder", "newer"):
        report = transcribe("report", "--state-dir", state)
        assert report.code == 4
        assert "ledger" in report.err


def test_a_state_folder_that_cannot_be_written_is_one_line(tree: Path, state: Path) -> None:
    """For example that of another user."""
    (tree / "<b>.mp3").unlink()
    state.mkdir()
    state.chmod(0o555)
    arguments = without_privileges(["run", tree, "--model", "demo", "--state-dir", state])
    ran = subprocess.run(arguments, env=environment(), capture_output=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.decode().count("Warning: The ledger") == 1


def test_no_secret_of_the_configuration_is_in_the_ledger(tree: Path, state: Path, transcribe: Transcribe) -> None:
    """For every secret setting; error messages do not contain the password in the ledger's URL either."""
    transcribe("run", tree, "--model", "demo", "--state-dir", state, "--hf-token", "hf_topsecret")
    assert b"topsecret" not in (state / "ledger.db").read_bytes()
    url = "postgresql+psycopg://me:topsecret@127.0.0.1:9/db"
    ran = transcribe("run", tree, "--model", "demo", "--state-dir", state, "--ledger-url", url, "--overwrite")
    assert "Warning: The ledger" in ran.err
    assert "topsecret" not in ran.err + ran.out
    assert "topsecret" not in transcribe("config", "show", "--ledger-url", url).out


def test_two_concurrent_runs_are_both_in_the_ledger(tmp_path: Path, state: Path, transcribe: Transcribe) -> None:
    """Each with its own rows."""
    runs = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a.wav").write_bytes(spoken(SHORT))
        arguments = command(["run", folder, "--model", "demo", "--state-dir", state])
        runs.append(subprocess.Popen(arguments, env=environment(), stderr=subprocess.DEVNULL))
    assert [run.wait() for run in runs] == [0, 0]
    assert "2 runs, " in transcribe("report", "--state-dir", state).out
