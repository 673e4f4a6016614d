"""Bad input, as a user meets it: each file fails alone, with one line, and everything else is done."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.audio.media import Track, crafted, cut, encode, flac_of_silence, hole, long_silence, wav
from tests.cli.recordings import SHORT, check_harmless, check_set, encoded, state, unfinished
from tests.conftest import Ran, command, environment, spoken
from transcribe_cli.sinks.names import shorten_name
from transcribe_cli.text.printable import printable

Transcribe = Callable[..., Ran]
LONG = (
    "Bom dia a todos. O professor apresenta a lição de hoje. Abram o livro na página quarenta e dois. Podem anotar no caderno. "
)
LONG += "Isso é muito importante. A resposta certa é dezessete. Alguma pergunta? Muito obrigado pela atenção. Até a próxima aula."

NAMES = {
    "newline": b"linha\nnova.wav",
    "leading dash": b"-rf.wav",
    "option": b"--overwrite.wav",
    "emoji": "aula \U0001f469\u200d\U0001f3eb \U0001f1e7\U0001f1f7.wav".encode(),
    "quotes": b'it\'s "quoted" $(id) `id`;&|.wav',
    "escape sequence": b"\x1b]0;owned\x07\x1b[31mred\x1b[2J\x9b31m.wav",
    "not UTF-8": b"aula de f\xedsica.wav",
    "255 bytes": ("ção" * 50 + "x.wav").encode(),
    "markup": b"[bold][nonsense] :smile: %s {0}.wav",
    "right to left": "aula\u202egpj.wav".encode(),
    "backslash": rb"C:\x41\n.wav",
    "space": b" .wav",
}


class Canary(http.server.ThreadingHTTPServer):
    """A web server that must not receive any request."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        canary = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def parse_request(self) -> bool:
                canary.asked.append(repr(self.raw_requestline))
                return super().parse_request()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@dataclass
class Folder:
    """A folder of bad files after a run over it, and what was observed during the run."""

    path: Path
    scratch: Path
    good: list[bytes]
    bad: dict[bytes, str]
    first: subprocess.CompletedProcess[bytes]
    asked: list[str]
    ports: set[str]

    def output(self, name: bytes) -> Path:
        """Outputs of a recording, without their ending."""
        return self.path / shorten_name(Path(os.fsdecode(name)).stem)

    def lines(self) -> list[str]:
        """Error lines of the run."""
        return [line for line in self.first.stderr.decode().splitlines() if line.startswith("FAILED")]


def write_good(folder: Path) -> list[bytes]:
    """Unusual recordings that can be transcribed."""
    cut(encoded(folder / "truncated.wav", LONG), 0.6)
    hole(encoded(folder / "hole.mp3", LONG, "libmp3lame"), 0.3, 0.5)
    wav(folder / "sample.wav", np.array([1000], np.int16))
    wav(folder / "tenth.wav", np.full(1600, 1000, np.int16))
    long_silence(folder / "silence.wav", 3)
    encoded(folder / "96k.flac", codec="flac", rate=96_000)
    encoded(folder / "8k.wav", LONG, rate=8_000)
    encoded(folder / "5.1.wav", layout="5.1")
    encoded(folder / "8bit.wav", codec="pcm_u8", rate=22_050)
    encode(folder / "film.mp4", Track(seconds=1.0), video_seconds=1.0)
    short = spoken(SHORT)
    for name in NAMES.values():
        (folder / os.fsdecode(name)).write_bytes(short)
    return [os.fsencode(path.name) for path in folder.iterdir()]


