"""Whatever becomes of the child is one file's error; whatever becomes of the parent, the child does not outlive it."""

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
    """A scratch folder that is empty again in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def hour(tmp_path: Path) -> Path:
    """A recording that takes seconds to decode (nothing here waits for that), and no room on disk: hours, in fact."""
    return long_silence(tmp_path / "hour.wav", 4 * 3600)


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A recording that takes no time."""
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
def test_a_crash_is_that_files_error_and_the_next_one_is_decoded(
    number: signal.Signals, folder: Path, hour: Path, short: Path
) -> None:
    """A child that dies in the middle of a file, as FFmpeg would on a bug or the kernel out of memory."""
    with Decoder(scratch=folder) as decoder:
        with pytest.raises(DecoderFailed, match=rf"^hour\.wav: the decoder was killed by signal {number.value}\."):
            decoder.decode(hour, on_progress=lambda _: os.kill(child_of(decoder), number))
        assert list(folder.iterdir()) == []
        decoder.decode(short).close()


def test_a_child_that_dies_between_two_files_is_nobodys_error(folder: Path, short: Path) -> None:
    """The next file gets a new one."""
    with Decoder(scratch=folder) as decoder:
        decoder.decode(short).close()
        pid = child_of(decoder)
        os.kill(pid, signal.SIGKILL)
        # Ended with all its threads, as its parent sees it: its first thread is a zombie a moment before.
        assert os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) is not None
        decoder.decode(short).close()


def test_a_hang_ends_at_the_stall_limit(folder: Path, hour: Path, short: Path) -> None:
    """A stopped process makes no progress, as one that waits for ever."""
    with Decoder(scratch=folder, limits=Limits(stall_seconds=1.0)) as decoder:
        with pytest.raises(DecoderFailed, match="made no progress for 1 s"):
            decoder.decode(hour, on_progress=lambda _: os.kill(child_of(decoder), signal.SIGSTOP))
        decoder.decode(short).close()


def test_a_decoder_that_crawls_is_stopped(folder: Path, hour: Path, short: Path) -> None:
    """Progress alone is not enough; there is a limit in proportion to what was decoded."""
    with Decoder(scratch=folder, limits=Limits(grace_seconds=0.05, max_realtime_factor=0.0)) as decoder:
        with pytest.raises(DecoderFailed, match="too slow"):
            decoder.decode(hour)
        assert list(folder.iterdir()) == []


def test_a_decode_can_be_cancelled_from_another_thread(folder: Path, hour: Path, short: Path) -> None:
    """It ends at once, and the decoder can be used again; with nothing under way a cancel does nothing."""
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
    """Ctrl-C goes through; the child does not work on for nobody, and no scratch file stays."""

    def interrupt(_: Waveform) -> None:
        raise KeyboardInterrupt

    with Decoder(scratch=folder) as decoder:
        pids: list[int] = []
        with pytest.raises(KeyboardInterrupt):
            decoder.decode(hour, on_progress=lambda waveform: (pids.append(child_of(decoder)), interrupt(waveform)))
        assert gone(pids[0])
        assert list(folder.iterdir()) == []
        decoder.decode(short).close()


