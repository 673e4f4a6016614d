"""A failing child fails only one file, and the child never outlives its parent."""

from __future__ import annotations

import gc
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.audio.conftest import child_of, status
from tests.audio.media import Track, encode, long_silence, tone, wav
from transcribe_cli.audio import Decoder, Limits, Waveform, scratch
from transcribe_cli.errors import DecoderFailed, NotAudio, StorageNotReady


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scratch folder, which must be empty at the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def hour(tmp_path: Path) -> Path:
    """A recording of four hours that takes seconds to decode (no test waits for that) and no disk space."""
    return long_silence(tmp_path / "hour.wav", 4 * 3600)


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A recording that is decoded immediately."""
    return wav(tmp_path / "short.wav", tone(0.1))


def gone(pid: int, within: float = 10.0) -> bool:
    """Whether a process ends soon; a zombie has ended."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_fails_one_file_and_the_next_is_decoded(number: signal.Signals, folder: Path, hour: Path, short: Path) -> None:
    """The child dies while decoding, as after an FFmpeg bug or an out-of-memory kill."""
    with Decoder(scratch=folder) as decoder:
        with pytest.raises(DecoderFailed, match=rf"^hour\.wav: the decoder was killed by signal {number.value}\."):
            decoder.decode(hour, on_progress=lambda _: os.kill(child_of(decoder), number))
        assert list(folder.iterdir()) == []
        decoder.decode(short).close()


def test_a_child_that_dies_between_two_files_fails_none(folder: Path, short: Path) -> None:
    """The next file gets a new child."""
    with Decoder(scratch=folder) as decoder:
        decoder.decode(short).close()
        pid = child_of(decoder)
        os.kill(pid, signal.SIGKILL)
        # Ended with all its threads, as its parent sees it: its first thread is a zombie a moment before.
        assert os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) is not None
        decoder.decode(short).close()


def test_a_hang_ends_at_the_stall_limit(folder: Path, hour: Path, short: Path) -> None:
    """A stopped process makes no progress, like one that waits forever."""
    with Decoder(scratch=folder, limits=Limits(stall_seconds=1.0)) as decoder:
        with pytest.raises(DecoderFailed, match="made no progress for 1 s"):
            decoder.decode(hour, on_progress=lambda _: os.kill(child_of(decoder), signal.SIGSTOP))
        decoder.decode(short).close()


def test_a_slow_decoder_is_stopped_and_keeps_what_it_decoded(folder: Path, hour: Path, short: Path) -> None:
    """Progress alone is not enough; the timeout is proportional to the decoded audio."""
    with Decoder(scratch=folder, limits=Limits(max_realtime_factor=-10.0)) as decoder:  # after 30 s of audio
        with decoder.decode(hour) as waveform:
            assert 1 <= waveform.seconds < 3600
            assert waveform.damage.truncated
        with decoder.decode(short) as waveform:
            assert not waveform.damage.truncated


def test_a_decode_can_be_cancelled_from_another_thread(folder: Path, hour: Path, short: Path) -> None:
    """It ends at once, and the decoder can be used again; without a request, cancel does nothing."""
    with Decoder(scratch=folder) as decoder:
        decoder.cancel()
        decoding = threading.Event()
        helper = threading.Thread(target=lambda: decoding.wait() and decoder.cancel())
        helper.start()
        with pytest.raises(DecoderFailed, match="cancelled"):
            decoder.decode(hour, on_progress=lambda _: decoding.set())
        helper.join()
        assert list(folder.iterdir()) == []
        decoder.decode(short).close()


def test_an_interrupt_while_decoding_ends_the_child(folder: Path, hour: Path, short: Path) -> None:
    """Ctrl-C is raised; the child is stopped, and no scratch file remains."""

    def interrupt(_: Waveform) -> None:
        raise KeyboardInterrupt

    with Decoder(scratch=folder) as decoder:
        pids: list[int] = []
        with pytest.raises(KeyboardInterrupt):
            decoder.decode(hour, on_progress=lambda waveform: (pids.append(child_of(decoder)), interrupt(waveform)))
        assert gone(pids[0])
        assert list(folder.iterdir()) == []
        decoder.decode(short).close()


def test_many_threads_can_share_one_decoder(folder: Path, tmp_path: Path) -> None:
    """They take turns, and each gets its own result."""
    lengths = [0.1, 0.2, 0.3, 0.4]
    paths = [wav(tmp_path / f"{number}.wav", tone(length)) for number, length in enumerate(lengths)]
    found: dict[int, float] = {}

    def work(number: int) -> None:
        for _ in range(5):
            with decoder.decode(paths[number]) as waveform:
                found[number] = waveform.seconds

    with Decoder(scratch=folder) as decoder:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [found[number] for number in range(4)] == lengths


