"""The fallback decoder: the system's ffmpeg decodes codecs that PyAV lacks, within the same limits."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audio.media import tone, wav
from tests.audio.test_child_process import gone
from tests.audio.test_decoding import pitch
from transcribe_cli.audio import Decoder, Limits, ffmpeg
from transcribe_cli.errors import NotAudio, StorageNotReady, TooLong

pytestmark = pytest.mark.skipif(not ffmpeg.is_available(), reason="needs the extra `ffmpeg` and an ffmpeg on PATH")


@pytest.fixture(scope="module")
def radio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Codec2, used by digital radio: PyAV's wheel supports the container but was built without libcodec2."""
    folder = tmp_path_factory.mktemp("codec2")
    source = wav(folder / "a.wav", tone(4.0, 8_000, 300.0), 8_000)
    command = ["ffmpeg", "-v", "error", "-i", source, "-c:a", "libcodec2", folder / "rádio: 1.c2"]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this ffmpeg has no libcodec2")
    return folder / "rádio: 1.c2"


def test_the_system_ffmpeg_decodes_what_pyav_cannot(radio: Path, tmp_path: Path) -> None:
    """The waveform contains the name of the decoder."""
    with Decoder(scratch=tmp_path) as decoder, decoder.decode(radio) as waveform:
        assert waveform.decoder == "ffmpeg"
        assert waveform.seconds == pytest.approx(4.0, abs=0.1)
        assert 200 < pitch(waveform, 1, 3) < 450  # a vocoder for speech
        assert waveform.damage.header_seconds is None
        assert not waveform.damage.damaged


def test_without_it_the_codec_is_named_as_the_reason(radio: Path, tmp_path: Path) -> None:
    """`fallback=False`, or the extra is not installed."""
    with Decoder(scratch=tmp_path, fallback=False) as decoder, pytest.raises(NotAudio, match="its audio codec is not supported"):
        decoder.decode(radio)


def test_it_keeps_the_length_limit(radio: Path, tmp_path: Path) -> None:
    """Ffmpeg stops at the limit, and a longer recording is refused."""
    with Decoder(scratch=tmp_path, limits=Limits(max_seconds=1.0)) as decoder, pytest.raises(TooLong, match="longer than 1 s"):
        decoder.decode(radio)
    assert list(tmp_path.iterdir()) == []


def test_the_first_error_is_kept_if_ffmpeg_fails_too(tmp_path: Path) -> None:
    """Neither decoder recognizes random bytes."""
    (tmp_path / "a.mp3").write_bytes(b"\x00\x01\x02" * 5000)
    with Decoder(scratch=tmp_path) as decoder, pytest.raises(NotAudio, match=r"^a\.mp3 is not a supported audio"):
        decoder.decode(tmp_path / "a.mp3")


def test_its_command_line_opens_one_file_by_its_absolute_name(tmp_path: Path) -> None:
    """A list of arguments; nothing in a name is interpreted as an option, a protocol or shell syntax."""
    line = ffmpeg.command_line(tmp_path / "-i concat:$(x)\n.mp3", 1, 10.0)
    assert line[0] == shutil.which("ffmpeg")
    assert line[line.index("-i") + 1] == f"file:{tmp_path}/-i concat:$(x)\n.mp3"
    assert line[line.index("-protocol_whitelist") + 1] == "file"
    assert "mp3" in line[line.index("-format_whitelist") + 1].split(",")
    assert line.index("-format_whitelist") < line.index("-i")
    assert line[line.index("-map") + 1] == "0:a:1"
    assert "-nostdin" in line


@pytest.fixture
def days(radio: Path, tmp_path: Path) -> Path:
    """A recording that takes minutes to decode; no test waits for that."""
    header, frames = radio.read_bytes()[:7], radio.read_bytes()[7:]
    (tmp_path / "days.c2").write_bytes(header + frames * 100_000)
    return tmp_path / "days.c2"


NOTICE = (
    "import os, pathlib, sys\n"
    "from transcribe_cli.audio import Decoder\n"
    "def notice(waveform):\n"
    "    child = decoder._child.pid\n"
    "    programs = pathlib.Path(f'/proc/{child}/task/{child}/children').read_text().split()\n"
    "    if programs:\n"
    "        print(child, *programs, flush=True)\n"
    "        END\n"
    "decoder = Decoder(pathlib.Path(sys.argv[2]))\n"
    "decoder.decode(pathlib.Path(sys.argv[1]), on_progress=notice)\n"
)


@pytest.mark.parametrize(
    "end", ["os.kill(os.getpid(), 9)", "sys.exit(0)", "os.kill(child, 9)"], ids=["killed", "stopped", "child"]
)
def test_it_ends_with_its_parent(end: str, days: Path, tmp_path: Path) -> None:
    """The child may signal nobody but its group, in which the program runs."""
    ran = subprocess.run([sys.executable, "-c", NOTICE.replace("END", end), days, tmp_path], capture_output=True, text=True)
    child, *programs = map(int, ran.stdout.split()[:2])
    assert programs
    assert all(gone(pid) for pid in (child, *programs))


def test_a_full_disk_is_reported(radio: Path, tmp_path: Path) -> None:
    """The message of ffmpeg is not read; the free space is checked instead."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("only root may mount")
    try:
        with Decoder(scratch=disk) as decoder, pytest.raises(StorageNotReady, match="No space left"):
            decoder.decode(radio)
    finally:
        subprocess.run(["umount", disk], check=True)
