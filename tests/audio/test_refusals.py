"""Every file that is not a recording fails quickly with one clear error, and the next file is decoded."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audio.media import Track, encode, flac_of_silence, long_silence, tone, wav
from transcribe_cli.audio import Decoder, Limits
from transcribe_cli.errors import DecoderFailed, NoAudioTrack, NotAudio, TooLong, Unreadable

NOT_AUDIO = {
    "empty": (b"", "is empty"),
    "web page": (b"\n<!DOCTYPE html><html><body>404 Not Found</body></html>", "it is a web page"),
    "text": ("Ata da reunião: presentes, pauta, encaminhamentos.\n" * 40).encode(),
    "zeros": bytes(300_000),
    "random": random.Random(1).randbytes(300_000),
    "short": b"RIFF",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "archive": b"PK\x03\x04" + bytes(1000),
}


@pytest.mark.parametrize("what", NOT_AUDIO)
@pytest.mark.parametrize("ending", [".mp3", ".wav", ".m4a", ".ogg", ""])
def test_a_file_that_is_no_recording_is_refused(what: str, ending: str, decoder: Decoder, tmp_path: Path) -> None:
    """With any suffix."""
    content = NOT_AUDIO[what]
    data, reason = content if isinstance(content, tuple) else (content, "is not a supported audio or video file")
    path = tmp_path / f"aula 1{ending}"
    path.write_bytes(data)
    with pytest.raises(NotAudio) as caught:
        decoder.decode(path)
    assert caught.value.message.startswith(f"aula 1{ending} ")
    assert reason in caught.value.message
    assert str(tmp_path) not in str(caught.value)


def test_a_video_without_audio_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    """The streams are counted; PyAV itself would raise an IndexError."""
    path = encode(tmp_path / "a.mp4", video_seconds=1.0)
    for call in (decoder.probe, decoder.decode):
        with pytest.raises(NoAudioTrack, match=r"^a\.mp4 has no audio track, only video\.$"):
            call(path)


@pytest.mark.parametrize("track", [2, 99, -1])
def test_a_missing_track_is_reported_with_the_existing_ones(track: int, decoder: Decoder, tmp_path: Path) -> None:
    """Numbers start at 0, and negative ones do not count from the end."""
    path = encode(tmp_path / "a.mka", Track(), Track())
    with pytest.raises(NoAudioTrack, match=f"no audio track number {track}: it has 2 audio tracks, numbers 0 to 1"):
        decoder.decode(path, track=track)


def fifo(path: Path) -> None:
    """A pipe without a writer: opening it would block forever."""
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    """A socket that was bound and left behind."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (Path.mkdir, "is a folder, not a regular file"),
    "pipe": (fifo, "is a pipe, not a regular file"),
    "socket": (unix_socket, "is a socket, not a regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a device, not a regular file"),
    "loop": (lambda path: path.symlink_to(path.name), "cannot be opened: Too many levels of symbolic links"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "cannot be opened: No such file"),
    "missing": (lambda path: None, "cannot be opened: No such file"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_not_regular_is_refused_at_once(what: str, decoder: Decoder, tmp_path: Path) -> None:
    """Only regular files are opened, so that nothing can block."""
    make, reason = REFUSED[what]
    path = tmp_path / "a.mp3"
    make(path)
    for call in (decoder.probe, decoder.decode):
        with pytest.raises(Unreadable, match=rf"^a\.mp3 {reason}"):
            call(path)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """In a process without root's right to read everything."""
    unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    if unprivileged and not shutil.which("setpriv"):
        pytest.skip("root reads everything")
    path = wav(tmp_path / "a.wav", tone(0.1))
    path.chmod(0)
    script = (
        "import sys, pathlib, transcribe_cli.audio as audio\n"
        "with audio.Decoder() as decoder:\n"
        "    try: decoder.decode(pathlib.Path(sys.argv[1]))\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
    )
    ran = subprocess.run([*unprivileged, sys.executable, "-c", script, path], capture_output=True, text=True)
    assert ran.stdout == "Unreadable a.wav cannot be opened: Permission denied.\n", ran.stderr


@pytest.mark.parametrize(
    "name",
    [
        b"10:30 reuni\xc3\xa3o.wav",
        b"concat:a|b.wav",
        b"-i.wav",
        b"line\nbreak\x1b[31m.wav",
        b"latin1 \xe9\xff.wav",
        b"%s %d {0}.wav",
        b"?versionId=1.wav",
        b"x" * 251 + b".wav",
        " emoji 🎙 [bold].wav".encode(),
    ],
)
def test_any_file_name_works_and_is_unchanged_in_errors(name: bytes, decoder: Decoder, tmp_path: Path) -> None:
    """Names are bytes; nothing in them is interpreted as a protocol, an option or a format."""
    path = tmp_path / os.fsdecode(name)
    with decoder.decode(wav(path, tone(0.5))) as waveform:
        assert waveform.seconds == 0.5
    path.write_bytes(b"")
    with pytest.raises(NotAudio) as caught:
        decoder.decode(path)
    assert caught.value.message == f"{path.name} is empty."


def test_a_relative_path_refers_to_the_current_folder(decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after the folder changed since the child started."""
    wav(tmp_path / "a.wav", tone(0.5))
    monkeypatch.chdir(tmp_path)
    with decoder.decode(Path("a.wav")) as waveform:
        assert waveform.seconds == pytest.approx(0.5, abs=0.01)


def test_a_recording_past_the_limit_is_refused_by_its_header(tmp_path: Path) -> None:
    """A day of silence in 150 KB: refused before anything is decoded."""
    bomb = flac_of_silence(tmp_path / "a.flac", 24 * 3600, declared=24 * 3600)
    assert bomb.stat().st_size < 170_000
    with Decoder(scratch=tmp_path) as decoder:
        assert decoder.probe(bomb).duration == 24 * 3600
        decoded: list[int] = []
        with pytest.raises(TooLong, match=r"^a\.flac is longer than 16 h\.") as caught:
            decoder.decode(bomb, on_progress=lambda waveform: decoded.append(waveform.samples))
        assert not any(decoded)
        assert "--max-duration" in caught.value.hint


@pytest.mark.parametrize("declared", [0, 60])
def test_a_recording_past_the_limit_is_stopped_if_its_header_is_wrong(declared: int, tmp_path: Path) -> None:
    """The decoded duration counts; memory does not grow, and no scratch file remains."""
    bomb = flac_of_silence(tmp_path / "a.flac", 24 * 3600, declared)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Decoder(scratch=scratch, limits=Limits(max_seconds=3600)) as decoder:
        with pytest.raises(TooLong, match="longer than 1 h"):
            decoder.decode(bomb)
        assert list(scratch.iterdir()) == []
        decoder.decode(wav(tmp_path / "b.wav", tone(0.1))).close()


def test_a_recording_as_long_as_the_limit_is_decoded(tmp_path: Path) -> None:
    """The limit itself is allowed."""
    with Decoder(scratch=tmp_path, limits=Limits(max_seconds=60)) as decoder:
        decoder.decode(long_silence(tmp_path / "a.wav", 60)).close()
        with pytest.raises(TooLong, match="longer than 60 s"):
            decoder.decode(long_silence(tmp_path / "b.wav", 61))


@pytest.mark.slow
def test_a_packet_that_does_not_fit_in_memory_fails_one_file(tmp_path: Path) -> None:
    """An AVI whose only chunk is 600 MB, in a sparse file; the decoder may use 512 MB."""
    data = encode(tmp_path / "a.avi", Track("libmp3lame", seconds=1.0)).read_bytes()
    first = data.index(b"00wb", data.index(b"movi"))
    with (tmp_path / "a.avi").open("wb") as file:
        file.write(data[:first] + b"00wb" + (600 << 20).to_bytes(4, "little"))
        file.truncate(first + 8 + (600 << 20))
    with Decoder(scratch=tmp_path, limits=Limits(memory_bytes=512 << 20)) as decoder:
        with pytest.raises(DecoderFailed, match=r"^Decoding a\.avi needs more than 0\.5 GiB of memory\."):
            decoder.decode(tmp_path / "a.avi")
        decoder.decode(wav(tmp_path / "b.wav", tone(0.1))).close()


def test_an_ordinary_batch_of_bad_files_leaves_nothing_behind(tmp_path: Path) -> None:
    """One child for all of them, and an empty scratch folder."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    good = encode(tmp_path / "good.mp3", Track("libmp3lame"))
    with Decoder(scratch=scratch) as decoder:
        for number in range(12):
            path = tmp_path / f"{number}.mp3"
            shutil.copy(good, path) if number % 3 else path.write_bytes(b"x" * number)
            try:
                decoder.decode(path).close()
            except NotAudio:
                assert number % 3 == 0
        assert list(scratch.iterdir()) == []
