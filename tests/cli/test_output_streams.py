"""Streams: stdout has only the requested output, stderr the progress, and errors on either never end a run."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.cli.recordings import SHORT, check_harmless, check_set
from tests.conftest import Ran, command, environment, spoken
from tests.fork_server import command_runner
from transcribe_cli.batch.leases import Owner

Transcribe = Callable[..., Ran]
HOSTILE = "li\u00e7\u00e3o \U0001f469\u200d\U0001f3eb\x1b]0;owned\x07\n\u202e.wav"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
FIELDS = {
    "run_started": {"recordings", "to_transcribe", "to_diarize", "to_render", "done", "bytes"},
    "model_loaded": {"model", "device", "batch_size", "seconds"},
    "recording_skipped": {"recording", "reason"},
    "recording_started": {"recording", "bytes", "text", "speakers"},
    "recording_prepared": {"recording", "duration", "speech"},
    "recording_progress": {"recording", "seconds", "duration"},
    "recording_done": {
        "recording",
        "outputs",
        "language",
        "duration",
        "seconds",
        "words",
        "flags",
        "rendered",
        "diarized",
        "speakers",
    },
    "recording_failed": {"recording", "code", "message", "hint"},
    "run_finished": {
        *("transcribed", "diarized", "rendered", "skipped", "failed", "elsewhere", "not_tried"),
        *("audio_seconds", "seconds", "rtfx", "exit_code", "stopped_by"),
    },
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good recording with a plain name and one with a hostile name, both transcribed."""
    folder = tmp_path_factory.mktemp("streams") / "aulas"
    folder.mkdir()
    for name in ("a.wav", HOSTILE):
        (folder / name).write_bytes(spoken(SHORT))
    assert command_runner(folder)("run", folder, "--model", "demo").code == 0
    return folder


@pytest.fixture
def mixed(done: Path, tmp_path: Path) -> Path:
    """A finished recording, one to do with a hostile name, and one with a hostile name that fails."""
    folder = Path(shutil.copytree(done, tmp_path / "aulas"))
    (folder / HOSTILE).with_suffix(".json").unlink()
    for ending in (".srt", ".vtt"):
        (folder / HOSTILE).with_suffix(ending).unlink()
    (folder / "z\x1b[2J\n.mp3").write_text("hello")
    return folder


def run_bytes(arguments: Sequence[str | Path], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """The program, its output not decoded."""
    return subprocess.run(command(arguments), env=environment(env), capture_output=True, stdin=subprocess.DEVNULL)


# Standard output


def test_run_writes_nothing_to_standard_output(done: Path, transcribe: Transcribe) -> None:
    """Progress goes to standard error."""
    ran = transcribe("run", done, "--model", "demo")
    assert ran.out == ""
    assert ran.err


@pytest.mark.slow
def test_run_json_writes_one_document_that_agrees_with_the_events_and_the_exit_code(mixed: Path, transcribe: Transcribe) -> None:
    """Events in order, each with the fields in docs/scripting.md; names cannot break a line."""
    ran = transcribe("run", mixed, "--model", "demo", "--json", "--log-format", "json")
    events = [json.loads(line) for line in ran.err.splitlines()]
    names = [event["event"] for event in events]
    assert ran.err.isascii()
    assert json.loads(ran.out) == {key: value for key, value in events[-1].items() if key != "time"}
    assert len(ran.out.splitlines()) == 1

    for event in events:
        assert list(event)[:2] == ["event", "time"]
        assert datetime.fromisoformat(event["time"]).utcoffset() is not None
        assert FIELDS[event["event"]] <= set(event), event["event"]
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)

    assert names[0] == "run_started"
    assert names[-1] == "run_finished"
    assert sorted(names[1:-1]) == sorted(
        [
            *("recording_skipped", "recording_started", "recording_started", "recording_failed", "model_loaded"),
            *("recording_prepared", "recording_progress", "recording_done"),
        ]
    )
    of_hostile = [event["event"] for event in events if event.get("recording") == HOSTILE]
    assert of_hostile == ["recording_started", "recording_prepared", "recording_progress", "recording_done"]
    assert names.index("model_loaded") < names.index("recording_progress")
    assert events[-1]["exit_code"] == ran.code == 3
    counted = {key: events[-1][key] for key in ("transcribed", "skipped", "failed", "rendered", "not_tried", "stopped_by")}
    assert counted == {"transcribed": 1, "skipped": 1, "failed": 1, "rendered": 0, "not_tried": 0, "stopped_by": None}