def write_bad(folder: Path, secret: Path, port: int) -> dict[bytes, str]:
    """Files that have no transcript, and the code of each one's error."""
    (folder / "text.mp3").write_text("Dear diary, this is not audio.\n" * 100)
    (folder / "zero.mp3").touch()
    (folder / "page.mp3").write_text("<!DOCTYPE html><title>404</title>")
    encode(folder / "pictures.mp4", video_seconds=1.0)
    flac_of_silence(folder / "bomb.flac", 24 * 3600, 0)
    os.mkfifo(folder / "pipe.mp3")
    (folder / "gone.mp3").symlink_to("/nowhere/at all\x1b[31m")
    (folder / "evil\x1b[2J\n.mp3").write_text("nothing")
    (folder / os.fsdecode(b"evil\xff.mp3")).write_text("nothing")
    (folder / "foreign.wav").write_bytes(spoken(SHORT))
    (folder / "foreign.srt").write_text("My own subtitles.")
    codes = dict.fromkeys((b"text.mp3", b"zero.mp3", b"page.mp3", b"evil\x1b[2J\n.mp3", b"evil\xff.mp3"), "not_audio")
    codes |= {b"pictures.mp4": "no_audio_track", b"bomb.flac": "too_long", b"pipe.mp3": "unreadable", b"gone.mp3": "unreadable"}
    codes[b"foreign.wav"] = "output_refused"
    for name, write in crafted(folder, secret, port).items():
        if not name.startswith("mov"):  # whose own bytes are samples: tests/audio/test_crafted.py
            write(folder / f"{name}.mp3")
            codes[f"{name}.mp3".encode()] = "not_audio"
    return codes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """All files in one folder, transcribed once, while a web server and the UDP ports are monitored."""
    top = tmp_path_factory.mktemp("bad")
    path, scratch, secrets, home = top / "aulas", top / "scratch", top / "secret", top / "home"
    for new in (path, scratch, secrets, home):
        new.mkdir()
    for ending, codec in (("ts", "aac"), ("mp3", "libmp3lame"), ("m4a", "aac"), ("wav", "pcm_s16le")):
        encode(secrets / f"s.{ending}", Track(codec))
    shutil.copy(secrets / "s.mp3", path / "neighbour.mp3")
    with Canary() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        good = write_good(path)
        bad = write_bad(path, secrets / "s", server.server_port)
        ports: set[str] = set()
        ended = threading.Event()
        watcher = threading.Thread(target=_watch_ports, args=(ports, ended))
        watcher.start()
        first = _run(path, scratch)
        ended.set()
        watcher.join()
        yield Folder(path, scratch, good, bad, first, server.asked, ports)
        server.shutdown()


def _run(path: Path, scratch: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    env = environment({"TMPDIR": str(scratch)})
    return subprocess.run(
        command(["run", path, "--model", "demo", *options]), env=env, capture_output=True, stdin=subprocess.DEVNULL
    )


def _watch_ports(seen: set[str], ended: threading.Event) -> None:
    """Local UDP ports in use at any time until the event, as hexadecimal digits."""
    while not ended.wait(0.01):
        lines = [line for table in ("udp", "udp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        seen |= {line.split()[1].rpartition(":")[2] for line in lines}


@pytest.mark.slow
def test_a_folder_of_bad_files_exits_with_3_and_counts_the_failures(folder: Folder) -> None:
    """Without a traceback, and without control characters."""
    assert folder.first.returncode == 3
    assert folder.first.stdout == b""
    last = check_harmless(folder.first.stderr).splitlines()[-1]
    assert f"{len(folder.bad)} failed" in last
    assert f"{len(folder.good)} transcribed" in last


@pytest.mark.slow
def test_exactly_one_line_names_each_failing_file(folder: Folder) -> None:
    """With its escaped name and a reason; no other line reports a failure."""
    lines = folder.lines()
    assert len(lines) == len(folder.bad)
    for name in folder.bad:
        label = printable(os.fsdecode(name))
        (line,) = [line for line in lines if line.startswith(f"FAILED    {label} ")]
        assert len(line) > len(f"FAILED    {label}") + 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.mp3", "not a supported audio or video file"),
        ("zero.mp3", "empty"),
        ("page.mp3", "web page"),
        ("pictures.mp4", "no audio track"),
        ("bomb.flac", "--max-duration"),
        ("pipe.mp3", "named pipe"),
        ("gone.mp3", "symbolic link"),
        ("foreign.wav", "foreign.srt"),
        ("hls_http.mp3", "list of other files"),
    ],
)
def test_the_line_says_what_is_wrong(folder: Folder, name: str, words: str) -> None:
    """In words that help."""
    assert any(line.startswith(f"FAILED    {name} ") and words in line for line in folder.lines())


@pytest.mark.slow
def test_every_other_recording_has_its_files_and_they_parse(folder: Folder) -> None:
    """JSON, SRT and VTT, for every kind of name; the document names its recording."""
    for name in folder.good:
        document = check_set(folder.output(name))
        assert document["source"]["name"] == name.decode("utf-8", "backslashreplace")
        assert document["source"]["size"] == (folder.path / os.fsdecode(name)).stat().st_size


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES.values(), b"96k.flac", b"5.1.wav", b"8bit.wav"], ids=repr)
def test_speech_is_recognized_whatever_the_name_or_the_format(folder: Folder, name: bytes) -> None:
    """The words that were said."""
    assert json.loads(folder.output(name).with_name(f"{folder.output(name).name}.json").read_text())["text"].strip() == SHORT