def test_many_threads_may_ask_one_decoder(folder: Path, tmp_path: Path) -> None:
    """They take turns, and each gets its own answer."""
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
    """No secrets of the environment, no open files, not our terminal session; and it has its limits."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    with (tmp_path / "ledger").open("w") as ledger:
        os.set_inheritable(ledger.fileno(), True)
        with Decoder(scratch=folder) as decoder:
            decoder.decode(short).close()
            pid = child_of(decoder)
            assert b"sk-canary" not in Path(f"/proc/{pid}/environ").read_bytes()
            assert not any("ledger" in link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir())
            assert os.getsid(pid) == pid
            limits = Path(f"/proc/{pid}/limits").read_text()
            for name, value in {"Max address space": 2 << 30, "Max core file size": 0}.items():
                assert str(value) in next(line for line in limits.splitlines() if line.startswith(name)).split()


def test_one_child_serves_all_files_in_constant_memory(folder: Path, tmp_path: Path) -> None:
    """Half an hour costs what a second costs."""
    with Decoder(scratch=folder) as decoder:
        decoder.decode(encode(tmp_path / "a.mp3", Track("libmp3lame"))).close()
        pid, before = child_of(decoder), status(child_of(decoder), "VmHWM")
        decoder.decode(long_silence(tmp_path / "b.wav", 1800, 16_000)).close()  # 58 MB
        assert child_of(decoder) == pid
        assert status(pid, "VmHWM") - before < 20_000  # KiB


def test_closing_ends_the_child_and_closing_again_is_fine(folder: Path, short: Path) -> None:
    """And a decoder that is used again after that starts another."""
    decoder = Decoder(scratch=folder)
    decoder.decode(short).close()
    pid = child_of(decoder)
    decoder.close()
    decoder.close()
    assert gone(pid)
    decoder.probe(short)
    decoder.close()


def test_a_forgotten_decoder_leaves_no_child(folder: Path, short: Path) -> None:
    """Its finalizer does what `close` would have done."""
    decoder = Decoder(scratch=folder)
    decoder.decode(short).close()
    pid = child_of(decoder)
    del decoder
    gc.collect()
    assert gone(pid)


def test_a_limit_may_be_infinite(folder: Path, short: Path) -> None:
    """For those who trust their files."""
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
    """The child is a program of its own, not a copy of the caller."""
    out, err = program(DECODE, folder, short).communicate(timeout=30)
    assert (out, err) == ("1600\n", "")


def test_modules_in_the_current_folder_are_not_imported(
    program: Callable[..., subprocess.Popen[str]], folder: Path, short: Path, tmp_path: Path
) -> None:
    """A folder of recordings from somebody else may hold an `av.py`."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    for name in ("av.py", "numpy.py", "json.py", "transcribe_cli.py"):
        (downloads / name).write_text("open('/proc/self/cwd/executed', 'w')\nraise SystemExit('executed')\n")
    out, err = program(DECODE, folder, short, cwd=downloads).communicate(timeout=30)
    assert (out, err) == ("1600\n", "")
    assert not (downloads / "executed").exists()


def test_a_parent_that_is_killed_takes_the_child_along_and_its_scratch_is_swept_later(
    program: Callable[..., subprocess.Popen[str]], folder: Path, hour: Path, short: Path
) -> None:
    """A kill -9 leaves a scratch file; the next decoder removes it, and never one whose owner is alive."""
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


def test_the_sweep_touches_nothing_that_is_not_ours(tmp_path: Path) -> None:
    """Only our pattern, only regular files, only old ones, and nothing behind a link."""
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


def test_a_full_disk_is_not_the_files_error(small_disk: Path, tmp_path: Path, short: Path) -> None:
    """By its header before it is full, or in the middle; the scratch folder is named, and nothing stays in it."""
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


def test_a_scratch_folder_that_is_not_there_is_named(tmp_path: Path, short: Path) -> None:
    """Probing still works without one."""
    with Decoder(scratch=tmp_path / "nowhere") as decoder:
        assert decoder.probe(short).duration == pytest.approx(0.1)
        with pytest.raises(StorageNotReady, match="nowhere: No such file or directory"):
            decoder.decode(short)


def test_the_scratch_folder_follows_tmpdir(
    program: Callable[..., subprocess.Popen[str]], folder: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing else is said."""
    monkeypatch.setenv("TMPDIR", str(folder))
    out, _ = program("with Decoder() as d, d.decode(pathlib.Path(sys.argv[1])) as w: print(w.path.parent)\n", short).communicate()
    assert out == f"{folder}\n"


def test_a_bad_file_does_not_cost_a_new_child(folder: Path, short: Path, tmp_path: Path) -> None:
    """Refusals are answers; only a child that failed is replaced."""
    (tmp_path / "a.mp3").write_bytes(b"no")
    with Decoder(scratch=folder) as decoder:
        decoder.decode(short).close()
        pid = child_of(decoder)
        with pytest.raises(NotAudio):
            decoder.decode(tmp_path / "a.mp3")
        assert child_of(decoder) == pid