def test_a_run_that_cannot_start_says_so_in_its_last_event(mixed: Path, transcribe: Transcribe) -> None:
    """Exit code 4 in the event and of the process; the last line is for users."""
    env = {"HF_HOME": str(mixed / "nothing")}
    ran = transcribe("run", mixed, "--model", "tiny", "--overwrite", "--log-format", "json", "--json", env=env)
    *lines, last = ran.err.splitlines()
    finished = json.loads(lines[-1])
    assert ran.code == finished["exit_code"] == 4
    assert finished["event"] == "run_finished"
    assert last.startswith("transcribe: ")
    assert ran.out == ""


@pytest.mark.parametrize(
    "arguments", [["plan"], ["run", "--dry-run"], ["config", "show"], ["run"]], ids=["plan", "dry run", "config show", "run"]
)
def test_json_on_standard_output_is_one_document(arguments: list[str], done: Path, transcribe: Transcribe) -> None:
    """It parses, and names are not escaped."""
    ran = transcribe(*arguments, done, "--model", "demo", "--json")
    document = json.loads(ran.out)
    assert ran.code == 0
    if "totals" in document:
        assert document["totals"]["done"] == 2
        assert {recording["name"] for recording in document["recordings"]} == {"a.wav", HOSTILE}


# Quiet


@pytest.mark.slow
def test_quiet_prints_only_failures(mixed: Path, transcribe: Transcribe) -> None:
    """A line for each failure, nothing without failures."""
    ran = transcribe("run", mixed, "--model", "demo", "--quiet")
    assert ran.code == 3
    assert ran.out == ""
    (line,) = check_harmless(ran.err.encode()).splitlines()
    assert line.startswith(r"FAILED    z\x1b[2J\x0a.mp3 ")
    (mixed / "z\x1b[2J\n.mp3").unlink()
    assert transcribe("run", mixed, "--model", "demo", "--quiet") == Ran(0, "", "")


# A terminal


class Terminal:
    """The program on a pseudo-terminal: its output with control sequences."""

    def __init__(self, arguments: Sequence[str | Path], env: dict[str, str] | None = None) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        variables = {**environment(), "TERM": "xterm-256color", **(env or {})}
        for name in ("COLUMNS", "NO_COLOR", "CI"):
            if name not in (env or {}):
                variables.pop(name, None)
        self.process = subprocess.Popen(
            command(arguments), stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=variables, start_new_session=True
        )
        os.close(theirs)
        self._ours = ours
        self.written = ""

    def read(self, until: str | None = None) -> None:
        """Up to some words, or to the end."""
        while until is None or until not in self.written:
            try:
                data = os.read(self._ours, 1 << 16)
            except OSError as error:
                if error.errno != errno.EIO:  # the other side is closed
                    raise
                data = b""
            if not data:
                assert until is None, self.written
                return
            self.written += data.decode("utf-8", "replace")

    def end(self) -> tuple[int, str]:
        """Exit code and standard output."""
        self.read()
        assert self.process.stdout is not None
        out = self.process.stdout.read().decode()
        self.process.stdout.close()
        os.close(self._ours)
        return self.process.wait(), out

    def left(self) -> list[str]:
        """The lines that can be read on the screen afterwards."""
        return screen(self.written)


def screen(written: str) -> list[str]:
    """A terminal's screen after this was written: cursor up, erase line, carriage return, and styles that do not matter."""
    lines: list[str] = [""]
    row = column = 0
    for token in re.findall(r"\x1b\[[?\d;]*[a-zA-Z]|\x1b\].*?(?:\x07|\x1b\\)|[\s\S]", written):
        match = re.fullmatch(r"\x1b\[([?\d;]*)([a-zA-Z])", token)
        if match is None:
            if token == "\r":
                column = 0
            elif token == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            else:
                lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + 1 :]
                column += 1
        elif match[2] == "A":
            row = max(0, row - int(match[1] or 1))
        elif match[2] == "K":
            lines[row] = ""
    return [line.rstrip() for line in lines if line.strip()]