@pytest.mark.slow
def test_a_recording_from_a_telephone_is_transcribed(folder: Folder) -> None:
    """8 kHz: the demo model was not trained on it, so only the times of words are checked."""
    document = check_set(folder.path / "8k")
    assert document["quality"]["covered"] > 0.5
    assert document["segments"][-1]["end"] <= document["duration"]


@pytest.mark.slow
def test_a_truncated_recording_is_transcribed_as_far_as_it_goes_and_flagged(folder: Folder) -> None:
    """Six tenths of it."""
    document = check_set(folder.path / "truncated")
    assert "truncated" in document["flags"]
    assert document["duration"] == pytest.approx(0.6 * document["source"]["duration"], abs=0.1)
    assert document["text"].strip().startswith("Bom dia")
    assert document["quality"]["covered"] > 0.5
    assert document["segments"][-1]["end"] <= document["duration"]
    (line,) = [line for line in folder.first.stderr.decode().splitlines() if line.startswith("done      truncated.wav ")]
    assert ", truncated" in line


@pytest.mark.slow
def test_what_follows_a_damaged_middle_is_recovered_and_flagged(folder: Folder) -> None:
    """Beginning and end are there."""
    document = check_set(folder.path / "hole")
    assert "damaged" in document["flags"]
    assert document["quality"]["skipped_packets"] > 0
    assert document["text"].strip().startswith("Bom dia a todos.")
    assert document["text"].strip().endswith("Até a próxima aula.")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sample", "tenth", "silence"])
def test_recordings_without_speech_have_empty_transcripts(folder: Folder, name: str) -> None:
    """Valid files that say so, not failures."""
    document = check_set(folder.path / name)
    assert document["text"] == ""
    assert document["flags"] == ["no_speech"]


@pytest.mark.slow
def test_no_file_causes_a_request_or_an_open_port(folder: Folder) -> None:
    """No request reached the web server, and no port was opened, at any time of the run."""
    assert folder.asked == []
    assert not folder.ports & {f"{port:04X}" for port in (5004, 5005)}


@pytest.mark.slow
def test_inputs_and_foreign_files_are_unchanged_and_nothing_else_is_left(folder: Folder) -> None:
    """Only outputs were added; nothing in the scratch folder or in the user's home, where ONNX Runtime stores telemetry when enabled."""
    assert (folder.path / "foreign.srt").read_text() == "My own subtitles."
    stems = [folder.output(name).name for name in folder.good]
    expected = {f"{stem}.{ending}" for stem in stems for ending in ("json", "srt", "vtt")}
    expected |= {os.fsdecode(name) for name in [*folder.good, *folder.bad]} | {"foreign.srt"}
    assert {path.name for path in folder.path.iterdir()} == expected
    assert list(folder.scratch.iterdir()) == []
    assert list(folder.path.with_name("home").rglob("*")) == []


@pytest.mark.slow
def test_a_second_run_skips_the_good_files_and_fails_for_the_same_others(folder: Folder) -> None:
    """No file is touched, no model loaded; programs get each error's code, and names that cannot break a line."""
    before = state(folder.path)
    again = _run(folder.path, folder.scratch, "--log-format", "json", "--exclude", "bomb.flac")
    events = [json.loads(line) for line in again.stderr.splitlines()]
    assert again.returncode == 3
    assert again.stderr.isascii()
    assert state(folder.path) == before
    assert all(event["event"] != "model_loaded" for event in events)
    skipped = sorted(event["recording"] for event in events if event["event"] == "recording_skipped")
    assert skipped == sorted(name.decode("utf-8", "backslashreplace") for name in folder.good)
    failed = {event["recording"]: event["code"] for event in events if event["event"] == "recording_failed"}
    expected = {name.decode("utf-8", "backslashreplace"): code for name, code in folder.bad.items()}
    assert {**failed, "bomb.flac": "too_long"} == expected
    assert events[-1]["skipped"] == len(folder.good)
    assert events[-1]["failed"] == len(failed)