def test_the_child_inherits_nothing(folder: Path, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secrets from the environment, no open files, no terminal session; and its resource limits are set.

    It says itself what it got when it started. Later it is not dumpable, and only root may look.
    """
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    code = tmp_path / "code"
    code.mkdir()
    (code / "sitecustomize.py").write_text(
        "import os, pathlib\n"
        "links = [entry.name for entry in os.scandir('/proc/self/fd')]\n"
        "files = [os.readlink(f'/proc/self/fd/{link}') for link in links if os.path.lexists(f'/proc/self/fd/{link}')]\n"
        "environment = pathlib.Path('/proc/self/environ').read_text().split('\\0')\n"
        f"pathlib.Path({str(tmp_path / 'got')!r}).write_text('\\n'.join(files + environment))\n"
    )
    monkeypatch.syspath_prepend(code)
    with (tmp_path / "ledger").open("w") as ledger:
        os.set_inheritable(ledger.fileno(), True)
        with Decoder(scratch=folder) as decoder:
            decoder.decode(short).close()
            pid = child_of(decoder)
            got = (tmp_path / "got").read_text()
            assert "PATH=" in got
            assert "socket:[" in got
            assert "sk-canary" not in got
            assert "ledger" not in got
            assert os.getsid(pid) == pid
            limits = Path(f"/proc/{pid}/limits").read_text()
            for name, value in {"Max address space": 2 << 30, "Max core file size": 0}.items():
                assert str(value) in next(line for line in limits.splitlines() if line.startswith(name)).split()


def test_one_child_serves_all_files_in_constant_memory(folder: Path, tmp_path: Path) -> None:
    """Half an hour takes as much memory as a second."""
    with Decoder(scratch=folder) as decoder:
        decoder.decode(encode(tmp_path / "a.mp3", Track("libmp3lame"))).close()
        pid, before = child_of(decoder), status(child_of(decoder), "VmHWM")
        decoder.decode(long_silence(tmp_path / "b.wav", 1800, 16_000)).close()  # 58 MB
        assert child_of(decoder) == pid
        assert status(pid, "VmHWM") - before < 20_000  # KiB


def test_closing_stops_the_child_and_can_be_repeated(folder: Path, short: Path) -> None:
    """A later request starts another child."""
    decoder = Decoder(scratch=folder)
    decoder.decode(short).close()
    pid = child_of(decoder)
    decoder.close()
    decoder.close()
    assert gone(pid)
    decoder.probe(short)
    decoder.close()


def test_a_garbage_collected_decoder_leaves_no_child(folder: Path, short: Path) -> None:
    """Its finalizer does what `close` does."""
    decoder = Decoder(scratch=folder)
    decoder.decode(short).close()
    pid = child_of(decoder)
    del decoder
    gc.collect()
    assert gone(pid)


def test_a_limit_may_be_infinite(folder: Path, short: Path) -> None:
    """For users who trust their files."""
    with Decoder(scratch=folder, limits=Limits(max_seconds=math.inf)) as decoder, decoder.decode(short) as waveform:
        assert waveform.samples


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """A user's script, without a `__main__` guard, in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def run(body: str, *arguments: str | Path, cwd: Path | None = None) -> subprocess.Popen[str]:
        script = tmp_path / "scripts" / "program.py"
        script.parent.mkdir(exist_ok=True)
        script.write_text("import os, sys, pathlib\nfrom transcribe_cli.audio import Decoder\n" + body)
        process = subprocess.Popen(
            [sys.executable, script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd
        )
        started.append(process)
        return process

    yield run  # type: ignore[misc]
    for process in started:
        process.kill()
        process.communicate()


DECODE = "with Decoder(pathlib.Path(sys.argv[1])) as d, d.decode(pathlib.Path(sys.argv[2])) as w: print(w.samples)\n"


def test_a_script_without_a_main_guard_works(program: Callable[..., subprocess.Popen[str]], folder: Path, short: Path) -> None:
    """The child is a separate program, not a copy of the caller."""
    out, err = program(DECODE, folder, short).communicate(timeout=30)
    assert (out, err) == ("1600\n", "")


def test_modules_in_the_current_folder_are_not_imported(
    program: Callable[..., subprocess.Popen[str]], folder: Path, short: Path, tmp_path: Path
) -> None:
    """A folder of downloaded recordings may contain an `av.py`."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    for name in ("av.py", "numpy.py", "json.py", "transcribe_cli.py"):
        (downloads / name).write_text("open('/proc/self/cwd/executed', 'w')\nraise SystemExit('executed')\n")
    out, err = program(DECODE, folder, short, cwd=downloads).communicate(timeout=30)
    assert (out, err) == ("1600\n", "")
    assert not (downloads / "executed").exists()


def test_a_killed_parent_ends_the_child_and_its_scratch_is_removed_later(
    program: Callable[..., subprocess.Popen[str]], folder: Path, hour: Path, short: Path
) -> None:
    """Kill -9 leaves a scratch file; the next decoder removes it, but never one of a live process."""
    body = (
        "def die(waveform):\n"
        "    print(decoder._child.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "decoder = Decoder(pathlib.Path(sys.argv[1]))\n"
        "decoder.decode(pathlib.Path(sys.argv[2]), on_progress=die)\n"
    )
    out, _ = program(body, folder, hour).communicate(timeout=30)
    assert gone(int(out))
    (left,) = folder.iterdir()
    with Decoder(scratch=folder) as decoder, decoder.decode(short) as mine:
        hour_ago = time.time() - 3600
        os.utime(left, (hour_ago, hour_ago))
        os.utime(mine.path, (hour_ago, hour_ago))
        with Decoder(scratch=folder):
            assert list(folder.iterdir()) == [mine.path]


def test_the_sweep_removes_only_scratch_files(tmp_path: Path) -> None:
    """Only matching names, only regular files, only old ones, and nothing behind a link."""
    kept = ["transcribe-1.s16", "transcribe-12-abcdefgh.wav", "notes.txt", "xtranscribe-12-abcdefgh.s16"]
    for name in kept:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "transcribe-12-aaaaaaaa.s16").mkdir()
    (tmp_path / "transcribe-12-bbbbbbbb.s16").symlink_to(tmp_path / "notes.txt")
    (tmp_path / "transcribe-12-young_00.s16").write_bytes(b"x")
    (tmp_path / "transcribe-12-cccccccc.s16").write_bytes(b"x")
    for entry in tmp_path.iterdir():
        if "young" not in entry.name:
            os.utime(entry, (0, 0), follow_symlinks=False)
    assert scratch.sweep(tmp_path) == [tmp_path / "transcribe-12-cccccccc.s16"]
    assert len(list(tmp_path.iterdir())) == 7


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """One megabyte of disk."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("only root may mount")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_a_storage_error(small_disk: Path, tmp_path: Path, short: Path) -> None:
    """Detected from the header in advance, or while writing; the message names the scratch folder, which is empty afterwards."""
    known = wav(tmp_path / "known.wav", tone(60.0))
    unknown = encode(tmp_path / "unknown.webm", Track("libopus", 48_000, seconds=60.0), options={"live": "1"})
    with Decoder(scratch=small_disk) as decoder:
        for path in (known, unknown):
            with pytest.raises(StorageNotReady) as caught:
                decoder.decode(path)
            assert caught.value.message == f"Cannot write temporary files in {small_disk}: No space left on device."
            assert "TMPDIR" in caught.value.hint
            assert list(small_disk.iterdir()) == []
        decoder.decode(short).close()


def test_a_missing_scratch_folder_is_named(tmp_path: Path, short: Path) -> None:
    """Probing still works without one."""
    with Decoder(scratch=tmp_path / "nowhere") as decoder:
        assert decoder.probe(short).duration == pytest.approx(0.1)
        with pytest.raises(StorageNotReady, match="nowhere: No such file or directory"):
            decoder.decode(short)


def test_the_scratch_folder_follows_tmpdir(
    program: Callable[..., subprocess.Popen[str]], folder: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless another folder is given."""
    monkeypatch.setenv("TMPDIR", str(folder))
    out, _ = program("with Decoder() as d, d.decode(pathlib.Path(sys.argv[1])) as w: print(w.path.parent)\n", short).communicate()
    assert out == f"{folder}\n"


def test_a_bad_file_does_not_replace_the_child(folder: Path, short: Path, tmp_path: Path) -> None:
    """A refusal is a normal reply; only a failed child is replaced."""
    (tmp_path / "a.mp3").write_bytes(b"no")
    with Decoder(scratch=folder) as decoder:
        decoder.decode(short).close()
        pid = child_of(decoder)
        with pytest.raises(NotAudio):
            decoder.decode(tmp_path / "a.mp3")
        assert child_of(decoder) == pid