@pytest.mark.slow
def test_on_a_terminal_the_display_leaves_only_plain_lines_behind(mixed: Path) -> None:
    """The same as in a log; progress was shown, and the cursor is visible again."""
    terminal = Terminal(["run", mixed, "--model", "demo", "--json"])
    code, out = terminal.end()
    left = terminal.left()
    assert code == 3
    assert json.loads(out)["failed"] == 1
    assert "all recordings" in terminal.written or "%" in terminal.written
    assert terminal.written.rfind(SHOW_CURSOR) > terminal.written.rfind(HIDE_CURSOR) >= 0
    assert "\x1b]0;owned" not in terminal.written
    assert "\x1b[2J" not in terminal.written
    assert "\u202e" not in terminal.written
    assert left[0].startswith("3 recordings: 2 to transcribe, 1 done already.")
    assert sorted(line.split()[0] for line in left[1:-1]) == ["FAILED", "Model", "done"]
    assert re.fullmatch(r"1 transcribed .*; 1 done already; 1 failed\.", left[-1])
    assert "Traceback" not in terminal.written


def test_on_a_terminal_recordings_in_progress_elsewhere_do_not_count(done: Path, tmp_path: Path) -> None:
    """The bar counts the work of this run; the name of the other machine is escaped."""
    folder = Path(shutil.copytree(done, tmp_path / "aulas"))
    for path in folder.glob("*.json"):
        path.unlink()
    owner = replace(Owner.this_process("2026-11-21T10:00:00Z"), machine="00000000", host="gpu\x1b]0;owned\x07\n")
    (folder / ".a.wav.transcribe-lease").write_bytes(owner.dumps())
    terminal = Terminal(["run", folder, "--model", "demo", "--overwrite"])
    code, _ = terminal.end()
    assert code == 6
    assert "\x1b]0;owned" not in terminal.written
    assert any(line.startswith(r"elsewhere a.wav  in progress on gpu\x1b]0;owned\x07\x0a (process ") for line in terminal.left())
    assert " of 1 " in re.sub(r"\x1b\[[\d;?]*[A-Za-z]", " ", terminal.written)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_restores_the_terminal(number: int, tmp_path: Path) -> None:
    """The cursor is visible, the display is removed, and the last line is the summary."""
    for name in range(12):
        (tmp_path / f"{name}.wav").write_bytes(spoken(SHORT))
    terminal = Terminal(["run", tmp_path, "--model", "demo", "--batch-size", "1"])
    terminal.read(until="done")
    os.killpg(terminal.process.pid, number)
    code, _ = terminal.end()
    assert code == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert terminal.written.rfind(SHOW_CURSOR) > terminal.written.rfind(HIDE_CURSOR) >= 0
    assert "Traceback" not in terminal.written
    left = terminal.left()
    assert left[-1].startswith({signal.SIGINT: "Interrupted. ", signal.SIGTERM: "Terminated. "}[number])
    assert all(re.match(r"12 recordings|Model|done|Interrupted|Terminated", line) for line in left), left


@pytest.mark.slow
@pytest.mark.parametrize(
    "env",
    [
        {"TERM": "dumb"},
        {"NO_COLOR": "1"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        {"COLUMNS": "1"},
    ],
    ids=lambda env: ",".join(f"{name}={value}" for name, value in env.items()),
)
def test_a_simple_terminal_gets_plain_lines(env: dict[str, str], mixed: Path) -> None:
    """No traceback, no unwanted colours, nothing outside its encoding."""
    terminal = Terminal(["run", mixed, "--model", "demo"], env)
    code, _ = terminal.end()
    assert code == 3
    assert "Traceback" not in terminal.written
    assert "Error" not in terminal.written
    assert sum(line.startswith("FAILED") for line in terminal.left()) == 1
    if "TERM" in env:
        assert not re.search(r"\x1b\[\?25l|\x1b\[\d*A", terminal.written)
    if "NO_COLOR" in env:
        assert not re.search(r"\x1b\[[\d;]*(3|4|9)\d(;\d+)*m", terminal.written)
    if "PYTHONUTF8" in env:
        assert terminal.written.isascii()


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}], ids=str)
def test_ascii_is_enough_for_every_command(env: dict[str, str], done: Path) -> None:
    """Names are escaped on standard error; standard output is UTF-8 (Typer's choice), like rendered files."""
    env = {**env, "PYTHONUTF8": "0"}
    (plan, run) = (run_bytes([name, done, "--model", "demo"], env) for name in ("plan", "run"))
    assert plan.returncode == run.returncode == 0, plan.stderr + run.stderr
    assert run.stderr.isascii()
    assert len(check_harmless(plan.stdout).splitlines()) == 3
    rendered = run_bytes(["render", done / "a.json", "-f", "txt", "-o", "-"], env)
    assert rendered.returncode == 0, rendered.stderr
    assert rendered.stdout.decode("utf-8").strip() == SHORT