@pytest.mark.slow
def test_a_plan_of_it_is_safe_to_print(folder: Folder, transcribe: Transcribe) -> None:
    """On standard output, one line each, and as one document."""
    plan = transcribe("plan", folder.path, "--model", "demo")
    assert plan.code == 3
    assert len(check_harmless(plan.out.encode()).splitlines()) == len(folder.good) + len(folder.bad) + 1
    assert plan.err == ""


# Invalid command lines


def test_an_empty_folder_is_not_an_error_and_is_reported(tmp_path: Path, transcribe: Transcribe) -> None:
    """Exit code 0: there is nothing to do."""
    (tmp_path / "empty").mkdir()
    ran = transcribe("run", tmp_path / "empty", "--model", "demo")
    assert ran.code == 0
    assert ran.err == f"No recordings found in {tmp_path / 'empty'}.\n"


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (["run", "aulsa"], "aulas"),
        (["run", "aulas", "--modle", "demo"], "--model"),
        (["run", "aulas", "--output-dri", "x"], "--output-dir"),
        (["rum", "aulas"], "run"),
        (["config", "shw"], "show"),
        (["plan", "aulas", "--jsn"], "--json"),
        (["run", "aulas", "--device", "gpu"], "auto, cpu or cuda"),
        (["run", "aulas", "-f", "srtt"], "srt"),
        (["run", "aulas", "--language", "portugese"], "did you mean pt?"),
        (["run", "aulas", "--task", "transcrbe"], "transcribe or translate"),
        (["run", "aulas", "--beam-size", "many"], "whole number"),
        (["run", "aulas", "--max-duration", "-1"], "above 0"),
        (["run", "aulas", "--model", "larg-v3"], "large-v3"),
        (["run", "aulas", "--config", "nowhere.toml"], "nowhere.toml"),
        (["run", "a\x1b[31m\nb"], r"a\x1b[31m\x0ab"),
        (["run", "aulas", "--lang\x1b[31muage", "pt"], r"\x1b"),
        (["run", b"aulas", b"--language", b"\xff\xfe"], r"\xff"),
        (["run", "x" * 5000], "is not a valid path"),
    ],
    ids=lambda value: None if isinstance(value, list) else value,
)
def test_an_invalid_command_line_exits_with_2_and_suggests_a_correction(
    arguments: Sequence[str | bytes], nearest: str, tmp_path: Path, transcribe: Transcribe
) -> None:
    """One line, nothing changed."""
    (tmp_path / "aulas").mkdir()
    (tmp_path / "aulas" / "a.wav").write_bytes(b"")
    ran = transcribe(*arguments)
    lines = check_harmless(ran.err.encode()).splitlines()
    assert ran.code == 2
    assert ran.out == ""
    assert lines[-1].startswith("transcribe: ")
    assert nearest in lines[-1]
    assert [path.name for path in (tmp_path / "aulas").iterdir()] == ["a.wav"]


@pytest.mark.parametrize(
    ("content", "variables", "words"),
    [
        ('modle = "demo"', {}, ["transcribe.toml", "'modle'", "model"]),
        ('beam_size = "many"', {}, ["transcribe.toml", "beam_size", "whole number"]),
        ("beam_size = = 3", {}, ["transcribe.toml", "line 1"]),
        ("\x1b]0;owned\x07 = 3", {}, ["transcribe.toml"]),
        ('[profiles.night]\nmodle = "demo"', {"TRANSCRIBE_PROFILE": "night"}, ["profiles.night", "'modle'", "model"]),
        ("[profiles.night]", {"TRANSCRIBE_PROFILE": "nigth"}, ["nigth", "night"]),
        ("", {"TRANSCRIBE_MODLE": "demo"}, ["TRANSCRIBE_MODLE", "TRANSCRIBE_MODEL"]),
        ("", {"TRANSCRIBE_DEVICE": "gpu"}, ["TRANSCRIBE_DEVICE", "cuda"]),
    ],
)
def test_an_invalid_configuration_exits_with_2_and_names_its_place(
    content: str, variables: dict[str, str], words: list[str], tmp_path: Path, transcribe: Transcribe
) -> None:
    """File, profile or variable, and the most similar valid key."""
    (tmp_path / "a.wav").touch()
    (tmp_path / "transcribe.toml").write_text(content)
    ran = transcribe("run", tmp_path, env=variables)
    (line,) = check_harmless(ran.err.encode()).splitlines()
    assert ran.code == 2
    assert all(word in line for word in words), line