def test_rendered_text_is_utf_8_whatever_the_locale(done: Path, tmp_path: Path) -> None:
    """Subtitles are files, also on standard output."""
    document = (done / "a.json").read_text().replace("Bom dia", "Lição")
    (tmp_path / "a.json").write_text(document)
    ran = run_bytes(["render", tmp_path / "a.json", "-f", "srt", "-o", "-"], {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert ran.returncode == 0, ran.stderr
    assert "Lição" in ran.stdout.decode("utf-8")


# Closed pipes


@pytest.mark.parametrize(
    "arguments", [["plan", "."], ["plan", ".", "--json"], ["run", ".", "--json"], ["config", "show"], ["--help"]], ids=" ".join
)
def test_a_closed_pipe_is_not_an_error(arguments: list[str], done: Path) -> None:
    """`| head -1`, or a reader that exits before the first line."""
    options = ["--model", "demo"] if "." in arguments else []
    process = subprocess.Popen(
        command([*arguments, *options]), cwd=done, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    check_harmless(err)
    assert b"rror" not in err


def test_head_gets_its_line(done: Path) -> None:
    """Without errors, in a shell that reports the exit code of every command."""
    script = '"$0" -m transcribe_cli plan . --model demo | head -1; echo "${PIPESTATUS[*]}"'
    ran = subprocess.run(["bash", "-c", script, sys.executable], cwd=done, env=environment(), capture_output=True, text=True)
    first, codes = ran.stdout.splitlines()
    assert first.startswith("done")
    assert codes == "0 0"
    assert ran.stderr == ""


@pytest.mark.slow
def test_a_run_finishes_when_its_log_cannot_be_written(mixed: Path) -> None:
    """`2>&1 | head -1`, a full disk, a closed terminal: work continues, and the exit code is the same."""
    process = subprocess.Popen(command(["run", mixed, "--model", "demo"]), env=environment(), stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.readline()
    process.stderr.close()
    assert process.wait() == 3
    check_set(mixed / Path(HOSTILE).stem)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_or_full_streams_change_no_exit_code(closed: str, done: Path, tmp_path: Path) -> None:
    """Of a run that is done, of one with nothing on standard input, of a usage error, of a plan."""
    commands = {"run . --model demo": 0, "run - --model demo": 0, "run nowhere": 2, "plan . --model demo": 0}
    script = "; ".join(f'"$0" -m transcribe_cli {line} {closed} </dev/null; echo $? >&9' for line in commands)
    if "<&-" in closed:
        script = script.replace(" </dev/null", "")
    ran = subprocess.run(
        ["bash", "-c", f"exec 9>{tmp_path}/codes; {script}", sys.executable], cwd=done, env=environment(), capture_output=True
    )
    check_harmless(ran.stderr)
    assert b"Unexpected" not in ran.stderr
    assert (tmp_path / "codes").read_text().split() == [str(code) for code in commands.values()]


@pytest.mark.slow
def test_a_run_without_any_stream_does_its_work(mixed: Path) -> None:
    """As some daemons start it: files that the decoder or a library opens must not get the number of a stream."""
    script = '"$0" -m transcribe_cli run . --model demo <&- >&- 2>&-'
    ran = subprocess.run(["bash", "-c", script, sys.executable], cwd=mixed, env=environment())
    assert ran.returncode == 3
    check_set(mixed / Path(HOSTILE).stem)


def test_output_that_cannot_be_written_is_one_line_and_exit_code_1(done: Path) -> None:
    """The requested output is missing, so this is a failure."""
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            command(["plan", done, "--model", "demo"]), env=environment(), stdout=full, stderr=subprocess.PIPE, check=False
        )
    (line,) = check_harmless(ran.stderr).splitlines()
    assert ran.returncode == 1
    assert "No space left on device" in line