def test_a_traceback_is_shown_on_request(tmp_path: Path, transcribe: Transcribe) -> None:
    """`TRANSCRIBE_DEBUG=1`: of a usage error, of what is wrong with the machine, and of each recording that fails."""
    debug = {"TRANSCRIBE_DEBUG": "1"}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "evil\x1b[31m\n.mp3").write_text("hello")
    runs = [["run", "nowhere"], ["run", "in", "--modle", "x"], ["run", "in", "--model", "demo"]]
    for arguments in runs:
        quiet, loud = transcribe(*arguments), transcribe(*arguments, env=debug)
        assert quiet.code == loud.code != 0
        assert "Traceback" not in quiet.err
        assert loud.err.count("Traceback (most recent call last):") == 1
        assert loud.err.endswith(quiet.err.splitlines()[-1] + "\n")
        assert "\x1b" not in loud.err


def test_an_unexpected_error_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    """And a traceback on request; here a module of ours cannot be imported."""
    (tmp_path / "a.wav").touch()
    script = "import sys; sys.modules['transcribe_cli.batch.run'] = None; from transcribe_cli.cli import main; main()"
    arguments = [*command([])[:1], "-c", script, "run", tmp_path]
    quiet = subprocess.run(arguments, env=environment(), capture_output=True)
    loud = subprocess.run(arguments, env=environment({"TRANSCRIBE_DEBUG": "1"}), capture_output=True)
    assert quiet.returncode == loud.returncode == 1
    (line,) = check_harmless(quiet.stderr).splitlines()
    assert line.startswith("transcribe: Unexpected ModuleNotFoundError")
    assert "TRANSCRIBE_DEBUG=1" in line
    assert b"Traceback" in loud.stderr


# Permissions and full disks

AS_A_USER = "-dac_override,-dac_read_search"


def without_privileges(arguments: Sequence[str | Path | bytes]) -> list[str | Path | bytes]:
    """The command, subject to permissions even when run by root."""
    if os.geteuid() != 0:
        return command(arguments)
    if shutil.which("setpriv") is None:
        pytest.skip("root reads and writes everything, and there is no setpriv")
    return ["setpriv", f"--bounding-set={AS_A_USER}", f"--inh-caps={AS_A_USER}", *command(arguments)]


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """`mount(arguments, folder)`, undone after the test; skips where it is not allowed."""
    mounted: list[Path] = []

    def mounting(*options: str | Path) -> None:
        if os.geteuid() != 0 or subprocess.run(["mount", *options], capture_output=True).returncode:
            pytest.skip("may not mount")
        mounted.append(Path(options[-1]))

    yield mounting
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", folder], check=True)


def test_missing_permissions_fail_only_the_files_concerned(tmp_path: Path) -> None:
    """An unreadable file, a folder that cannot be written, one that cannot be listed; the others are transcribed."""
    for name in ("a.wav", "unreadable.wav", "locked/b.wav", "hidden/c.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(spoken(SHORT))
    modes = {"unreadable.wav": 0o000, "locked": 0o555, "hidden": 0o000}
    for name, mode in modes.items():
        (tmp_path / name).chmod(mode)
    try:
        ran = subprocess.run(without_privileges(["run", tmp_path, "--model", "demo"]), env=environment(), capture_output=True)
    finally:
        for name in modes:
            (tmp_path / name).chmod(0o755)
    lines = check_harmless(ran.stderr).splitlines()
    failed = sorted(line for line in lines if line.startswith("FAILED"))
    assert ran.returncode == 3
    assert check_set(tmp_path / "a")["text"].strip() == SHORT
    assert len(failed) == 3
    assert "hidden" in failed[0]
    assert "cannot be listed" in failed[0]
    assert "locked/b.wav" in failed[1]
    assert "not writable" in failed[1]
    assert "--output-dir" in failed[1]
    assert "unreadable.wav" in failed[2]
    assert "Permission denied" in failed[2]
    assert [path.name for path in (tmp_path / "locked").iterdir()] == ["b.wav"]


def test_a_read_only_or_full_disk_fails_the_recordings_on_it(tmp_path: Path, mount: Callable[..., None]) -> None:
    """Before anything is decoded; recordings on other disks are done. When there are none, nothing is started: exit code 4."""
    for name in ("ok", "readonly", "full", "source"):
        (tmp_path / name).mkdir()
    mount("-t", "tmpfs", "-o", "size=1M", "tmpfs", tmp_path / "full")
    for folder in ("ok", "source", "full"):
        (tmp_path / folder / "a.wav").write_bytes(spoken(SHORT))
    mount("--bind", "-o", "ro", tmp_path / "source", tmp_path / "readonly")
    _fill(tmp_path / "full")
    ran = subprocess.run(
        command(["run", tmp_path, "--exclude", "source/**", "--model", "demo"]), env=environment(), capture_output=True
    )
    failed = sorted(line for line in check_harmless(ran.stderr).splitlines() if line.startswith("FAILED"))
    assert ran.returncode == 3
    assert check_set(tmp_path / "ok" / "a")["text"].strip() == SHORT
    assert len(failed) == 2
    assert "full/a.wav" in failed[0]
    assert "is full" in failed[0]
    assert "readonly/a.wav" in failed[1]
    assert "read-only" in failed[1]
    for folder, why in (("readonly", "read-only"), ("full", "is full")):
        alone = subprocess.run(command(["run", tmp_path / folder, "--model", "demo"]), env=environment(), capture_output=True)
        lines = check_harmless(alone.stderr).splitlines()
        assert alone.returncode == 4
        assert why in lines[-1]
        assert lines[-1].startswith("transcribe: ")
    assert unfinished(tmp_path) == []


def test_a_disk_that_fills_up_keeps_what_was_finished_whole(tmp_path: Path, mount: Callable[..., None]) -> None:
    """Each recording has a complete set of files or an error line; with free space, the same command does the rest."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for number in range(8):
        (tmp_path / "in" / f"{number}.wav").write_bytes(spoken(SHORT))
    mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path / "out")
    ballast = _fill(tmp_path / "out", leave=72 << 10)
    arguments = command(["run", tmp_path / "in", "--model", "demo", "-o", tmp_path / "out"])
    ran = subprocess.run(arguments, env=environment(), capture_output=True)
    lines = check_harmless(ran.stderr).splitlines()
    failed = {line.split()[1] for line in lines if line.startswith("FAILED")}
    done = {line.split()[1] for line in lines if line.startswith("done")}
    assert ran.returncode == 3
    assert failed
    assert done
    assert failed | done == {f"{number}.wav" for number in range(8)}
    assert unfinished(tmp_path) == []
    for name in done:
        check_set(tmp_path / "out" / Path(name).stem)
    for path in (tmp_path / "out").glob("*.json"):
        json.loads(path.read_text())
    ballast.unlink()
    again = subprocess.run(arguments, env=environment(), capture_output=True)
    assert again.returncode == 0
    for number in range(8):
        check_set(tmp_path / "out" / str(number))


def test_a_full_scratch_folder_ends_the_run_with_4(tmp_path: Path, mount: Callable[..., None]) -> None:
    """One line that names TMPDIR, because every recording would fail."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "a.wav").write_bytes(spoken(LONG))
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path / "scratch")
    env = environment({"TMPDIR": str(tmp_path / "scratch")})
    ran = subprocess.run(command(["run", tmp_path / "a.wav", "--model", "demo"]), env=env, capture_output=True)
    assert ran.returncode == 4
    assert "TMPDIR" in check_harmless(ran.stderr).splitlines()[-1]
    assert list((tmp_path / "scratch").iterdir()) == []


def _fill(folder: Path, leave: int = 0) -> Path:
    """A file that leaves only this many bytes of free space."""
    ballast = folder / "ballast"
    status = os.statvfs(folder)
    with ballast.open("wb") as file:
        file.write(b"x" * (status.f_bavail * status.f_frsize - leave))
    return ballast
